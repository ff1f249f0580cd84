"""A stateful fake of Meta's Graph API: real HTTP servers on loopback, for our client and for Meta's own SDK.

    with graph_fake() as fake:
        settings: api_url = fake.url, page_id = fake.page_id, access_token = fake.page_token
        fake.fault("POST", "feed", FAULTS["lost-written"])
        ... deliver ...
        assert len(fake.visible_posts()) == 1

It lives in the process of the test, so that a `veille` which is killed and started again finds what it left; or in a
process of its own (graph_process). At its end it fails when a request held what Meta's SDK would not have sent.

Rooms: graph_pages (posts, photos, comments), graph_instagram, graph_tokens; graph_world has the switches.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tests.support.graph_faults import Fault, Refused
from tests.support.graph_instagram import Instagram, Media
from tests.support.graph_pages import Comment, Post
from tests.support.graph_routes import Routes
from tests.support.graph_tokens import IG_LOGIN_SCOPES, IG_SCOPES, Token
from tests.support.graph_wire import Handler, Quiet, Seen, serving
from tests.support.graph_world import PageInfo, World

__all__ = ["GraphFake", "Seen", "graph_fake"]


@dataclass
class GraphFake:
    """The fake, with one page, its Instagram account, and a person who may use both.

    Args:
        page_token: of the page; never ends.
        ig_token: of the person, for Instagram only (Facebook Login).
        user_token: of the person, for 60 days: page and Instagram.
        system_token: of a system user of the same business.
        ig_login_token: of the account, for 60 days (Instagram Login, `instagram_url`).
    """

    url: str = ""
    page_id: str = "100000000000001"
    page_token: str = "EAAfakePageTokenForTestsOnly"
    ig_user_id: str = "17840000000000001"
    ig_token: str = "EAAfakeInstagramTokenForTestsOnly"
    user_id: str = "300000000000003"
    user_token: str = "EAAfakeUserTokenForTestsOnly"
    system_user_id: str = "300000000000004"
    system_token: str = "EAAfakeSystemTokenForTestsOnly"
    ig_login_token: str = "IGAAfakeInstagramLoginTokenForTestsOnly"
    world: World = field(default_factory=World)
    calls: list[Seen] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)  # faults of the fake itself
    usage: dict[str, str] = field(default_factory=dict)  # headers of every answer

    def __post_init__(self) -> None:
        self.instagram = Instagram(self.world, {self.ig_user_id})
        self.routes = Routes(self.world, self.instagram)
        self.world.pages[self.page_id] = PageInfo(instagram=self.ig_user_id)
        self.world.persons |= {self.user_id: "Camille Exemple", self.system_user_id: "veille"}
        self._make_tokens()
        self.lock = threading.RLock()
        self.stack = ExitStack()
        self._by_number: dict[int, Fault] = {}
        self._by_edge: dict[tuple[str, str, int], Fault] = {}
        self._count: Counter[tuple[str, str]] = Counter()

    def _make_tokens(self) -> None:
        tokens, both = self.world.tokens, {self.page_id, self.ig_user_id}
        tokens.mint("user", set(both), self.user_token, user=self.user_id)
        tokens.mint("system", set(both), self.system_token, user=self.system_user_id)
        tokens.mint("page", {self.page_id}, self.page_token, user=self.user_id)
        tokens.mint("user", {self.ig_user_id}, self.ig_token, user=self.user_id, scopes=IG_SCOPES)
        tokens.mint("ig", {self.ig_user_id}, self.ig_login_token, user=self.ig_user_id, scopes=IG_LOGIN_SCOPES)

    # --- hosts --------------------------------------------------------------------------------------------

    @cached_property
    def instagram_url(self) -> str:
        """graph.instagram.com, started when it is asked for."""
        return self.stack.enter_context(serving(Handler, self, "instagram"))

    @cached_property
    def login_url(self) -> str:
        """api.instagram.com, started when it is asked for."""
        return self.stack.enter_context(serving(Handler, self, "login"))

    def media_server_for(self, folder: Path) -> str:
        """Serve a folder on loopback, as the public web server would; returns its address."""
        return self.stack.enter_context(serving(partial(Quiet, directory=str(folder))))

    # --- faults -------------------------------------------------------------------------------------------

    def fault_at(self, number: int, fault: Fault) -> None:
        """Let the call with this number (from 1, all calls counted) go wrong."""
        self._by_number[number] = fault

    def fault(self, method: str, edge: str, fault: Fault, nth: int = 1) -> None:
        """Let the nth call from now on with this method and edge ("feed", "*" for nodes) go wrong."""
        self._by_edge[method, edge, self._count[method, edge] + nth] = fault

    def sequence(self, *faults: Fault | None) -> None:
        """Let the next calls go as said, one after the other; None: well."""
        for number, fault in enumerate(faults, len(self.calls) + 1):
            if fault:
                self.fault_at(number, fault)

    def well(self) -> None:
        """From now on nothing goes wrong."""
        self._by_number.clear()
        self._by_edge.clear()

    @property
    def patience(self) -> tuple[float, float]:
        """Seconds to connect and to read that a client should have: many on a slow machine, few for a late answer."""
        with self.lock:
            late = any(fault.way == "late" for fault in (*self._by_number.values(), *self._by_edge.values()))
        return (5.0, 0.5 if late else 10.0)

    # --- what a visitor sees ------------------------------------------------------------------------------

    def visible_posts(self) -> list[Post]:
        """What a visitor of the page sees, oldest first."""
        with self.lock:
            self.world.facebook.settle_time()
            return self.world.facebook.visible_posts()

    def visible_media(self) -> list[Media]:
        """What a visitor of the Instagram account sees, oldest first."""
        with self.lock:
            return list(self.instagram.media.values())

    def comments(self) -> list[Comment]:
        """The comments under all visible posts of both channels, oldest first."""
        with self.lock:
            found = [one for post in self.visible_posts() for one in post.comments]
            found += [one for media in self.visible_media() for one in media.comments]
            return sorted(found, key=lambda one: one.made)

    def ever_visible(self, channel: str) -> int:
        """How many posts of "facebook" or "instagram" were public at any time, deleted ones too."""
        with self.lock:
            self.world.facebook.settle_time()
            if channel == "instagram":
                return len(self.instagram.every_media)
            return sum(post.public_since is not None for post in self.world.facebook.every_post.values())

    def expect(self, channel: str, *, least: int = 0, most: int = 1) -> None:
        """At least and at most so many visible posts, and never more than `most` at any time.

        Raises:
            AssertionError: it is not so; tells the requests that made it so.
        """
        visible = len(self.visible_posts() if channel == "facebook" else self.visible_media())
        ever = self.ever_visible(channel)
        told = "\n".join(f"{one['method']} {one['path']}" for one in self.record())
        assert least <= visible, f"{channel}: {visible} visible, at least {least} wanted\n{told}"
        assert max(visible, ever) <= most, f"{channel}: {visible} visible, {ever} in all, at most {most}\n{told}"

    def record(self) -> list[dict[str, Any]]:
        """Every request so far: host, method, path, parameters, names of files; no token, proof or secret."""
        with self.lock:
            return [seen.record() for seen in self.calls]

    # --- tokens -------------------------------------------------------------------------------------------

    def token(self, text: str) -> Token:
        """A token, to change its scopes, tasks or end."""
        return self.world.tokens[text]

    def expire(self, token: str, subcode: int = 463) -> None:
        """Let a token end: 463 expired, 459 checkpoint, 460 password changed, 467 logged out, 458 app removed."""
        self.world.tokens[token].subcode = subcode

    def withdraw(self, subcode: int = 458, user: str = "") -> None:
        """Let every token of a person end at once, those of pages too."""
        for token in self.world.tokens.values():
            if token.user == (user or self.user_id):
                token.subcode = subcode

    def short_token(self) -> str:
        """A person's token as the Graph Explorer gives it: one hour, page and Instagram."""
        return self.world.tokens.mint("user-short", {self.page_id, self.ig_user_id}, user=self.user_id)

    def login_code(self) -> str:
        """What the log-in window of Instagram gives, good for one use."""
        code = f"AQfakeCode{len(self.world.tokens.codes) + 1}"
        self.world.tokens.codes[code] = self.ig_user_id
        return code

    # --- one call -----------------------------------------------------------------------------------------

    def answer(self, seen: Seen) -> tuple[int, bytes, Fault | None]:
        """Carry out a call, or the fault that waits for it."""
        with self.lock:
            self.calls.append(seen)
            edge = "*" if re.fullmatch(r"[\d_]+", seen.edge) else seen.edge
            self._count[seen.method, edge] += 1
            key = (seen.method, edge, self._count[seen.method, edge])
            fault = self._by_edge.pop(key, None)
            fault = self._by_number.pop(len(self.calls), None) or fault
            if fault and fault.change:
                fault.change(self)
            if fault and not fault.written:
                return fault.status, fault.payload, fault
            try:
                status, values = 200, self.routes.answer(seen, self._address(seen.host))
            except Refused as refused:
                status, values = refused.status, refused.body
        return status, json.dumps(values, ensure_ascii=False).encode(), fault

    def _address(self, host: str) -> str:
        return self.url if host == "facebook" else self.instagram_url

    def date(self) -> datetime:
        """For the header Date."""
        return self.world.clock() + self.world.skew

    def headers(self) -> dict[str, str]:
        """For every answer: how much of the limits is used."""
        return dict(self.usage)

    def control(self, path: str, body: bytes) -> bytes:
        """Only in a process of its own."""
        raise LookupError(path)


@contextmanager
def graph_fake(*, strict: bool = True, checked: bool = True) -> Iterator[GraphFake]:
    """Start the fake with one page and one Instagram account.

    Args:
        strict: refuse what Meta's SDK would not send for the edge.
        checked: at the end, fail when a request held such a thing. Off for tests of the fake itself.

    Raises:
        BaseException: at the end, a fault of the fake itself that no client would have shown.
        AssertionError: at the end, what a request held that Meta's SDK does not know.
    """
    fake = GraphFake(world=World(strict))
    with serving(Handler, fake) as url, fake.stack:
        fake.url = url
        yield fake
    if fake.problems:
        raise fake.problems[0]
    if checked:
        assert fake.routes.misuses == [], f"Meta's SDK would not have sent this: {fake.routes.misuses}"
