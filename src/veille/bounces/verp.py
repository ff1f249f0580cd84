"""The return path of one letter: whatever comes back there is about this letter, however unreadable it is.

Variable envelope return paths (D. J. Bernstein, 1997), signed: a bounce takes effect only for who really got a letter
from us. RFC 5321 section 2.4: the local part may change case on the way; section 4.5.3.1.1: at most 64 octets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from veille import tokens
from veille.errors import ConfigError
from veille.i18n import gettext as _
from veille.tokens import Keys

LOCAL_PART = 64  # octets
_TOKEN = 40  # octets, the longest
_MARKED = re.compile(r"\+([0-9a-z]b[0-9a-z]{1,13}-[0-9a-z]{24})@", re.IGNORECASE | re.ASCII)
_MOST = 50  # marks looked at in one text: each costs a hash, and the text is a stranger's


def return_path(keys: Keys, bounce_address: str, delivery_id: str) -> str:
    """The envelope sender of one letter: `bounces+TOKEN@lettre.example.org`.

    Args:
        bounce_address: `[newsletter] bounce_address`; its mailbox must take `+anything`.
        delivery_id: "d345"; a letter that is in no ledger (a test) gets the address without a mark.

    Raises:
        ConfigError: the address is not one, or leaves no room for the mark.
    """
    local, _at, domain = bounce_address.rpartition("@")
    if not re.fullmatch(r"[A-Za-z0-9._+=-]+", local) or not re.fullmatch(r"[A-Za-z0-9.-]+", domain):
        raise ConfigError(
            _("newsletter.bounce_address is not an address"),
            hint=_('write bounce_address = "bounces@example.org", without accents'),
        )
    if len(local) + 1 + _TOKEN > LOCAL_PART:
        raise ConfigError(
            _("newsletter.bounce_address is too long before the @"),
            hint=_("so that the mark of each letter fits, it holds at most: {most}").format(
                most=LOCAL_PART - 1 - _TOKEN
            ),
        )
    if not re.fullmatch(r"d\d+", delivery_id):
        return bounce_address
    return f"{local}+{tokens.make_mark(keys, int(delivery_id[1:]))}@{domain}"


def marks(keys: Keys, text: str) -> Iterator[str | None]:
    """For every mark in a text: the delivery that it names, or None when it is forged or damaged."""
    for count, match in enumerate(_MARKED.finditer(text)):
        if count >= _MOST:
            return
        number = tokens.read_mark(keys, match[1])
        yield None if number is None else f"d{number}"
