"""The public site as people meet it: `veille serve` in a process of its own, TLS before it, a newsroom behind it."""

from __future__ import annotations

import asyncio
import http.client
import re
import shutil
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.support.smtp_server import certificate
from tests.support.workspace import REPOSITORY, Workspace

HOST = "kesskispass.example.org"
BASE = f"https://{HOST}"
SECRET = "for tests only"
# The sample newsroom lives in a week of its own. What was published on this day stays so when a live letter, which
# knows no day but today, makes `veille run` look at the pages again.
DAY = "2026-11-21T09:00:00+01:00"
_DATES = re.compile(r"(?m)^(date|publishDate): 2026-11-2\S*")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Page:
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body in words."""
        return self.body.decode()


@dataclass
class Served:
    """A site that is running.

    Args:
        port: of the process itself, without TLS.
        said: every line of its standard error.
    """

    port: int
    pid: int
    said: list[str] = field(default_factory=list)

    def ask(
        self,
        path: str,
        fields: Mapping[str, str] | None = None,
        *,
        client: str = "127.0.0.1",
        host: str = HOST,
        **headers: str,
    ) -> Page:
        """GET, or POST when there are fields, on a line of its own.

        Args:
            client: the loopback address that asks.
            headers: "_" in their names stands for "-".
        """
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30, source_address=(client, 0))
        named = {"Host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            if fields is None:
                line.request("GET", path, headers=named)
            else:
                line.request("POST", path, urlencode(fields), FORM | named)
            answer = line.getresponse()
            return Page(answer.status, answer.headers, answer.read())
        finally:
            line.close()


def sample_site(root: Path, **env: str) -> Workspace:
    """The sample newsroom with its pages and feeds published, in the sandbox.

    Args:
        env: settings, besides those of the sample.
    """
    root.mkdir(parents=True)
    shutil.copy(REPOSITORY / "veille.toml", root)
    shutil.copytree(REPOSITORY / "content", root / "content")
    made = Workspace(root, {"VEILLE_WORKSPACE__SECRET_KEY": SECRET, "VEILLE_CHECKS__LINKS": "false", **env})
    for post in (root / "content/posts").glob("*.md"):
        post.write_text(_DATES.sub(r"\1: 2026-11-19", post.read_text(encoding="utf-8")), encoding="utf-8")
    for args in (("publish", "--yes", "--channel", "web", "--channel", "feed"), ("run", "--once")):
        ran = made.veille(*args, VEILLE_NOW=DAY)
        assert ran.code == 0, ran
    return made


@contextmanager
def served(workspace: Workspace, **env: str) -> Iterator[Served]:
    """Run `veille serve` in a workspace, on a free port, until the end of the block; then it must have ended well."""
    process = workspace.start("serve", "--port", "0", **env)
    assert process.stderr
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if "http://" in line:
            break
    else:
        raise AssertionError("".join(said))
    port = urlsplit(said[-1].split()[-1]).port
    assert port
    reader = threading.Thread(target=said.extend, args=(process.stderr,), daemon=True)
    reader.start()
    try:
        yield Served(port, process.pid, said)
    finally:
        process.terminate()
        code = process.wait(30)
        reader.join(5)
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()
    assert code == 0, "".join(said)
    assert "Traceback" not in "".join(said)


@contextmanager
def tls_before(port: int, folder: Path) -> Iterator[int]:
    """A terminator of TLS before a port, as a site has. Returns its own port."""
    _trusted, context = certificate(folder)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_front(port, context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _front(port: int, context: ssl.SSLContext) -> asyncio.Server:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pass(reader, inner_writer), _pass(inner_reader, writer))

    return await asyncio.start_server(one, "127.0.0.1", 0, ssl=context)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
