"""Links that dial: what is shown and what is dialled must be one number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from veille.checks.numbers import rules as codes
from veille.checks.numbers import verdicts
from veille.checks.numbers.finder import Number, canonical, find
from veille.checks.numbers.places import Place, Scene
from veille.checks.subjects import Link, Subject, Text
from veille.errors import Finding
from veille.i18n import gettext as _
from veille.partners import HelpLine

_SCHEMES = ("tel:", "sms:", "smsto:")
_CHAT = re.compile(r"https?://(?:wa\.me/|(?:api|web)\.whatsapp\.com/send/?\?(?:.*&)?phone=)\+?(\d+)", re.IGNORECASE)


def dialled(href: str) -> str:
    """The digits that a link dials; "" for a link to anything else."""
    if chat := _CHAT.match(href):
        return canonical("+" + chat[1])
    scheme = next((scheme for scheme in _SCHEMES if href.lower().startswith(scheme)), "")
    return canonical(href[len(scheme) :].partition("?")[0].partition(";")[0].replace("%20", "")) if scheme else ""


def findings(subject: Subject, scene: Scene) -> Iterator[Finding]:
    """What is wrong with the telephone links of a text."""
    for link in subject.links:
        if (digits := dialled(link.href)) and link.text is not None:
            yield from _of_link(link, link.text, digits, scene)


def _of_link(link: Link, text: Text, digits: str, scene: Scene) -> Iterator[Finding]:
    end = link.start + len(link.words)
    shown = _shown(link, digits, scene)
    if shown and shown != digits:
        message = _("this shows “{shown}” and dials {digits}").format(shown=link.words.strip(), digits=digits)
        yield codes.LINK.at(text, link.start, end, message, _hint(digits, shown, scene))
        return
    record = scene.directory.records.get(digits)
    if record and isinstance(record.source, HelpLine):
        yield from _wrong_way(link, text, record.source)
    if not shown:
        place = Place(Number(link.start, end, digits, digits), text, scene)
        yield from (found for found in verdicts.judge(place) if found.code != codes.FORMAT.code)


def _shown(link: Link, digits: str, scene: Scene) -> str:
    """The number that the words show; "" when they show none."""
    numbers = find(link.words, {*scene.directory.known, digits})
    if len(numbers) == 1:
        return numbers[0].digits
    plain = canonical(link.words)
    return plain if plain and not any(letter.isalpha() for letter in link.words) else ""


def _wrong_way(link: Link, text: Text, line: HelpLine) -> Iterator[Finding]:
    calls = link.href.lower().startswith("tel:")
    if line.voice if calls else line.sms or not line.voice:
        return
    message = _("this link calls {number}, which cannot be called: it takes text messages")
    if not calls:
        message = _("this link sends a text message to {number}, which takes none")
    hint = _("write {{{{ helpline: {number} }}}}: the link is then made from the record").format(number=line.number)
    end = link.start + len(link.words)
    yield codes.LINK.at(text, link.start, end, message.format(number=line.label), hint)


def _hint(digits: str, shown: str, scene: Scene) -> str:
    known = [record for number in (shown, digits) if (record := scene.directory.records.get(number))]
    if len(known) == 1:
        return _("if this service is meant, write {reference}").format(reference=known[0].reference)
    return _("find out which of the two is right, and name its record")
