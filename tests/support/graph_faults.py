"""What can go wrong between us and the Graph API, and how a refusal looks on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.graph_fake import GraphFake


class Refused(Exception):
    """The fake refuses a call as Meta does: an error object, nearly always with HTTP 400."""

    def __init__(
        self, code: int, subcode: int | None = None, message: str = "", *, status: int = 400, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        error: dict[str, Any] = {"message": message or f"(#{code}) refused", "type": "OAuthException"}
        error |= {"code": code, "fbtrace_id": "AfakeTrace", **more}
        if subcode is not None:
            error["error_subcode"] = subcode
        self.body = {"error": error}


@dataclass(frozen=True)
class Fault:
    """One fault, injected at one call.

    Args:
        written: the call is carried out before it goes wrong.
        way: "answer" (the body below), "lost" (closed without an answer), "reset", "truncated", "late", or "well".
        body: the answer; JSON, or text for what a proxy says.
        seconds: for "late": how long the answer takes.
        change: what happens to the fake just before this call; with "well" and `written`, the call itself goes well.
    """

    way: str = "answer"
    written: bool = False
    status: int = 200
    body: Any = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    change: Callable[[GraphFake], None] | None = None

    @property
    def payload(self) -> bytes:
        """The bytes of the answer."""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


def error(code: int, subcode: int | None = None, *, written: bool = False, status: int = 400) -> Fault:
    """Meta's error object as a fault."""
    return Fault(written=written, status=status, body=Refused(code, subcode).body)


def throttle(minutes: float = 19, code: int = 80001) -> Fault:
    """A throttle as Meta sends it: HTTP 400, the wait in a header."""
    usage = {"1001": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": minutes}]}
    header = ("X-Business-Use-Case-Usage", json.dumps(usage))
    return Fault(status=400, body=Refused(code).body, headers=(header,))


HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"

# name -> fault; a test loops over them. "…-written" means: carried out all the same.
FAULTS: dict[str, Fault] = {
    "lost-written": Fault("lost", written=True),
    "reset": Fault("reset"),
    "late-written": Fault("late", written=True, seconds=1.5),
    "truncated-written": Fault("truncated", written=True),
    "no-id-written": Fault(written=True, body={"success": True}),
    "500-written": error(1, status=500, written=True),
    "500": error(1, status=500),
    "code-1": error(1),
    "code-2": error(2),
    "code-2-written": error(2, written=True),
    "html-502": Fault(status=502, body=HTML),
    "html-502-written": Fault(status=502, body=HTML, written=True),
    "transient-unknown": Fault(status=400, body=Refused(99999, is_transient=True).body),
    "unknown-code-written": error(987654, written=True),
    "duplicate": error(506),
    "duplicate-written": error(506, written=True),
    "spam-written": error(4, 2207051, written=True),
    "throttle": throttle(),
    "throttle-app": error(4),
    "throttle-user": error(17),
    "blocked": error(368),
    "expired": error(190, 463),
    "password": error(190, 460),
    "logged-out": error(190, 467),
    "app-removed": error(190, 458),
    "session": error(102),
    "permission": error(10, status=403),
    "permission-200": error(200, status=403),
    "permission-299": error(299, status=403),
    "invalid": error(100),
    "not-found": error(100, 33),
}
