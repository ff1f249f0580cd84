"""The numbers of the records themselves: a record that is wrong makes every post wrong that names it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from veille.checks.numbers import rules as codes
from veille.checks.numbers import verdicts
from veille.checks.numbers.denied import lists
from veille.checks.numbers.directory import Directory
from veille.checks.numbers.finder import Number, canonical
from veille.checks.numbers.places import Place, Scene
from veille.checks.subjects import Role, Subject, Text
from veille.errors import Finding
from veille.i18n import gettext as _
from veille.partners import HelpLine, Partner

_MOBILE = ("06", "07")


def findings(subject: Subject, scene: Scene) -> Iterator[Finding]:
    """What is wrong with the numbers of a partner or help line."""
    match subject.source:
        case Partner() as partner:
            for key in ("phone", "sms"):
                if value := getattr(partner, key):
                    yield from _wrong(subject, scene, key, value)
            yield from _takes_no_text(subject, partner)
        case HelpLine() as line:
            yield from _wrong(subject, scene, "number", line.number)
            yield from _label(subject, line)


def _wrong(subject: Subject, scene: Scene, key: str, value: str) -> Iterator[Finding]:
    """Length, country, deny-list and fiction, as for a number that was typed."""
    digits = canonical(value)
    line = _line(subject, key)
    text = Text(subject.file, key, Role.RECORD, value, subject.lang, ((0, line, None),))
    place = Place(Number(0, len(value), " ".join(value.split()), digits), text, _without_own(scene, digits))
    denied = lists().denied.get(digits)
    if _is_short(digits) or (denied and not denied.sure):  # its record is what makes it known
        place = replace(place, scene=scene)
    if found := verdicts.wrong(place):
        if found.code == codes.UNKNOWN.code:  # "08…": this is the record that was asked for
            return
        yield found


def _is_short(digits: str) -> bool:
    return 2 <= len(digits) <= 4 or len(digits) == 6


def _without_own(scene: Scene, digits: str) -> Scene:
    """Judged as if no record held it: a record is no proof of itself."""
    bare = Directory(scene.context.library)
    bare.records = {number: record for number, record in bare.records.items() if number != digits}
    return replace(scene, directory=bare)


def _line(subject: Subject, key: str) -> int:
    source = subject.source
    return source.line or 1 if isinstance(source, HelpLine) else subject.lines.get(key, 1)


def _takes_no_text(subject: Subject, partner: Partner) -> Iterator[Finding]:
    digits = canonical(partner.sms)
    if len(digits) == 10 and not digits.startswith(_MOBILE):
        message = _("{number} is no mobile number: it takes no text messages").format(number=partner.sms)
        yield codes.SMS.of(subject, "sms", message, _("give the number that takes them, or leave sms out"))


def _label(subject: Subject, line: HelpLine) -> Iterator[Finding]:
    if canonical(line.label) != canonical(line.number):
        message = _("label shows “{label}”, and the number is {number}").format(label=line.label, number=line.number)
        found = codes.LINK.of(subject, "label", message, _("leave label out: it is made from the number"))
        yield replace(found, line=line.line)
