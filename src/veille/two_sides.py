"""Making a call sheet fit on its two sides: shorter before fewer, and it says what it left out.

How high things are is estimated here from the number of characters, so that it also fits where no browser can measure;
`templates/paper/call-sheet.html.j2` sets these sizes, and a test compares both in a browser.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from veille.callsheet import Group, Message, Sheet, one_sentence
from veille.rendering import Contact

SIDES = 2
SIDE = 268.0  # mm of an A4 side between its margins, and a little less
_SHORT = 110  # characters of a shortened summary
_FEW = (4, 2)  # partners with details for each need, when not all of them fit
_HEAD, _TITLED, _FOOT = 38.0, 14.0, 18.0  # mm
_BREAK = 25.0  # mm that stay empty where a block goes to the other side as a whole

# (characters in a line, mm a line)
_TITLE = (40, 5.1)
_BODY = (52, 4.5)
_NAME = (31, 4.1)
_SMALL = (36, 3.8)


def fitted(sheet: Sheet, fits: Callable[[Sheet], bool]) -> Sheet:
    """The longest form of a sheet that fits; its shortest where none does."""
    smaller = sheet
    for smaller in shrinking(sheet):
        if fits(smaller):
            break
    return smaller


def shrinking(sheet: Sheet) -> Iterator[Sheet]:
    """A sheet as it is, then ever smaller ones: shorter summaries, none, fewer partners, fewer messages.

    Summaries and messages go from the end: urgent ones, which come first, stay longest, and one message always does.
    """
    yield sheet
    for kept in (1.0, 2 / 3, 1 / 3, 0.0):
        whole_ones = math.ceil(len(sheet.messages) * kept)
        lengths = (_SHORT if n < whole_ones else 0 for n in range(len(sheet.messages)))
        cut = tuple(_cut(message, length) for message, length in zip(sheet.messages, lengths, strict=True))
        sheet = replace(sheet, shortened=True, messages=cut)
        yield sheet
    whole = sheet.groups
    for most in _FEW:
        sheet = _with_groups(sheet, whole, most)
        yield sheet
        while most == _FEW[-1] and len(sheet.messages) > 1:
            last = sheet.messages[-1].title
            sheet = replace(sheet, messages=sheet.messages[:-1], omitted=(last, *sheet.omitted))
            yield sheet


def estimated_sides(sheet: Sheet) -> float:
    """How many sides of A4 it takes, a little more rather than less."""
    front, back = _halves(sheet)
    if turns(sheet):
        return float(SIDES)
    return (front + back + (_BREAK if front > SIDE else 0.0)) / SIDE


def turns(sheet: Sheet) -> bool:
    """Whether partners begin on the other side: they do not fit on the first, and both have one of their own."""
    front, back = _halves(sheet)
    return front + back > SIDE and front <= SIDE and back <= SIDE


def _halves(sheet: Sheet) -> tuple[float, float]:
    """Messages and help lines; partners and what stands below. In mm."""
    messages = sum(map(_message, sheet.messages)) / 2 + 0.3 * max(map(_message, sheet.messages), default=0)
    lines = sum(_contact(line) for line in sheet.helplines) / 3
    partners = sum(map(_group, sheet.groups)) / 3 + 0.3 * max(map(_group, sheet.groups), default=0)
    return _HEAD + messages + _TITLED + lines, _TITLED + partners + _FOOT


def _cut(message: Message, length: int) -> Message:
    return replace(message, summary=one_sentence(message.summary, length) if length else "")


def _with_groups(sheet: Sheet, groups: tuple[Group, ...], most: int) -> Sheet:
    """At most so many partners for each need; they are counted once, wherever else they are named."""
    kept = tuple(replace(group, people=group.people[:most]) for group in groups)
    shown = {contact.name for group in kept for contact in group.people}
    kept = tuple(replace(g, others=tuple(name for name in g.others if name in shown)) for g in kept)
    return replace(sheet, groups=kept, unlisted=sum(max(0, len(group.people) - most) for group in groups))


def _message(message: Message) -> float:
    facts = [message.summary, message.when, message.where]
    facts.append(" · ".join(f"{contact.name} {contact.label}" for contact in message.contacts))
    care = 2 * _BODY[1] if message.sensitive else 0.0
    return _height(message.title, _TITLE) + 4.2 + sum(_height(fact, _BODY) for fact in facts) + care + 4.5


def _group(group: Group) -> float:
    return 8.5 + sum(map(_contact, group.people)) + _height(", ".join(group.others), _SMALL)


def _contact(contact: Contact) -> float:
    number = 4.6 if contact.label or contact.email else 0.0
    more = _height(contact.sms, _SMALL) + _height(contact.hours, _SMALL)
    return _height(contact.name, _NAME) + number + more + 2.2


def _height(text: str, kind: tuple[int, float]) -> float:
    """Of a text that is wrapped between words."""
    characters, line = kind
    return math.ceil(len(text) / characters) * line
