"""A new newsroom: settings, one example post with its partner and picture, the help lines, twelve invented readers."""

from __future__ import annotations

import re
import shutil
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
    """Write a new newsroom into `folder`.

    Args:
        today: the date of the example post, so that it is owed now.

    Returns:
        The files written, relative to the folder.

    Raises:
        ConfigError: there is a newsroom already, or the folder cannot be written.
    """
    if (folder / FILE_NAME).exists():
        raise ConfigError(
            _("{folder} holds a newsroom already").format(folder=folder),
            hint=_("choose another folder: veille init my-newsroom"),
        )
    try:
        return sorted(_write(folder, today))
    except OSError as error:
        raise ConfigError(
            _("{folder} cannot be written: {error}").format(folder=folder, error=why(error)),
            hint=_("choose another folder, or check its permissions"),
        ) from error


def _write(folder: Path, today: date) -> list[str]:
    source = sample()
    copies = {
        f"content/posts/{POST.replace(POST[:10], today.isoformat())}": f"content/posts/{POST}",
        **{f"content/partners/{name}": f"content/partners/{name}" for name in PARTNERS},
        f"content/media/{PICTURE}": f"content/media/{PICTURE}",
        "content/helplines.yaml": "content/helplines.yaml",
        READERS: READERS,
        FILE_NAME: FILE_NAME,
    }
    for empty in ("content/editions", "templates", "outbox"):
        (folder / empty).mkdir(parents=True, exist_ok=True)
    for target, origin in copies.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / origin, path)
    _date(folder / next(iter(copies)), today)
    _blank(folder / FILE_NAME)
    (folder / ".gitignore").write_text("/outbox/*\n", encoding="utf-8")
    return [*copies, ".gitignore"]


def _blank(settings: Path) -> None:
    """Addresses of the sample are nobody's: without them nothing can go live before its own are written."""
    text = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r"(?m)^(base_url|from|reply_to|list_id)( *=)", r"# \1\2", text), encoding="utf-8")


def _date(post: Path, today: date) -> None:
    """An example of last year would be too old for every channel but the web."""
    text = post.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^date:.*$", f"date: {today.isoformat()}", text, count=1)
    post.write_text(re.sub(r"(?m)^(expiryDate|publishDate|related):.*\n", "", text), encoding="utf-8")
