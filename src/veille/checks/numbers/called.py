"""A number under another service's name: "Pompiers : 15", "Samu social : 119".

Both exist, so that nothing else is wrong with them; who dials one loses the time in which help would have come.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from veille.checks.numbers.denied import lists
from veille.checks.numbers.finder import canonical
from veille.library import Library
from veille.partners import HelpLine, Partner

_S = "[ \n\xa0\u202f\u200b]"
_APOSTROPHE = "['’]"
_TO = rf"{_S}*(?:[(:=|–—-]+{_S}*)?(?:(?:au|le|par|sms|numéro|tél\.?|est|:){_S}*){{0,3}}"
_TIED = re.compile(rf"{_S}*[(:=|–—-]")


@dataclass(frozen=True)
class Called:
    """What services are called, and the numbers that go with each name."""

    library: Library

    def other(
        self, digits: str, source: Partner | HelpLine, lead: str, trail: str, *, first: bool, last: bool
    ) -> tuple[str, str]:
        """The name that the text gives to a number though it is another's, with the right digits; or ("", "").

        Args:
            digits, source: of the number, and its record.
            lead, trail: the words of its sentence before and behind it.
            first, last: no other number stands before the lead, or behind the trail.
        """
        if not first and _TIED.match(lead):  # "15 – SAMU – 17": it is said of the number before
            return "", ""
        ahead = list(self._ahead.finditer(lead))
        told = [match["name"] for match in ahead if re.fullmatch(_TO, lead[match.end() :], re.IGNORECASE)]
        behind = self._behind.match(trail)
        if behind and (last or trail[behind.end() :].strip(" \n\xa0\u202f)")):
            told = told or [behind["name"]]
        names = {self._folded(name) for name in (*told, *(match["name"] for match in ahead))}
        names |= {self._folded(behind["name"])} if behind else set()
        if not told or any(self._fits(name, digits, source) for name in names):
            return "", ""
        return told[-1], self._numbers[self._folded(told[-1])][0]

    def _fits(self, name: str, digits: str, source: Partner | HelpLine) -> bool:
        """Whether the number may stand under this folded name: a partner may be a house of the service."""
        if digits in self._numbers[name]:
            return True
        called = self._folded(source.name)
        return isinstance(source, Partner) and any(house in called for house in self._houses.get(name, ()))

    @cached_property
    def _houses(self) -> Mapping[str, tuple[str, ...]]:
        shipped = [(self._folded(name), entry.houses) for entry in lists().called for name in entry.names]
        return {name: houses or (name,) for name, houses in shipped}

    @cached_property
    def _numbers(self) -> Mapping[str, tuple[str, ...]]:
        """Folded name -> digits, the best first."""
        found = {self._folded(name): entry.numbers for entry in lists().called for name in entry.names}
        for line in self.library.helplines.values():
            if " " in line.name.strip():  # "Suicide" and "Violences" are subjects: several lines may stand for them
                found.setdefault(self._folded(line.name), (line.number,))
        for partner in self.library.partners.values():
            numbers = tuple(canonical(number) for number in (partner.phone, partner.sms) if number)
            if numbers and " " in partner.name.strip():
                found.setdefault(self._folded(partner.name), numbers)
        return found

    @cached_property
    def _ahead(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-])(?P<name>{self._names})(?![\w-])", re.IGNORECASE)

    @cached_property
    def _behind(self) -> re.Pattern[str]:
        lead = rf"{_S}*[(:=|–—-]+{_S}*(?:(?:le|la|les|pour){_S}|l{_APOSTROPHE})?"
        return re.compile(rf"{lead}(?P<name>{self._names})(?![\w-])(?!{_S}*[:(=|–—-])", re.IGNORECASE)

    @property
    def _names(self) -> str:
        return "|".join(self._pattern(name) for name in sorted(self._numbers, key=len, reverse=True))

    @staticmethod
    def _pattern(name: str) -> str:
        return re.escape(name).replace(r"\ ", f"{_S}+").replace("'", _APOSTROPHE)

    @staticmethod
    def _folded(name: str) -> str:
        return " ".join(name.lower().replace("’", "'").replace("\u200b", "").split())
