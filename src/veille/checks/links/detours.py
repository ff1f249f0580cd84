"""Services that stand between a link and where it leads: shorteners, counters of clicks, wrappers of mails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import parse_qs, urlsplit

from veille.checks.links.ground import covers, parts_of
from veille.checks.lists import lines


@dataclass(frozen=True)
class Detour:
    """A link that goes through a service.

    Args:
        host: of the service.
        target: the real address, as far as the link tells it; else "".
    """

    host: str
    target: str = ""


@lru_cache(4096)
def detour_of(address: str) -> Detour | None:
    """The service that a link goes through; None: it goes straight.

    Args:
        address: of the web, also one that begins with "//".
    """
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower().rstrip(".")
    except ValueError:
        return None
    for domain, path, parameters in _services():
        if covers(domain, host) and parts.path.startswith(path):
            return Detour(host, _target(parts.query, parameters))
    return None


def _target(query: str, parameters: Sequence[str]) -> str:
    values = parse_qs(query)
    targets = (value for name in parameters for value in values.get(name, ()))
    return next((target for target in targets if parts_of(target)), "")


@cache
def _services() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Host, path and parameters of each."""
    found = []
    for line in lines("detours.txt"):
        name, *parameters = line.split()
        host, slash, path = name.partition("/")
        found.append((host, slash + path, tuple(parameters)))
    return tuple(found)
