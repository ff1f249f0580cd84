"""References to records in a post: what the words beside them say, and how old the record is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from veille.checks.numbers import labels
from veille.checks.numbers import rules as codes
from veille.checks.numbers.directory import Record
from veille.checks.numbers.finder import Number
from veille.checks.numbers.places import Place, Scene
from veille.checks.subjects import REFERENCE, Subject, Text
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.partners import HelpLine
from veille.posts import Post

Named = tuple[Text, int, Record]  # the piece, the offset in it, and what is put in there


def placed(subject: Subject, scene: Scene) -> list[Named]:
    """The references of the body whose record exists, with their places."""
    if not isinstance(subject.source, Post | Edition) or "{{" not in subject.source.body:
        return []
    written = (child for token in subject.tokens for child in token.children or () if child.type == "reference")
    signs = ((text, at) for text in subject.body for at in text.references)
    found = (
        (text, at, scene.directory.of_reference(str(c.meta["key"])))
        for c, (text, at) in zip(written, signs, strict=False)
    )
    return [(text, at, record) for text, at, record in found if record]


def number_of(at: int, record: Record) -> Number:
    """A reference as the number that it puts in."""
    label = record.source.label if isinstance(record.source, HelpLine) else record.source.phone
    return Number(at, at + 1, label, record.digits)


def old_in_front(subject: Subject, scene: Scene) -> Iterator[Finding]:
    """Help lines that the front matter names and nobody verified for long; partners are told at their record."""
    post = subject.source
    if not isinstance(post, Post) or out_already(subject, scene):
        return
    every = scene.context.config.settings.checks.verify_every
    for name in post.helplines:
        record = scene.directory.of_reference(f"helpline:{name}")
        if record and record.is_old(scene.day, every):
            message = _("when this is shown, nobody has verified {name} for {days} days")
            days = (scene.day - record.source.verified_on).days
            hint = _("check it at its source, correct {file}, then run `veille partners confirm {name}`")
            said = hint.format(file=record.file, name=record.digits)
            yield codes.RECORD_OLD.of(subject, "helplines", message.format(name=record.source.name, days=days), said)


def of_body(places: list[tuple[Record, Place]], subject: Subject, scene: Scene) -> Iterator[Finding]:
    """Labels beside references; that a record is over or uncertain is found by the check of contacts."""
    out = out_already(subject, scene)
    for record, place in places:
        for found in labels.contradictions(place, record):
            told_elsewhere = found.code == codes.HOURS.code or found.severity is Severity.WARNING
            if not told_elsewhere and not (out and found.code == codes.RECORD_OLD.code):
                yield replace(found, excerpt=found.excerpt.replace(REFERENCE, record.reference))


def out_already(subject: Subject, scene: Scene) -> bool:
    """Whether it left longer ago than the backlog reaches: nothing of it will be queued any more."""
    moment = getattr(subject.source, "publish_date", None) or getattr(subject.source, "date", None)
    if moment is None:
        return False
    config = scene.context.config
    day = moment.astimezone(config.zone).date() if isinstance(moment, datetime) else moment
    return bool(scene.context.today - day > config.settings.workspace.backlog)
