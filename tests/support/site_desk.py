"""The public site on a free port of this machine: the real application, server, ledger and mail files."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import requests

from tests.support.workspace import TOML
from veille import config as settings
from veille.subscribers import Row
from veille.tokens import Purpose, make
from veille_cli.commands.serve import make_server
from veille_cli.confirm_mail import confirm_once
from veille_cli.output import Talk
from veille_cli.wiring import Newsroom
from veille_web.site.server import Server

QUIET = Talk(json=True, debug=False)
PAGE = "<!doctype html><html><head><title>x</title></head><body>" + "<p>Bonjour à tous.</p>" * 80 + "</body></html>"
PRIVATE = PAGE.replace("<title>", '<meta name="robots" content="noindex, noarchive"><title>')
PUBLISHED = {
    "index.html": PAGE,
    "posts/velos/index.html": PAGE,
    "posts/ecoute/index.html": PRIVATE,
    "posts/listed/index.html": PAGE,
    "feed.xml": "<rss/>" + " " * 900,
    "feed.json": "{}",
    "contacts.json": "{}",
    "events/fete.ics": "BEGIN:VCALENDAR\r\n",
    "media/0123456789abcdef.jpg": "\xff\xd8 a picture " + "x" * 1000,
    "site.0123456789.css": "body{}" + " " * 900,
    ".veille-web.json": '["index.html"]',
    ".veille-private.json": '["posts/listed/"]',
    "posts/.hidden": "hidden",
}


@dataclass
class Site:
    """A running site.

    Args:
        now: what its clock says.
        alarms: what the operator was told.
    """

    room: Newsroom
    server: Server
    now: datetime
    alarms: list[str] = field(default_factory=list)
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        """Without the slash at its end."""
        return self.server.url.rstrip("/")

    def get(self, path: str, **headers: str) -> requests.Response:
        """GET without following redirects."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.get(self.url + path, headers=named, allow_redirects=False, timeout=20)

    def post(self, path: str, data: Any = None, **headers: str) -> requests.Response:
        """POST without following redirects."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.post(self.url + path, data=data, headers=named, allow_redirects=False, timeout=20)

    def stamp(self) -> str:
        """Of a form that was opened ten seconds ago."""
        found = re.search(r'name="stamp" value="([^"]+)"', self.get("/subscribe/").text)
        assert found
        self.now += timedelta(seconds=10)
        return found[1]

    def subscribe(self, address: str, **fields: Any) -> requests.Response:
        """Fill in the form as a person does."""
        return self.post("/subscribe/", {"email": address, "stamp": self.stamp(), **fields})

    def mails(self) -> list[Any]:
        """Send what is wanted; everything in the sandbox's folder of notices."""
        confirm_once(self.room, threading.Event(), QUIET)
        folder = self.room.config.outbox_dir / "notices"
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]

    def link(self, address: str) -> str:
        """The path of the link in the mail to an address."""
        [mail] = [mail for mail in self.mails() if mail["To"] == address]
        found = re.search(r"https://letter\.example\.org(/c/\S+)", mail.get_body(("plain",)).get_content())
        assert found
        return found[1]

    def reader(self, address: str) -> dict[Purpose, str]:
        """Add a reader; the paths of their links."""
        self.room.subscribers.add([Row(address)], how="paper", now=self.now)
        [row] = [row for row in self.room.subscribers.export() if row["email"] == address]
        assert row
        with self.room.database.read() as connection:
            query = "SELECT id FROM subscriber ORDER BY id DESC LIMIT 1"
            number = connection.exec_driver_sql(query).scalar_one()
        return {purpose: f"/{purpose}/{make(self.room.keys, purpose, number)}" for purpose in Purpose}

    def subscribed(self, address: str) -> bool:
        """Whether this address receives the letter."""
        return any(row["email"] == address for row in self.room.subscribers.export())


@contextmanager
def running(folder: Path, environ: Mapping[str, str] | None = None, toml: str = TOML) -> Iterator[Site]:
    """A site with a few published files, until the end of the block."""
    (folder / "veille.toml").write_text(toml)
    for name, content in PUBLISHED.items():
        path = folder / "outbox" / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("latin-1" if name.endswith(".jpg") else "utf-8"))
    config = settings.load(folder, environ or {})
    room = Newsroom(config, lambda: site.now)
    site = Site(room, None, datetime(2026, 11, 25, 8, 0, tzinfo=UTC))  # type: ignore[arg-type]
    talk = _Listening(site.alarms)
    site.server = make_server(room, talk, lambda: None, "127.0.0.1", 0)
    thread = threading.Thread(target=site.server.run, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.session.close()
        site.server.stop()
        thread.join(10)
        room.close()
        assert not thread.is_alive()


class _Listening(Talk):
    """Keeps what the operator is told."""

    def __init__(self, alarms: list[str]) -> None:
        super().__init__(json=False, debug=False)
        object.__setattr__(self, "alarms", alarms)

    def say(self, *lines: Any) -> None:
        """Keep it."""
        self.alarms.extend(map(str, lines))  # type: ignore[attr-defined]
