"""Addresses: what is one, the one form in which it is kept, and the hash that remembers it without keeping it."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from veille.errors import VeilleError
from veille.i18n import gettext as _

LEFT = "#"  # begins what stands in the place of an address that was given up: no address has it alone

# What almost every address looks like: read without the library, which takes twenty times as long. It accepts less than
# the library does (RFC 5321, 4.5.3.1: at most 64 octets before the @); whatever it does not know goes there.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"(?=[^@]{{1,64}}@)({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+{_LABEL})")
_OFFICIAL = re.compile(r"\.(?!arpa$|invalid$|local$|localhost$|onion$|test$)[a-z][a-z0-9-]*[a-z]$")  # RFC 6761
_LONGEST = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_NAMED = re.compile(r"([^<>]*)<([^<>]+)>")


def normalise(address: str) -> str:
    """The one form of an address that we store: what it parses to must be what was written.

    Lower case; a domain with other letters than ASCII in its ASCII form (RFC 5891); other letters before the @ in
    form NFC (RFC 6532, 3.1), for mail servers that offer SMTPUTF8.

    Raises:
        ValueError: it is not an address that a letter can be sent to.
    """
    typed = address.strip()
    plain = typed.lower()
    if typed.isascii() and is_plain(plain):
        return plain
    return _by_library(typed)


def is_plain(address: str) -> bool:
    """Whether this is an address of the usual form, in lower case: the library would say so too (tested)."""
    if len(address) > _LONGEST or not (match := _PLAIN.fullmatch(address)):
        return False
    return len(match[2]) < _LONGEST - 1 and _OFFICIAL.search(match[2]) is not None


def _by_library(typed: str) -> str:
    from email_validator import EmailNotValidError, validate_email  # a tenth of a second that few commands need

    try:
        result = validate_email(typed, check_deliverability=False, test_environment=True, strict=True)
    except (EmailNotValidError, UnicodeError):  # idna fails on some letters with an error of its own
        raise ValueError(_("write the address as contact@example.org")) from None
    return unicodedata.normalize("NFC", f"{result.local_part}@{result.ascii_domain}".lower())


def checked(address: str) -> str:
    """`normalise` for what a person typed as a command.

    Raises:
        VeilleError: it is no address.
    """
    try:
        return normalise(address)
    except ValueError as error:
        raise VeilleError(_("this is not an e-mail address"), hint=str(error)) from None


def bare(cell: str) -> str:
    """The address in a cell such as `Amel Martin <amel@example.org>`: the name is dropped.

    Raises:
        ValueError: another address stands in the place of the name.
    """
    typed = cell.strip().removeprefix("mailto:")
    match = _NAMED.fullmatch(typed)
    if not match:
        return typed
    name, address = match[1].strip().strip("\"'").strip(), match[2].strip()
    if "@" in name and name.lower() != address.lower():  # which one is meant? (CVE-2023-27043 and its like)
        raise ValueError(_("two addresses stand in one cell"))
    return address


def domain_of(email: str) -> str:
    """The part behind the @ of an address that `normalise` gave: lower case, ASCII."""
    return email.rpartition("@")[2]


def keyed_hash(key: bytes, email: str) -> str:
    """What remembers an address without keeping it: nobody can try addresses on it without our key."""
    return hmac.digest(key, email.encode(), hashlib.sha256).hex()


def marker(digest: str) -> str:
    """What stands in `subscriber.email` once its address was given up: one for each person, found by their address."""
    return f"{LEFT}{digest}"
