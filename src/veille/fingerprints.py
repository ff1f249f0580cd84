"""What a rendition was made from, so that `publish` renders again only what changed.

A newsroom of a thousand posts changes one of them a day. The file `outbox/rendered.json` only saves time: whatever is
not in it, or does not match, is rendered.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from veille import __version__
from veille.config import Config
from veille.contacts import shown_on
from veille.editions import Edition
from veille.library import Library
from veille.planning import Owed
from veille.posts import Image, Post
from veille.rendering.contacts import of_day, partner_contact
from veille.rendering.templating import shipped

FILE_NAME = "rendered.json"
_BRACES = re.compile(r"\{\{([^{}\n]*)\}\}")
_WORD = re.compile(r"[^\s:]+")


class Fingerprints:
    """Fingerprints of what is owed now, beside those of what the outbox holds."""

    def __init__(self, library: Library, config: Config, first_seen: Mapping[str, datetime], now: datetime) -> None:
        self._posts = {post.source: post for post in library.posts}
        self._first_seen = first_seen
        self._now = now
        self._library = library
        self._config = config
        self._path = config.outbox_dir / FILE_NAME
        self._kept = _read(self._path)
        self._made: dict[str, tuple[str, str]] = {}
        brand = [config.root / config.brand.logo] if config.brand.logo else []
        self._around = _digest(
            __version__,
            config.settings.model_dump_json(),
            *map(repr, library.helplines.values()),  # on every page
            *stamps([config.root / "templates", shipped(), Path(__file__).parent, *brand]),
        )

    def stands(self, owed: Owed) -> bool:
        """Whether the outbox holds what rendering this would make."""
        kept = self._kept.get(_key(owed))
        if owed.existing is None or kept is None or kept != (self.of(owed), owed.existing.digest):
            return False
        self._made[_key(owed)] = kept
        return True

    def made(self, owed: Owed, digest: str) -> None:
        """Remember what was rendered from this."""
        self._made[_key(owed)] = (self.of(owed), digest)

    def of(self, owed: Owed) -> str:
        """The fingerprint of everything that a rendition of this depends on."""
        posts = [owed.post] if owed.post else [self._posts[s] for s in owed.members if s in self._posts]
        fresh = [post for post in posts if post.source not in owed.kept]
        texts: list[Post | Edition] = [*fresh, *([owed.edition] if owed.edition else [])]
        frame = (
            owed.channel,
            owed.title,
            owed.members,
            sorted(owed.kept),
            None if owed.post else owed.due,
            owed.edition,
            of_day(self._library, shown_on(owed, self._config, self._now)),
            sorted({record for text in texts for record in self._records(text)}),
        )
        partners = self._directory(owed) if owed.directory else []
        return _digest(self._around, repr(frame), *partners, *(self._post(post) for post in fresh))

    def _directory(self, owed: Owed) -> list[str]:
        """Every record, its date of confirmation too, and whether it holds on the day."""
        day = shown_on(owed, self._config, self._now)
        records = self._library.partners.values()
        return [f"{record!r}{record.valid_until is None or day <= record.valid_until}" for record in records]

    def save(self) -> None:
        """Write the file, when it would change. It is a convenience: a failure to write it is none of publishing."""
        text = json.dumps({**self._kept, **self._made}, indent=0, sort_keys=True)
        try:
            if not self._path.exists() or self._path.read_text(encoding="utf-8") != text:
                part = self._path.with_suffix(".part")
                part.write_text(text, encoding="utf-8")
                part.replace(self._path)
        except OSError:
            return

    def _records(self, text: Post | Edition) -> Iterator[str]:
        """The partners that a text may show, as readers see them: confirming a record changes no page."""
        named = set(_WORD.findall(" ".join(_BRACES.findall(text.body))))
        named |= set(text.partners) if isinstance(text, Post) else set()
        yield from (repr(partner_contact(self._library.partners[name])) for name in named & set(self._library.partners))

    def _post(self, post: Post) -> str:
        images = [image for image in (post.image, *post.images, *post.instagram.images) if isinstance(image, Image)]
        # The outbox keeps milliseconds.
        seen = "" if post.date else self._first_seen.get(post.source, self._now).isoformat(timespec="milliseconds")
        return _digest(repr(post), seen, *stamps(image.path for image in images))


def _key(owed: Owed) -> str:
    return f"{owed.source}/{owed.channel}/{owed.occurrence}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()


def stamps(paths: Iterable[Path]) -> list[str]:
    """Name, size and time of every file below these paths."""
    found = []
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.suffix != ".pyc":
                status = file.stat()
                found.append(f"{file}:{status.st_size}:{status.st_mtime_ns}")
    return found


def _read(path: Path) -> dict[str, tuple[str, str]]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): (str(value[0]), str(value[1])) for key, value in kept.items()}
    except (OSError, ValueError, AttributeError, TypeError, IndexError):
        return {}
