"""What all rooms of the fake Graph API share: its clock, its ids, times on the wire, the names in `fields`."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.graph_faults import Refused

DAY = timedelta(hours=24)

Params = dict[str, str]
Answer = dict[str, Any]


class Clock:
    """Real time, moved forward at will."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, **by: float) -> None:
        """Let time pass: `advance(hours=24)`."""
        self.offset += timedelta(**by)


def wire_time(moment: datetime) -> str:
    """As Meta writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def read_time(text: str, name: str = "scheduled_publish_time") -> datetime:
    """Unix seconds, or ISO 8601 with an offset.

    Raises:
        Refused: neither.
    """
    try:
        if re.fullmatch(r"\d+(\.0+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise Refused(100, None, f"(#100) Param {name} must be a date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def proof_of(secret: str, token: str) -> str:
    """Written apart from our client, so that both must agree with Meta's known answer."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def top_names(fields: str) -> list[str]:
    """The names of `fields=a,b{c,d},e.limit(2)`: a, b, e."""
    names, depth, start = [], 0, 0
    for place, letter in enumerate(fields + ","):
        depth += (letter in "{(") - (letter in "})")
        if letter == "," and depth == 0:
            names.append(re.split(r"[.{(]", fields[start:place].strip())[0])
            start = place + 1
    return [name for name in names if name]


def select(values: Mapping[str, Any], fields: str) -> Answer:
    """The fields that were asked for; `id` is always there, what has no value never."""
    wanted = top_names(fields)
    chosen = {name: values[name] for name in wanted if values.get(name) not in (None, "")}
    return {"id": values["id"], **chosen}


def unsupported(method: str, node: str) -> Refused:
    """Absent, no permission, or an outage: Meta says the same for all three."""
    words = f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot be loaded due to "
    words += "missing permissions, or does not support this operation"
    return Refused(100, 33, words, type="GraphMethodException")
