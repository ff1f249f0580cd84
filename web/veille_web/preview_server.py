"""Shows a preview on this machine alone, and keeps it up to date while somebody types.

Pages are served from memory: an address is looked up among the pages that were built, so that nothing else of the
machine can be asked for. Only 127.0.0.1 listens, and a foreign Host is refused (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import mimetypes
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from veille.config import Config
from veille.errors import ConfigError, Finding, VeilleError
from veille.i18n import gettext as _
from veille_publishers.files import mirror
from veille_web.preview import OWNER, Preview, settings_trouble, stamp

ADDRESS = "127.0.0.1"
WATCHED = ("veille.toml", "content", "templates")
PULSE = 0.2  # seconds between two looks at the files
LOOK = 0.1  # seconds between two looks of an open page at what was built
CALM = 15  # seconds after which an open page hears that all is well
_STATE = re.compile(rb'<meta name="veille-state" content="([0-9a-f]+)">')
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Stage:
    """What is shown now; replaced whole, so that no page is ever half new."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self.closed = False

    def put(self, files: Mapping[str, bytes]) -> None:
        """Show these from now on."""
        self._files = files

    def find(self, address: str) -> tuple[str, bytes] | None:
        """The file behind an address ("/posts/x/"): its name and content."""
        name = address.lstrip("/")
        name = f"{name}index.html" if not name or name.endswith("/") else name
        content = self._files.get(name)
        return None if content is None else (name, content)

    def state(self, address: str) -> str:
        """The digest that a page carries of what it shows; "gone" when the page is no more."""
        found = self.find(address)
        match = _STATE.search(found[1]) if found else None
        return match[1].decode() if match else "gone"


def application(stage: Stage, port: int) -> Starlette:
    """The pages over HTTP, for browsers that call this machine by its own name."""
    hosts = {f"{ADDRESS}:{port}", f"localhost:{port}"}

    async def answer(request: Request) -> Response:
        if request.headers.get("host") not in hosts:
            return PlainTextResponse(_("This preview answers on this machine only."), 421, _HEADERS)
        if request.url.path == "/events":
            events = _events(stage, request.query_params.get("page", ""))
            return StreamingResponse(events, media_type="text/event-stream", headers=_HEADERS)
        found = stage.find(request.path_params["path"])
        if found is None:
            return PlainTextResponse(_("There is no such page in this preview."), 404, _HEADERS)
        return Response(found[1], headers={**_HEADERS, "Content-Type": _type(found[0])})

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET"])])


async def _events(stage: Stage, page: str) -> AsyncIterator[str]:
    """The page's state, now and whenever it changes (HTML, "Server-sent events")."""
    told, quiet = "", 0.0
    while not stage.closed:
        if (state := stage.state(page)) != told:
            told, quiet = state, 0.0
            yield f"data: {state}\n\n"
        elif quiet >= CALM:
            quiet = 0.0
            yield ": \n\n"
        quiet += LOOK
        await asyncio.sleep(LOOK)


def _type(name: str) -> str:
    kind = {".js": "text/javascript", ".woff2": "font/woff2"}.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
    kind = kind or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


class Server:
    """The HTTP server, in a thread of its own, on a free port of this machine."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.stage = Stage(files)
        self._socket = socket.create_server((ADDRESS, 0))
        self.port: int = self._socket.getsockname()[1]
        settings = uvicorn.Config(
            application(self.stage, self.port), log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    @property
    def url(self) -> str:
        """Where the preview can be seen."""
        return f"http://{ADDRESS}:{self.port}/"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Let open pages go, then stop."""
        self.stage.closed = True
        self._server.should_exit = True
        self._thread.join(timeout=5)
        self._socket.close()


class Watch:
    """Builds again when a file of the newsroom changes. A mistake is shown, never raised.

    Args:
        load: reads the settings, again and again.
    """

    def __init__(self, preview: Preview, load: Callable[[], Config], config: Config) -> None:
        self._preview = preview
        self._load = load
        self._config = config
        self._seen = stamp(config.root, WATCHED)

    def look(self) -> Mapping[str, bytes] | None:
        """The pages, built again; None when nothing changed.

        Raises:
            VeilleError: the pages cannot be built now; the next change tries again.
        """
        seen = stamp(self._config.root, WATCHED)
        if seen == self._seen:
            return None
        self._seen = seen
        trouble: Sequence[Finding] = ()
        try:
            self._config = self._load()
        except ConfigError as error:
            trouble = settings_trouble(error)
        return self._preview.build(self._config, trouble)


def show(
    preview: Preview,
    config: Config,
    load: Callable[[], Config],
    *,
    started: Callable[[str], None],
    wait: Callable[[float], object],
    say: Callable[[VeilleError], None],
) -> None:
    """Serve the preview and keep it up to date, until `wait` raises KeyboardInterrupt.

    Args:
        started: told the address, once it answers.
        wait: waits that many seconds.
        say: told why the pages could not be built just now.

    Raises:
        VeilleError: the first build fails, or the folder cannot be written to.
    """
    watch = Watch(preview, load, config)
    files = preview.build(config)
    mirror(folder_of(config), files, OWNER)
    server = Server(files)
    server.start()
    try:
        started(server.url)
        while True:
            wait(PULSE)
            try:
                if (changed := watch.look()) is not None:
                    server.stage.put(changed)
                    files, before = changed, files
                    mirror(folder_of(config), files, OWNER, before)
            except VeilleError as error:
                say(error)
    except KeyboardInterrupt:
        return
    finally:
        server.stop()


def folder_of(config: Config) -> Path:
    """Where the pages lie."""
    return config.outbox_dir / "preview"
