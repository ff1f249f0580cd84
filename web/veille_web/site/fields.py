"""What forms carry: fields of a small body, and the signed stamp that tells a person from a program."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qsl

from veille.outbox.schema import EPOCH

TRAP = "website"  # a field that people do not see; programs fill in whatever they find
QUICKEST = timedelta(seconds=2)  # nobody reads and types faster
MOST_FIELDS = 60


def read(body: bytes) -> dict[str, list[str]]:
    """The fields of an `application/x-www-form-urlencoded` body.

    Raises:
        ValueError: it is none, or has too many fields.
    """
    pairs = parse_qsl(
        body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS
    )
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def one(fields: Mapping[str, list[str]], name: str) -> str:
    """The value of a field that stands once; "" when it is missing."""
    return fields.get(name, [""])[0].strip()


class Age(StrEnum):
    """What a stamp says about its form."""

    RIGHT = "right"
    NONE = "none"  # no stamp of ours: a form on another site, or a program
    QUICK = "quick"  # filled in faster than a person does
    OLD = "old"


class Stamps:
    """When a form was shown, signed, so that no program can make it up.

    Args:
        key: `Keys.derive("form")`.
        oldest: how long a form may lie open.
    """

    def __init__(self, key: bytes, oldest: timedelta) -> None:
        self._key = key
        self._oldest = oldest

    def make(self, now: datetime) -> str:
        """The stamp of a form that is shown now."""
        shown = f"{(now - EPOCH) // timedelta(milliseconds=1):x}"
        return f"{shown}.{self._mac(shown)}"

    def age(self, stamp: str, now: datetime) -> Age:
        """What the stamp of a form that comes back says."""
        shown, _dot, mac = stamp.partition(".")
        if not (stamp.isascii() and hmac.compare_digest(mac, self._mac(shown))):
            return Age.NONE
        past = now - (EPOCH + timedelta(milliseconds=int(shown, 16)))
        if past < QUICKEST:
            return Age.QUICK
        return Age.RIGHT if past <= self._oldest else Age.OLD

    def _mac(self, shown: str) -> str:
        return hmac.digest(self._key, f"form\n{shown}".encode(), hashlib.sha256).hex()[:32]
