"""`veille serve`: the public site."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille_cli.output import Answer, Talk, answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from veille_cli.wiring import Newsroom
    from veille_web.site.server import Server

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@answers
def command(
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help=_("Where to listen (default: [serve] host)."))
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, metavar="PORT", help=_("0 for any free one (default: [serve] port).")),
    ] = None,
    *,
    talk: Talk,
) -> Answer:
    """Show the pages and feeds, and take sign-ups, choices and farewells, until it is stopped (Ctrl-C)."""
    from veille_cli.confirm_mail import confirm_meanwhile
    from veille_cli.wiring import newsroom

    stop = threading.Event()
    log = logging.getLogger("veille.serve")
    log.setLevel(min(log.getEffectiveLevel(), logging.ERROR))  # whoever operates it sees that a page failed
    with newsroom() as room:
        chosen = room.config.settings.serve
        with confirm_meanwhile(room, stop, talk) as wake:
            server = make_server(room, talk, wake.set, host or chosen.host, chosen.port if port is None else port)
            _stop_on_signals(stop, server)
            talk.say(_("The site is at {url}").format(url=server.url), _("Stop with Ctrl-C."))
            server.run()
            stop.set()
    return Answer(data={"url": server.url}, text=[_("The site has stopped.")])


def make_server(room: Newsroom, talk: Talk, wake: Callable[[], None], host: str, port: int) -> Server:
    """Everything that the pages need, and the server that shows them."""
    from veille.signup import consent_words, keep
    from veille_web.site.app import application
    from veille_web.site.making import make_desk
    from veille_web.site.server import Server

    keep(room.database, consent_words(room.config.settings, room.config.brand.name), room.clock())
    desk = make_desk(
        room.config,
        room.publishers,
        database=room.database,
        keys=room.keys,
        signups=room.signups,
        subscribers=room.subscribers,
        erasure=room.erasure,
        clock=room.clock,
        wake=wake,
        alarm=lambda words: talk.say(f"! {words}"),
        bound=_names(host),
    )
    return Server(application(desk), host, port)


def _names(host: str) -> frozenset[str]:
    """The names of this machine, when only it can call."""
    return frozenset(_LOOPBACK) if host in _LOOPBACK else frozenset()


def _stop_on_signals(stop: threading.Event, server: Server) -> None:
    """uvicorn gives the signal back to us once it has ended: then there is nothing left to do."""

    def ask(_number: int, _frame: object) -> None:
        stop.set()
        server.stop()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
