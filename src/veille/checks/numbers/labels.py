"""What a text says of a number against what its record says: price, hours, how it is called, and how old that is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from veille.checks.numbers import claims
from veille.checks.numbers import rules as codes
from veille.checks.numbers.denied import costs_nothing
from veille.checks.numbers.directory import Record
from veille.checks.numbers.places import Place
from veille.checks.rules import Rule
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.partners import HelpLine
from veille.timetable import day_in_words

_I = re.IGNORECASE
_S = "[ \n\xa0\u202f]?"
_FREE = re.compile(r"\bgratuit|\bnum[ée]ro vert\b|\banonyme|\bfree\b", _I)
_FREE_CALL = re.compile(r"\bnum[ée]ro vert\b|\b(?:appel|num[ée]ro|ligne)s? (?:\w+ )?gratuite?s?\b", _I)
_NOT_FREE = re.compile(r"\b(?:pas|non|n.est plus|jamais)[ -](?:\w+ )?(?:gratuit|anonyme)", _I)
_ALL_DAY = re.compile(
    rf"\b24{_S}h?(?:eures)?{_S}(?:/|sur){_S}24|\b24/7|\bjour et nuit|\b[àa] toute heure|\bh24\b|\bday and night", _I
)
_ALL_WEEK = re.compile(rf"\b7{_S}j?(?:ours)?{_S}(?:/|sur){_S}7|\b24/7|\btous les jours|\bchaque jour|\bevery day", _I)
_CALL = re.compile(
    r"\b(?:r?appel(?:le[rz]?|ez|er|ons)|appelle|t[ée]l[ée]phone[rz]?|compos(?:e[rz]?|ons)|joignable|au t[ée]l[ée]phone|"
    r"dial|call)\b",
    _I,
)
_WRITE = re.compile(r"\bsms\b|\btextos?\b|\bmessage|\b[ée]cri(?:s|t|vez|re)\b|\btext\b", _I)
_TEXTED = re.compile(r"\b(?:sms|textos?)\b[^.!?,;]{0,20}\bau[ \n\xa0]$", _I)
_BY_TEXT = re.compile(r"[ \n\xa0]*\(?(?:par|en)[ \n\xa0](?:sms|textos?)\b", _I)
# "Le 114 répond aussi : appelle-le.": nobody else stands between the number and the pronoun.
_CALL_IT = re.compile(
    r"(?:(?!\b(?:si|une?|ton|ta|tes|votre|leur|quelqu|ne|pas|jamais|puis|proche|ami|adulte)\b|\bn[’'])[^.!?])*[.!?]?"
    r"[\s,:;–—-]*(?:\b(?:r?appel(?:le|ez|ons)|t[ée]l[ée]phone[rz]?|compos(?:e|ez))-(?:le|lui)\b"
    r"|\b(?:(?:tu peux|vous pouvez|on peut|tu dois|pour|peux-tu|pouvez-vous)[ \xa0]){1,2}"
    r"(?:l[’']appeler|lui téléphoner)\b)",
    _I,
)
_BY_VOICE = re.compile(
    r"(?:(?!\b(?:sans|ne|pas|jamais|aucun|ni|lieu|plutôt|impossible)\b|\bn[’'])[^.!?;\d]){0,30}?"
    r"\b(?:de vive voix|appels? voca(?:l|ux)|à l[’']oral)\b",
    _I,
)
_NOT_CALL = re.compile(r"(?:\bn[’']|\b(?:ne|pas|jamais|impossible|not)\b)[^.!?]{0,30}$", _I)


def contradictions(place: Place, record: Record) -> Iterator[Finding]:
    """Everything that the words around a number say wrong, by its record."""
    yield from age(place, record)
    yield from _mistaken(place, record)
    if isinstance(record.source, HelpLine):
        yield from _existence(place, record.source)
        told = list(_hours(place, record.source))
        yield from told or _fewer(place, record.source)
        yield from _voice(place, record.source)
        yield from _texting(place, record.source)
    yield from _price(place, record)


def age(place: Place, record: Record) -> Iterator[Finding]:
    """A record that nobody confirmed within `checks.verify_every`, on the day on which it is shown."""
    every: timedelta = place.scene.context.config.settings.checks.verify_every
    if not record.is_old(place.scene.day, every):
        return
    helps = isinstance(record.source, HelpLine) or place.near_help
    message = _("when this is shown, nobody has verified {name} for {days} days")
    words = message.format(name=record.source.name, days=(place.scene.day - record.source.verified_on).days)
    hint = _("check it at its source, correct {file}, then run `veille partners confirm {name}`")
    name = getattr(record.source, "id", record.digits)
    found = _at(codes.RECORD_OLD, place, words, hint.format(file=record.file, name=name))
    yield replace(found, severity=Severity.ERROR if helps else Severity.WARNING)


def _mistaken(place: Place, record: Record) -> Iterator[Finding]:
    """It stands there as the number of another service."""
    directory, first, last = place.scene.directory, place.before == 0, place.after is None
    said, right = directory.called.other(record.digits, record.source, place.lead, place.trail, first=first, last=last)
    if not said:
        return
    message = _("the text says “{said}”; {number} is {name}").format(
        said=" ".join(said.split()), number=place.number.written, name=record.source.name
    )
    other = directory.records.get(right)
    hint = _("write {reference}").format(reference=other.reference) if other else _("look the number up in its record")
    yield _at(codes.MISTAKEN, place, message, hint)


def _existence(place: Place, line: HelpLine) -> Iterator[Finding]:
    if not line.answers_on(place.scene.day):
        language = place.scene.context.config.settings.workspace.language
        message = _("{number} ({name}) does not answer on {day}, when this is shown")
        words = message.format(number=line.label, name=line.name, day=day_in_words(place.scene.day, language))
        yield _at(codes.HOURS, place, words, _("take it out, or correct valid_from and valid_until in its record"))


def _hours(place: Place, line: HelpLine) -> Iterator[Finding]:
    real, said = line.hours_on(place.scene.day), f"{place.lead[-80:]}\n{place.trail[:80]}"
    if not real:
        return
    for claim, truth in ((_ALL_DAY, _ALL_DAY), (_ALL_WEEK, _ALL_WEEK)):
        if (match := claim.search(said)) and not truth.search(real):
            message = _("the text says “{said}”; {number} answers: {real}")
            words = message.format(said=" ".join(match[0].split()), number=line.label, real=real)
            yield _at(codes.LABEL, place, words, _("write the hours of the record, or correct the record"))
            return


def _fewer(place: Place, line: HelpLine) -> Iterator[Finding]:
    """The text takes hours or days away from a line that always answers: who reads it at night does not call."""
    real = line.hours_on(place.scene.day)
    said = claims.fewer_hours(place.lead, place.trail) if _ALL_DAY.search(real) else ""
    if not said and _ALL_WEEK.search(real):
        said = claims.fewer_days(place.lead, place.trail)
    if said:
        message = _("the text says “{said}”; {number} answers: {real}")
        words = message.format(said=said, number=line.label, real=real)
        yield _at(codes.LABEL, place, words, _("write the hours of the record, or correct the record"))


def _voice(place: Place, line: HelpLine) -> Iterator[Finding]:
    said = _CALL_IT.match(place.behind) or _BY_VOICE.match(place.trail)
    if not line.voice and (said or _is_called(place)):
        message = _("{number} ({name}) cannot be called: it takes text messages")
        words = message.format(number=line.label, name=line.name)
        yield _at(codes.LABEL, place, words, _("write: send a text message to {number}").format(number=line.label))


def _is_called(place: Place) -> bool:
    if _WRITE.search(place.trail[:20]):
        return False
    calls = list(_CALL.finditer(place.lead))
    if not calls or _WRITE.search(place.lead, calls[-1].end()):
        return False
    return not _NOT_CALL.search(place.lead[: calls[-1].start()])


def _texting(place: Place, line: HelpLine) -> Iterator[Finding]:
    """A message to a line that takes none is lost, and its writer waits for an answer."""
    if line.sms or not line.voice or not (_TEXTED.search(place.lead) or _BY_TEXT.match(place.trail)):
        return
    message = _("{number} ({name}) takes no text messages: nobody answers them")
    said = message.format(number=line.label, name=line.name)
    yield _at(codes.LABEL, place, said, _("write that one calls it, or name a line that takes text messages"))


def _price(place: Place, record: Record) -> Iterator[Finding]:
    said, free = f"{place.lead[-60:]}\n{place.trail[:60]}", costs_nothing(record.digits)
    claim = _FREE.search(said) if isinstance(record.source, HelpLine) else _FREE_CALL.search(said)
    if isinstance(record.source, HelpLine):
        free = record.source.free
    if claim and not free and not _NOT_FREE.search(said):
        message = _("the text says “{said}”; the record of {name} does not say that a call is free")
        words = message.format(said=" ".join(claim[0].split()), name=record.source.name)
        yield _at(codes.LABEL, place, words, _("take the word out, or correct the record"))
    elif free and (cost := claims.costs(place.lead, place.trail)):
        message = _("the text says “{said}”; by the record of {name}, a call is free")
        words = message.format(said=cost, name=record.source.name)
        yield _at(codes.LABEL, place, words, _("take the word out, or correct the record"))


def _at(rule: Rule, place: Place, message: str, hint: str) -> Finding:
    return rule.at(place.text, place.number.start, place.number.end, message, hint)
