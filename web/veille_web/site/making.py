"""Puts the pages' desk together: folders of the publishers, files that are always there, templates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from veille.config import Config
from veille.outbox.database import Database
from veille.publishing import Publisher
from veille.rendering.templating import Templates
from veille.signup import Signups
from veille.subscribers import Erasure, Subscribers
from veille.timetable import Clock
from veille.tokens import Keys
from veille_publishers.folder import FolderPublisher
from veille_publishers.web import Look, Web
from veille_web.site.desk import Desk
from veille_web.site.static import Folders


def make_desk(
    config: Config,
    publishers: Mapping[str, Publisher],
    *,
    database: Database,
    keys: Keys,
    signups: Signups,
    subscribers: Subscribers,
    erasure: Erasure,
    clock: Clock,
    wake: Callable[[], None],
    alarm: Callable[[str], None],
    bound: frozenset[str] = frozenset(),
) -> Desk:
    """The desk of the site; arguments as in `Desk`.

    Args:
        publishers: of the configured channels; web and feed say where the published files lie.

    Raises:
        RenderError: a template fails, or the logo cannot be read.
        ConfigError: `serve.trusted_proxies` is not understood.
    """
    templates = Templates(config)
    files, look = _look(publishers.get("web"), templates)
    desk = Desk(
        config=config,
        database=database,
        keys=keys,
        signups=signups,
        subscribers=subscribers,
        erasure=erasure,
        folders=Folders(_folders(publishers), files, clock().replace(microsecond=0)),
        templates=templates,
        look=look,
        clock=clock,
        wake=wake,
        alarm=alarm,
        bound=bound,
    )
    assert desk.proxies  # said now, not at the first request
    return desk


def _folders(publishers: Mapping[str, Publisher]) -> list[Path]:
    """Where the published files lie. Beside live pages, what a sandboxed feed wrote is not public."""
    found = [publishers[name] for name in ("web", "feed") if name in publishers]
    folders = [publisher for publisher in found if isinstance(publisher, FolderPublisher)]
    return [publisher.folder for publisher in folders if publisher.live == folders[0].live]


def _look(web: Publisher | None, templates: Templates) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files that forms load, and what each is called. Without a web channel they stand without the site's style."""
    forms = templates.render("forms/forms.css.j2").encode()
    name = f"forms.{hashlib.sha256(forms).hexdigest()[:10]}.css"
    files: dict[str, bytes] = {name: forms}
    named: dict[str, Any] = {"forms": name, "style": name, "icon": "", "logo": ""}
    if isinstance(web, Web):
        look = Look(web)
        files |= look.files
        named |= {"style": look.style[0], "icon": look.icon[0], "logo": look.logo[0] if look.logo else ""}
    return files, named
