"""A stateful fake of Meta's Graph API: a real HTTP server on loopback, for our client and for Meta's own SDK.

    with graph_fake() as fake:
        settings: api_url = fake.url, page_id = fake.page_id, access_token = fake.page_token
        fake.fault("POST", "feed", FAULTS["lost-written"])
        ... deliver ...
        assert len(fake.visible_posts()) == 1

It lives in the process of the test, so that a `veille` which is killed and started again finds what it left.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlsplit

from tests.support.graph_faults import Fault, Refused
from tests.support.graph_instagram import Instagram, Media
from tests.support.graph_world import Answer, Params, Post, Token, World

SECRETS = ("access_token", "appsecret_proof")


@dataclass(frozen=True)
class Seen:
    """One call as it came over the wire; the secrets are kept apart."""

    method: str
    path: str
    params: Params
    files: dict[str, bytes]
    token: str
    proof: str
    token_in: str  # "header" or "parameter"
    port: int = 0  # of the client: tells connections apart

    @property
    def edge(self) -> str:
        """The last part of the path: "feed", "media_publish", or the id of a node."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]


@dataclass
class GraphFake:
    """The fake, with one page and one Instagram account that are ready to use."""

    url: str = ""
    page_id: str = "100000000000001"
    page_token: str = "EAAfakePageTokenForTestsOnly"
    ig_user_id: str = "17840000000000001"
    ig_token: str = "EAAfakeInstagramTokenForTestsOnly"
    world: World = field(default_factory=World)
    calls: list[Seen] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)  # faults of the fake itself

    def __post_init__(self) -> None:
        self.instagram = Instagram(self.world, {self.ig_user_id})
        self.world.pages.add(self.page_id)
        self.world.tokens[self.page_token] = Token("page", {self.page_id})
        self.world.tokens[self.ig_token] = Token("user", {self.ig_user_id})
        self.lock = threading.Lock()
        self.stack = ExitStack()
        self._by_number: dict[int, Fault] = {}
        self._by_edge: dict[tuple[str, str, int], Fault] = {}
        self._count: Counter[tuple[str, str]] = Counter()

    def fault_at(self, number: int, fault: Fault) -> None:
        """Let the call with this number (from 1, all calls counted) go wrong."""
        self._by_number[number] = fault

    def fault(self, method: str, edge: str, fault: Fault, nth: int = 1) -> None:
        """Let the nth call from now on with this method and edge ("feed", "*" for nodes) go wrong."""
        self._by_edge[method, edge, self._count[method, edge] + nth] = fault

    def visible_posts(self) -> list[Post]:
        """What a visitor of the page sees, oldest first."""
        with self.lock:
            self.world.settle_time()
            return self.world.visible_posts()

    def visible_media(self) -> list[Media]:
        """What a visitor of the Instagram account sees, oldest first."""
        with self.lock:
            return list(self.instagram.media.values())

    def media_server_for(self, folder: Path) -> str:
        """Serve a folder on loopback, as the public web server would; returns its address."""
        return self.stack.enter_context(_serving(partial(_Quiet, directory=str(folder))))

    def expire(self, token: str, subcode: int = 463) -> None:
        """Let a token end: 463 expired, 460 password changed, 467 logged out, 458 app removed."""
        self.world.tokens[token].subcode = subcode

    # --- one call -----------------------------------------------------------------------------------------

    def answer(self, seen: Seen) -> tuple[int, bytes, Fault | None]:
        """Carry out a call, or the fault that waits for it."""
        with self.lock:
            self.calls.append(seen)
            edge = "*" if re.fullmatch(r"[\d_]+", seen.edge) else seen.edge
            self._count[seen.method, edge] += 1
            key = (seen.method, edge, self._count[seen.method, edge])
            fault = self._by_number.pop(len(self.calls), None) or self._by_edge.pop(key, None)
            if fault and not fault.written:
                return fault.status, fault.payload, fault
            try:
                status, values = 200, self._route(seen)
            except Refused as refused:
                status, values = refused.status, refused.body
        return status, json.dumps(values, ensure_ascii=False).encode(), fault

    def _route(self, seen: Seen) -> Answer:
        self.world.settle_time()
        parts = [part for part in seen.path.split("/") if part]
        if not parts or not re.fullmatch(r"v\d+\.\d+", parts[0]):
            raise Refused(2500, None, "Unversioned call")
        if not 2 <= len(parts) <= 3:
            raise Refused(2500, None, "Unknown path components")
        node, edge = parts[1], parts[2] if len(parts) == 3 else ""
        authorise = partial(self.world.authorise, seen.token, seen.proof)
        if node in self.world.pages:
            authorise(node, ("page",))
            return self._page(seen, node, edge)
        if node in self.instagram.accounts:
            authorise(node, ("user", "page", "ig"))
            return self._account(seen, node, edge)
        authorise("", ())
        return self._node(seen, node, edge)

    def _page(self, seen: Seen, page: str, edge: str) -> Answer:
        world = self.world
        match seen.method, edge:
            case "POST", "photos":
                return world.add_photo(page, seen.params, seen.files)
            case "POST", "feed":
                return world.add_post(page, seen.params)
            case "GET", "feed" | "published_posts" | "scheduled_posts":
                world.check_params("page/get feed" if edge == "feed" else f"page/{edge}", seen.params)
                return self._listed(
                    seen, [world.view_post(p, self._fields(seen)) for p in world.list_posts(page, edge)]
                )
        raise Refused(2500, None, f"Unknown path components: /{edge}")

    def _account(self, seen: Seen, account: str, edge: str) -> Answer:
        instagram = self.instagram
        match seen.method, edge:
            case "POST", "media":
                return instagram.add_container(account, seen.params)
            case "POST", "media_publish":
                return instagram.publish(account, seen.params)
            case "GET", "media":
                self.world.check_params("ig/get media", seen.params)
                return self._listed(seen, [instagram.view(m, self._fields(seen)) for m in instagram.listed(account)])
            case "GET", "content_publishing_limit":
                self.world.check_params("ig/content_publishing_limit", seen.params)
                return instagram.limit(account)
        raise Refused(2500, None, f"Unknown path components: /{edge}")

    def _node(self, seen: Seen, node: str, edge: str) -> Answer:
        world, instagram = self.world, self.instagram
        post = world.posts.get(node)
        match seen.method, edge:
            case "GET", "" if post:
                return world.view_post(post, self._fields(seen))
            case "POST", "" if post:
                return world.update_post(post, seen.params)
            case "DELETE", "" if post:
                del world.posts[node]
                return {"success": True}
            case "POST", "comments" if post:
                world.check_params("post/comments", seen.params)
                post.comments.append(seen.params.get("message", ""))
                return {"id": f"{node}_{world.new_id()}"}
            case "GET", "" if node in instagram.containers:
                return instagram.look(instagram.containers[node], self._fields(seen))
            case "GET", "" if node in instagram.media:
                return instagram.view(instagram.media[node], self._fields(seen))
            case "GET", "" if node in world.photos:
                return {"id": node, "alt_text_custom": world.photos[node].alt}
        message = f"Unsupported {seen.method.lower()} request. Object with ID '{node}' does not exist"
        raise Refused(100, 33, message, type="GraphMethodException")

    def _fields(self, seen: Seen) -> str:
        return seen.params.get("fields", "id")

    def _listed(self, seen: Seen, rows: list[Answer]) -> Answer:
        """One page of a list; `next` holds the token, as Meta's does."""
        limit = int(seen.params.get("limit", 25))
        if not 1 <= limit <= 100:
            raise Refused(100, None, "(#100) limit must be 1 to 100")
        start = int(seen.params.get("after", 0))
        page, end = rows[start : start + limit], start + limit
        paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(end)}}
        if end < len(rows):
            paging["next"] = f"{self.url}{seen.path}?access_token={quote(seen.token)}&after={end}"
        return {"data": page, "paging": paging}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_DELETE = do_GET

    def _handle(self) -> None:
        fake = cast("_Server", self.server).fake
        try:
            status, body, fault = fake.answer(self._seen())
        except Exception as problem:
            fake.problems.append(problem)
            raise
        if fault is None:
            self._reply(status, body)
        else:
            self._go_wrong(fault, status, body)

    def _seen(self) -> Seen:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        sent, files = _parse(self.headers.get("Content-Type", ""), body)
        params.update(sent)
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        secrets = [params.pop(name, "") for name in SECRETS]
        where = "header" if bearer else "parameter"
        port = self.client_address[1]
        return Seen(self.command, parts.path, params, files, bearer or secrets[0], secrets[1], where, port)

    def _go_wrong(self, fault: Fault, status: int, body: bytes) -> None:
        match fault.way:
            case "lost":
                self.close_connection = True
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
            case "truncated":
                self._reply(status, body[: len(body) // 2])
            case "late":
                time.sleep(fault.seconds)
                self._reply(status, body)
            case _:
                self._reply(fault.status, fault.payload, dict(fault.headers))

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        html = body.startswith(b"<")
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if html else "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # the client gave up waiting
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _parse(content_type: str, body: bytes) -> tuple[Params, dict[str, bytes]]:
    if not content_type.startswith("multipart/form-data"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True)), {}
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    params, files = {}, {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = cast("bytes", part.get_payload(decode=True))
        if part.get_filename():
            files[name] = content
        else:
            params[name] = content.decode()
    return params, files


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    fake: GraphFake

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests; real problems are kept in `problems`."""


@contextmanager
def _serving(handler: Any, fake: GraphFake | None = None) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), handler)
    if fake:
        server.fake = fake
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def graph_fake(*, strict: bool = True) -> Iterator[GraphFake]:
    """Start the fake with one page and one Instagram account.

    Args:
        strict: refuse parameters that Meta's SDK does not know for the edge.

    Raises:
        BaseException: at the end, a fault of the fake itself that no client would have shown.
    """
    fake = GraphFake(world=World(strict))
    with _serving(_Handler, fake) as url, fake.stack:
        fake.url = url
        yield fake
    if fake.problems:
        raise fake.problems[0]
