"""What can go wrong between us and the Graph API, and how a refusal looks on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
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
        self.body: dict[str, Any] = {"error": error}


@dataclass(frozen=True)
class Fault:
    """One fault, injected at one call.

    Args:
        written: the call is carried out before it goes wrong.
        way: "answer" (the body below), "lost" (closed without an answer), "reset", "truncated", "late", or "well".
        body: the answer; JSON, or text for what a proxy says.
        seconds: for "late": how long the answer takes, unless the client gives up before.
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


def error(
    code: int, subcode: int | None = None, *, written: bool = False, status: int = 400, message: str = ""
) -> Fault:
    """Meta's error object as a fault."""
    return Fault(written=written, status=status, body=Refused(code, subcode, message).body)


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
    "late-written": Fault("late", written=True, seconds=20.0),
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

# Somebody must log in, or must wait: the channel stops.
STOPPERS: dict[str, Fault] = {
    "checkpoint": error(190, 459),
    "unconfirmed": error(190, 464),
    "no-role": error(190, 492),
    "spam": error(4, 2207051),
    "restricted": error(25, 2207050),
    "blocked-identity": error(368, 4854002),
    "blocked-content": error(368, 1404082),
    "too-fast": error(368, 1390008),
}

# What Meta says of one call only; the world itself would allow it.
REFUSALS: dict[str, Fault] = {
    "window": error(100, message="(#100) The specified scheduled publish time is invalid"),
    "as-the-page": error(200, message="(#200) Unpublished posts must be posted to a page as the page itself"),
    "proof": error(100, message="Invalid appsecret_proof provided in the API argument"),
    "proof-104": error(104, message="Incorrect signature"),
    "dead-link": error(100, 1609005),
    "unreachable": error(9004, 2207052),
    "slow-picture": error(-2, 2207003),
    "no-container": error(24, 2207008),
    "not-ready": error(9007, 2207027),
    "quota": error(9, 2207042),
    "throttle-pages": throttle(5, 80001),
    "throttle-instagram": throttle(5, 80002),
    "throttle-custom": error(613, 1996),
    "system": error(-1, 2207001),
    "system-written": error(-1, 2207001, written=True),
    "code-1-written": error(1, written=True),
    "not-found-written": error(100, 33, written=True),
}


def _from_now_on(change: Callable[[GraphFake], object]) -> Fault:
    """The call goes as the world says, which is another one from now on."""

    def changed(fake: GraphFake) -> None:
        change(fake)

    return Fault("well", written=True, change=changed)


def _set(room: str, **values: Any) -> Fault:
    def change(fake: GraphFake) -> None:
        place = fake.instagram if room == "instagram" else fake.world
        for name, value in values.items():
            assert hasattr(place, name), name
            setattr(place, name, value)

    return _from_now_on(change)


def _end_of_token(subcode: int) -> Fault:
    return _from_now_on(lambda fake: fake.expire(fake.calls[-1].token, subcode))


# What becomes of the world just before a call: composable with all others.
STATES: dict[str, Fault] = {
    "in-progress-3": _set("instagram", polls=3),
    "in-progress-long": _set("instagram", polls=1000),
    "container-error-2207082": _set("instagram", fail_next="2207082"),
    "container-error-2207026": _set("instagram", fail_next="2207026"),
    "day-passes": _from_now_on(lambda fake: fake.world.clock.advance(hours=24, seconds=1)),
    "five-minutes-pass": _from_now_on(lambda fake: fake.world.clock.advance(minutes=5)),
    **{f"quota-{number}": _set("instagram", quota_total=number) for number in (0, 25, 50, 100)},
    **{f"lag-{seconds}": _set("world", lag=timedelta(seconds=seconds)) for seconds in (20, 90, 400)},
    "empty-page": _set("world", empty_pages=True),
    "same-text": _set("world", refuse_duplicates=True),
    "no-window": _set("world", window=(timedelta(), timedelta())),
    "new-id-when-published": _set("world", new_id_when_published=True),
    "page-token-reads-nothing": _set("world", page_tokens_read_instagram=False),
    "header-ignored": _set("world", instagram_takes_header=False),
    "captions-hidden": _set("instagram", shows_captions=False),
    "delete-refused": _set("instagram", deletes=False),
    "other-secret": _set("world", app_secret="another"),
    "other-secret-104": _set("world", app_secret="another", proof_code=104),
    "clock-ahead": _set("world", skew=timedelta(minutes=5)),
    **{f"token-{subcode}": _end_of_token(subcode) for subcode in (458, 459, 460, 463, 464, 467, 492)},
}

EVERY: dict[str, Fault] = FAULTS | STOPPERS | REFUSALS | STATES
