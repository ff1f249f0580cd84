"""A new newsroom: settings, one example post with its partner and picture, the help lines, twelve invented readers."""

from __future__ import annotations

import re
from datetime import date
from importlib.resources import files
from pathlib import Path

from veille.config import FILE_NAME
from veille.errors import ConfigError
from veille.i18n import gettext as _
from veille.i18n import why

POST = "2026-11-19-colis-du-jeudi.md"
PARTNERS = ("epicerie-le-panier.yaml", "ccas-bagneux.yaml")
PICTURE = "panier.jpg"
READERS = "subscribers.example.csv"


def sample() -> Path:
    """The sample newsroom, in a wheel or in a source checkout."""
    packaged = Path(str(files("veille"))) / "_sample"
    return packaged if packaged.is_dir() else Path(__file__).parents[2]


def placeholder() -> str:
    """The text of a new file, which a check keeps from being published."""
    return _("Write the text here, in place of this line.")


def make(folder: Path, today: date) -> list[str]:
    """Write a new newsroom into `folder`, around what is there already.

    Args:
        today: the date of the example post, so that it is owed now.

    Returns:
        The files written, relative to the folder; never one that was there.

    Raises:
        ConfigError: there is a newsroom already, or the folder cannot be written.
    """
    if (folder / FILE_NAME).exists():
        raise ConfigError(
            _("{folder} holds a newsroom already").format(folder=folder),
            hint=_("go on in it: cd {folder}").format(folder=folder),
        )
    try:
        return sorted(_write(folder, today))
    except OSError as error:
        raise ConfigError(
            _("{folder} cannot be written: {error}").format(folder=folder, error=why(error)),
            hint=_("choose another folder, or check its permissions"),
        ) from error


def _write(folder: Path, today: date) -> list[str]:
    """Files that exist stay as they are: somebody's content may be there before its settings."""
    for empty in ("content/editions", "templates", "outbox"):
        (folder / empty).mkdir(parents=True, exist_ok=True)
    post = f"content/posts/{today.isoformat()}{POST[10:]}"
    # Settings last: what a full disk stopped half-way can be started again.
    wanted = {
        **(_example(post, today) if _no_posts_but(folder / post) else {}),
        "content/helplines.yaml": _original("content/helplines.yaml"),
        READERS: _original(READERS),
        ".gitignore": b"/outbox/*\n",
        FILE_NAME: _blank(_original(FILE_NAME)),
    }
    return [name for name, content in wanted.items() if _write_new(folder / name, content)]


def _example(post: str, today: date) -> dict[str, bytes]:
    """One post with all that it uses."""
    used = [*(f"content/partners/{name}" for name in PARTNERS), f"content/media/{PICTURE}"]
    return {post: _dated(_original(f"content/posts/{POST}"), today), **{name: _original(name) for name in used}}


def _no_posts_but(post: Path) -> bool:
    """Among somebody's own posts an example would be one more to publish."""
    return all(path == post for path in post.parent.rglob("*"))


def _original(name: str) -> bytes:
    return (sample() / name).read_bytes()


def _write_new(path: Path, content: bytes) -> bool:
    """Write a file that is not there; False when it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _blank(settings: bytes) -> bytes:
    """Addresses of the sample are nobody's: without them nothing can go live before its own are written."""
    return re.sub(rb"(?m)^(base_url|from|reply_to|list_id)( *=)", rb"# \1\2", settings)


def _dated(post: bytes, today: date) -> bytes:
    """An example of last year would be too old for every channel but the web."""
    post = re.sub(rb"(?m)^date:.*$", f"date: {today.isoformat()}".encode(), post, count=1)
    return re.sub(rb"(?m)^(expiryDate|publishDate|related):.*\n", b"", post)
