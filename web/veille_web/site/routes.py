"""The addresses that the public site answers, said twice: as routes, and as an OpenAPI document for tools and tests.

The addresses are fixed: they stand in letters that were sent (design, section 8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.routing import Route

from veille import __version__

TOKEN = "TOKEN"  # noqa: S105 (what the access log says in the place of one)


@dataclass(frozen=True)
class Address:
    """One address of the site.

    Args:
        path: as Starlette writes it; `{token}` is the only part that varies.
        handler: the name of the method of `veille_web.site.app.Pages` that answers.
        summary: for people who read the OpenAPI document.
        answers: the statuses that it may answer with, beside those that every address may (`COMMON`).
        fields: of the form that a POST carries.
        foreign: whether pages of other sites, and mail servers, may post here.
    """

    method: str
    path: str
    handler: str
    summary: str
    answers: tuple[int, ...] = (200,)
    fields: tuple[str, ...] = ()
    foreign: bool = False


CHOICES = ("towns", "audience", "language", "text_only")
# Of every address: refused as malformed (400), foreign (403), slow (408), large (413), for another host (421), too much
# at once (429, 431), and when the outbox cannot be used now (503).
COMMON = (400, 403, 408, 413, 421, 429, 431, 503)

ADDRESSES = (
    Address("GET", "/healthz", "health", "Whether the site and its outbox answer"),
    Address("GET", "/subscribe/", "subscribe", "The form to subscribe with"),
    Address(
        "POST",
        "/subscribe/",
        "ask",
        "Ask for the letter; the same answer whether the address is known or not",
        (200, 422),
        ("email", "towns", "audience", "fifteen", "parent", "website", "stamp"),
        foreign=True,
    ),
    Address("GET", "/c/{token}", "confirm_page", "A button; opening the link changes nothing", (200, 404, 410)),
    Address("POST", "/c/{token}", "confirm", "Confirm the subscription, once", (200, 404, 410)),
    Address("GET", "/p/{token}", "preferences", "What a reader chose", (200, 404, 410)),
    Address("POST", "/p/{token}", "choose", "Change it", (200, 404, 410), CHOICES),
    Address("POST", "/p/{token}/export", "export", "All that is held about the reader, as JSON", (200, 404, 410)),
    Address("GET", "/p/{token}/erase", "erase_page", "Asks once more", (200, 404, 410)),
    Address("POST", "/p/{token}/erase", "erase", "Erase everything, after being asked", (200, 404, 410), ("sure",)),
    Address("GET", "/u/{token}", "leave_page", "A button; opening the link changes nothing", (200, 404)),
    Address(
        "POST",
        "/u/{token}",
        "leave",
        "Leave at once, from the button or by one click (RFC 8058)",
        (200, 404),
        ("List-Unsubscribe",),
        foreign=True,
    ),
)


def routes(pages: object) -> list[Route]:
    """The routes of the application.

    Args:
        pages: has a method for each `Address.handler`.
    """
    return [Route(a.path, _handler(pages, a.handler), methods=[a.method], name=a.handler) for a in ADDRESSES]


def foreign_posts() -> tuple[str, ...]:
    """The addresses, as prefixes, that pages of other sites and mail servers may post to."""
    return tuple(a.path.partition("{")[0] for a in ADDRESSES if a.foreign)


def openapi(base_url: str = "") -> dict[str, Any]:
    """The same as OpenAPI 3.1, for `schemathesis` and the like."""
    paths: dict[str, dict[str, Any]] = {}
    for address in ADDRESSES:
        paths.setdefault(address.path, {})[address.method.lower()] = _operation(address)
    return {
        "openapi": "3.1.0",
        "info": {"title": "veille", "version": __version__},
        "servers": [{"url": base_url or "/"}],
        "paths": paths,
    }


def _handler(pages: object, name: str) -> Callable[..., Any]:
    handler: Callable[..., Any] = getattr(pages, name)
    return handler


def _operation(address: Address) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": address.handler,
        "summary": address.summary,
        "responses": {str(status): {"description": ""} for status in sorted({*address.answers, *COMMON})},
    }
    if "{token}" in address.path:
        operation["parameters"] = [
            {"name": "token", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        ]
    if address.method == "POST":
        operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": _form(address)}}}
    return operation


def _form(address: Address) -> dict[str, Any]:
    several = {"type": "array", "items": {"type": "string"}}
    fields = {name: several if name == "towns" else {"type": "string"} for name in address.fields}
    return {"type": "object", "properties": fields}
