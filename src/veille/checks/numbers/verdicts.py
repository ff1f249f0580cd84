"""What a number is: the first verdict that holds, in the order of issue 5 (P1 to P7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType

from veille.checks.numbers import labels
from veille.checks.numbers import rules as codes
from veille.checks.numbers.denied import Denied, fictional, lists
from veille.checks.numbers.finder import LENGTH, Number
from veille.checks.numbers.places import Place, Scene
from veille.checks.rules import Rule, said
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext

_NEIGHBOURS = ("BE", "LU", "CH", "DE")  # more regions accept nearly anything (measured with 9.0.43: 34 of them)
_MOBILE = ("06", "07")
_SERVED = (PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST, PhoneNumberType.PREMIUM_RATE)


def judge(place: Place) -> Iterator[Finding]:
    """Every finding for one number of a text: at most one of what it is, then of how it is written and said."""
    if found := wrong(place):
        yield found
        return
    if place.record:
        yield from _recorded(place)
        return
    yield _unlisted(place)
    if not fine(place.number):
        yield _format(place)


def wrong(place: Place) -> Finding | None:
    """The number cannot be what a reader in France needs, whoever recorded it."""
    number = place.number
    if denied := _denied(place):
        return _foreign(place, denied) if denied.country else _refused(place, denied)
    if place.record:
        return _fictional(place)
    if number.abroad:
        return _abroad(place)
    if number.short:
        return _unknown(place)
    if len(number.digits) != LENGTH or not valid(number.digits):
        twin = twin_of(number.digits) if _alien(number) else ""
        return _twin(place, twin) if twin else _incomplete(place)
    return _fictional(place) or (_unknown(place) if number.digits.startswith("08") else None)


# P1 and P2: length and country ----


@lru_cache(maxsize=4096)
def valid(digits: str) -> bool:
    """Whether ten digits are a number of France; numbers kept for fiction count as such."""
    return fictional(digits) or _is_valid(digits, "FR")


@lru_cache(maxsize=4096)
def twin_of(digits: str) -> str:
    """The neighbouring country in which these digits ring; "" when there is none.

    Germany and Switzerland count for services only: their plans accept nearly any other row of digits.
    """
    return next((region for region in _NEIGHBOURS if _rings(digits, region)), "")


def _rings(digits: str, region: str) -> bool:
    served = _type(digits, region) in _SERVED
    return _is_valid(digits, region) and (region == "BE" or served)


def _parsed(digits: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None


def _is_valid(digits: str, region: str) -> bool:
    number = _parsed(digits, region)
    return number is not None and phonenumbers.is_valid_number_for_region(number, region)


def _type(digits: str, region: str) -> int:
    number = _parsed(digits, region)
    return PhoneNumberType.UNKNOWN if number is None else phonenumbers.number_type(number)


def _alien(number: Number) -> bool:
    """Not just a French number that lost a digit: those are written in pairs."""
    if number.digits.startswith(("080", "090")):
        return True
    sizes = [len(part) for part in "".join(c if c.isalnum() else " " for c in number.written).split()]
    return len(sizes) > 1 and max(sizes) > 2


def _country(region: str) -> str:
    return {
        "BE": _("Belgium"),
        "LU": _("Luxembourg"),
        "CH": _("Switzerland"),
        "DE": _("Germany"),
    }.get(region, _("another country"))


def _count(number: Number) -> str:
    size = len(number.digits)
    words = ngettext(
        "“{number}” has {n} digit; French numbers have 10.", "“{number}” has {n} digits; French numbers have 10.", size
    )
    return words.format(number=number.written, n=size)


def _incomplete(place: Place) -> Finding:
    number = place.number
    message = _count(number)
    if len(number.digits) == LENGTH:
        message = _("“{number}” is no number of the French numbering plan.").format(number=number.written)
    elif (twin := twin_of(number.digits)) and not number.letters:
        message += " " + _("With all its digits as they are it would ring in {country}.").format(country=_country(twin))
    return _at(codes.INCOMPLETE, place, message, _("look it up where the service writes it, and name its record"))


def _twin(place: Place, region: str) -> Finding:
    message = _count(place.number) if len(place.number.digits) != LENGTH else ""
    message += " " + _("Such a number exists in {country}, or a digit was lost. In France it does not ring.").format(
        country=_country(region)
    )
    return _at(codes.FOREIGN, place, message.strip(), _("print the French service, by its record"))


def _abroad(place: Place) -> Finding:
    number = _parsed(place.number.digits, "FR")
    region = (phonenumbers.region_code_for_number(number) if number else None) or ""
    message = _("“{number}” is a number of {country}.").format(number=place.number.written, country=_country(region))
    hint = _("print the French service; if this one is meant, write its record and name it in the text")
    return _at(codes.FOREIGN, place, message, hint)


def _foreign(place: Place, denied: Denied) -> Finding:
    if place.number.short or place.number.abroad:
        message = _("“{number}” is no number for France. {why}")
        words = message.format(number=place.number.written, why=said(denied.why))
    else:
        words = f"{_count(place.number)} {said(denied.why)}"
    return _at(codes.FOREIGN, place, words, _instead(denied, place.scene))


# P4 and P3: deny-list and directory ----


def _denied(place: Place) -> Denied | None:
    denied = lists().denied.get(_at_home(place.number.digits))
    if denied is None or not denied.holds(place.around) or (place.record and not denied.sure):
        return None
    return denied


def _at_home(digits: str) -> str:
    """A number with the code of Belgium as it is dialled there: the deny-list holds it so."""
    return "0" + digits.removeprefix("+32") if digits.startswith("+32") else digits


def _refused(place: Place, denied: Denied) -> Finding:
    message = _("Do not print “{number}”. {why}").format(number=place.number.written, why=said(denied.why))
    return _at(codes.DENIED, place, message, _instead(denied, place.scene))


def _instead(denied: Denied, scene: Scene) -> str:
    if not denied.sure:
        return _("do not print it until somebody called it and wrote its record into content/helplines.yaml")
    if not denied.instead:
        return _("take it out; print another number only after somebody called it")
    if record := scene.directory.records.get(denied.instead):
        return _("write {reference}").format(reference=record.reference)
    hint = _("print {number}: write its record into content/helplines.yaml first")
    return hint.format(number=denied.instead)


def _unknown(place: Place) -> Finding:
    number = place.number
    message = _("“{number}” is in no record: nobody here has verified that somebody answers there.")
    if number.digits in place.scene.directory.unsure:
        message = _("“{number}” is on file as uncertain: nobody vouches for it.")
    hint = _(
        "look it up where the service writes it, write its record into content/helplines.yaml, and name it: "
        "{{{{ helpline: {digits} }}}}"
    )
    return _at(codes.UNKNOWN, place, message.format(number=number.written), hint.format(digits=number.digits))


def _unlisted(place: Place) -> Finding:
    number, near = place.number, place.near_help
    severity = Severity.ERROR if near else Severity.WARNING
    if number.digits.startswith(_MOBILE):
        message = _("“{number}” is a mobile number in no record: is it a service telephone?")
        hint = _("if it is, write a record in content/partners/ and name it; if it is somebody's own, take it out")
        return replace(_at(codes.MOBILE, place, message.format(number=number.written), hint), severity=severity)
    message = _("“{number}” is in no record, so nobody verifies it again.")
    if near:
        message = _("“{number}” stands beside words of help and is in no record: nobody here has verified it.")
    hint = _("call it, write a record in content/partners/, and name it: {{ partner: … }}")
    return replace(_at(codes.UNLISTED, place, message.format(number=number.written), hint), severity=severity)


def _fictional(place: Place) -> Finding | None:
    if not (place.scene.live and fictional(place.number.digits)):
        return None
    message = _("“{number}” is kept for examples and never rings, and a channel of this newsroom is live.")
    return _at(codes.FICTIONAL, place, message.format(number=place.number.written), _("write the real number"))


# P7: how it is written ----


def fine(number: Number) -> bool:
    """Whether it is written in pairs, or as numbers beginning with 08 are; a short one may stand in one word."""
    if number.letters:
        return False
    if number.short or number.abroad or number.written.startswith(("+33", "00")):
        return True
    parts = number.written.split()
    sizes = [len(part) for part in parts]
    if not all(part.isdigit() for part in parts):
        return False
    return sizes == [2] * 5 or (number.digits.startswith("08") and sizes in ([1, 3, 3, 3], [4, 3, 3], [1, 3, 2, 2, 2]))


def housed(digits: str) -> str:
    """Ten digits as this house prints them: "06 52 13 65 77", "0 800 235 236"."""
    if digits.startswith("08"):
        return f"{digits[0]} {digits[1:4]} {digits[4:7]} {digits[7:]}"
    return " ".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def _format(place: Place) -> Finding:
    number = place.number
    if number.letters:
        message = _(
            "“{number}” has letters where digits should be: O for 0, l or I for 1. Nobody can dial it by a tap."
        )
        found = _at(codes.FORMAT, place, message.format(number=number.written), _("type it again from the source"))
        return replace(found, severity=Severity.ERROR)
    message = _("“{number}” is hard to read.").format(number=number.written)
    return _at(codes.FORMAT, place, message, _("write {number}").format(number=housed(number.digits)))


# A number with a record ----


def _recorded(place: Place) -> Iterator[Finding]:
    assert place.record is not None
    yield from labels.contradictions(place, place.record)
    if place.number.letters:
        yield _format(place)
    elif place.text.field is None:
        message = _("“{number}” is typed here although it has a record: when that changes, this stays.")
        hint = _("write {reference}").format(reference=place.record.reference)
        yield _at(codes.RETYPED, place, message.format(number=place.number.written), hint)
    elif not fine(place.number):
        yield _format(place)


def _at(rule: Rule, place: Place, message: str, hint: str) -> Finding:
    return rule.at(place.text, place.number.start, place.number.end, message, hint)
