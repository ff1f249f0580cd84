"""Checks of web and mail addresses that need no network; `veille.linking` follows the links."""

from __future__ import annotations

from collections.abc import Iterator

from veille.checks.links.ground import following
from veille.checks.links.mail import mail_addresses
from veille.checks.links.own import own_pages
from veille.checks.links.rules import RULES
from veille.checks.links.web import web_addresses
from veille.checks.rules import Check, Context
from veille.checks.subjects import Subject
from veille.errors import Finding

__all__ = ["CHECK", "following"]


def _each(subject: Subject, context: Context) -> Iterator[Finding]:
    yield from web_addresses(subject, context)
    yield from mail_addresses(subject, context)


CHECK = Check(rules=RULES, each=_each, whole=own_pages)
