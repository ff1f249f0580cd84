"""The fake Graph API in a process of its own, for commands that are killed and tests that restart everything else.

    with graph_process() as fake:
        ... fake.url, fake.page_token ...
        fake.fault("POST", "feed", "lost-written")
        assert len(fake.visible_posts()) == 1

python -m tests.support.graph_process    prints one line of JSON, and ends with its standard input.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import ProxyHandler, Request, build_opener

from tests.support.graph_fake import GraphFake
from tests.support.graph_faults import EVERY
from tests.support.graph_wire import CONTROL, Handler, serving

NAMES = ("url", "page_id", "page_token", "ig_user_id", "ig_token", "user_id", "user_token", "system_token")
MORE = ("ig_login_token", "instagram_url", "login_url")


class ProcessFake(GraphFake):
    """The fake, with an ear for a test in another process."""

    WISHES: ClassVar = ("visible_posts", "visible_media", "comments", "record", "ever_visible", "expire", "short_token")

    def control(self, path: str, body: bytes) -> bytes:
        """Do what a test wishes."""
        wish: dict[str, Any] = json.loads(body or b"{}")
        with self.lock:
            answer = getattr(self, path)(**wish) if path in self.WISHES else getattr(self, f"_{path}")(**wish)
        return json.dumps(answer, default=_plain).encode()

    def _fault(self, method: str, edge: str, name: str, nth: int) -> None:
        self.fault(method, edge, EVERY[name], nth)

    def _sequence(self, names: list[str | None]) -> None:
        self.sequence(*(EVERY[name] if name else None for name in names))

    def _advance(self, **by: float) -> None:
        self.world.clock.advance(**by)

    def _media(self, folder: str) -> str:
        return self.media_server_for(Path(folder))

    def _troubles(self) -> list[str]:
        return [repr(problem) for problem in self.problems] + self.routes.misuses


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return len(value)
    raise TypeError(type(value))


@dataclasses.dataclass
class RemoteFake:
    """What a test holds of a fake in another process: its names, and the same questions."""

    url: str
    page_id: str
    page_token: str
    ig_user_id: str
    ig_token: str
    user_id: str
    user_token: str
    system_token: str
    ig_login_token: str
    instagram_url: str
    login_url: str

    def _ask(self, wish: str, /, **values: Any) -> Any:
        request = Request(self.url + CONTROL + wish, json.dumps(values).encode(), method="POST")
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)

    def visible_posts(self) -> list[dict[str, Any]]:
        """What a visitor of the page sees, oldest first."""
        return list(self._ask("visible_posts"))

    def visible_media(self) -> list[dict[str, Any]]:
        """What a visitor of the Instagram account sees, oldest first."""
        return list(self._ask("visible_media"))

    def comments(self) -> list[dict[str, Any]]:
        """The comments on both, oldest first."""
        return list(self._ask("comments"))

    def ever_visible(self, channel: str) -> int:
        """How many posts were public at any time."""
        return int(self._ask("ever_visible", channel=channel))

    def record(self) -> list[dict[str, Any]]:
        """Every request so far, without secrets."""
        return list(self._ask("record"))

    def fault(self, method: str, edge: str, name: str, nth: int = 1) -> None:
        """Let the nth call from now on go wrong; the fault by its name in `EVERY`."""
        self._ask("fault", method=method, edge=edge, name=name, nth=nth)

    def sequence(self, *names: str | None) -> None:
        """Let the next calls go as said; None: well."""
        self._ask("sequence", names=names)

    def advance(self, **by: float) -> None:
        """Let time pass."""
        self._ask("advance", **by)

    def media_server_for(self, folder: Path) -> str:
        """Serve a folder on loopback from that process."""
        return str(self._ask("media", folder=str(folder)))

    def troubles(self) -> list[str]:
        """Faults of the fake itself, and what Meta's SDK would not have sent."""
        return list(self._ask("troubles"))


@contextmanager
def graph_process() -> Iterator[RemoteFake]:
    """Start the fake in a process of its own; it ends with the test, however that ends.

    Raises:
        AssertionError: at the end, as `graph_fake`.
    """
    command, root = [sys.executable, "-m", __name__], Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        try:
            fake = RemoteFake(**json.loads(process.stdout.readline()))
            yield fake
            troubles = fake.troubles()
            assert troubles == [], troubles
        finally:
            process.stdin.close()


def main() -> None:
    """Serve until the standard input ends."""
    fake = ProcessFake()
    with serving(Handler, fake) as url, fake.stack:
        fake.url = url
        print(json.dumps({name: getattr(fake, name) for name in NAMES + MORE}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
