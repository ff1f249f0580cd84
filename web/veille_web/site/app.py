"""The application: routes, pages and the guard before them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp

from veille.errors import LedgerError
from veille_web.site import messages
from veille_web.site.desk import Desk
from veille_web.site.guard import Guard
from veille_web.site.pages import Pages
from veille_web.site.routes import routes


def application(desk: Desk) -> ASGIApp:
    """The public site as an ASGI application."""
    pages = Pages(desk)
    inner = Starlette(
        routes=[*routes(pages), Route("/{path:path}", pages.published, methods=["GET"], name="published")],
        exception_handlers={
            HTTPException: pages.refused,
            LedgerError: pages.out_of_order,
            ClientDisconnect: pages.gone,
            Exception: pages.failed,  # answered, and raised again: the guard writes it down
        },
    )
    return Guard(inner, desk, lambda status: pages.message(messages.refused(status)))
