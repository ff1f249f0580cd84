"""Contacts as data: partners and national help lines. Posts refer to them and never retype a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Need(StrEnum):
    """What somebody looks for when they look for a partner."""

    FOOD = "food"
    SHELTER = "shelter"
    SCHOOL = "school"
    TRAINING = "training"
    WORK = "work"
    HEALTH = "health"
    RIGHTS = "rights"
    LEISURE = "leisure"
    FAMILY = "family"
    SAFETY = "safety"


@dataclass(frozen=True)
class Partner:
    """One partner organisation: `content/partners/<id>.yaml`."""

    id: str
    file: str
    name: str
    needs: tuple[Need, ...]
    towns: tuple[str, ...]  # slugs; empty: all
    verified_on: date
    description: str = ""  # one sentence
    phone: str = ""  # as printed, French spacing: "01 99 00 12 34"
    sms: str = ""
    email: str = ""
    url: str = ""
    address: str = ""
    hours: str = ""  # in words


@dataclass(frozen=True)
class HelpLine:
    """One national help number: an entry of `content/helplines.yaml`."""

    number: str  # canonical digits without spaces: "3919"
    label: str  # as printed: "39 19"
    name: str
    for_whom: str  # one short sentence
    hours: str  # in words: "24 h/24, 7 j/7"
    verified_on: date
    source: str  # where the record was checked
    free: bool = True
    voice: bool = True  # False: cannot be called by voice (114)
    sms: bool = False
    chat: str = ""  # URL of a chat
    emergency: bool = False  # in the emergency block of every letter and page
    line: int = 0  # in helplines.yaml

    @property
    def href(self) -> str:
        """`tel:` link, or `sms:` where the line cannot be called."""
        return f"tel:{self.number}" if self.voice else f"sms:{self.number}"
