"""What Facebook and Instagram share: words, fingerprints, and the files that show what would be sent."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from veille.config import Config
from veille.errors import ConfigError, Unavailable
from veille.i18n import gettext as _
from veille.publishing import Delivery, File, Journal, Publication, ReadBack, Receipt, Rendition, Seen
from veille.rendering import Contact, Picture, RenderedPost
from veille.timetable import Clock
from veille_publishers import files

ALT_LENGTH = 1000  # characters; Instagram's limit, kept for Facebook, which documents none (ig-user/media)
REUSE = timedelta(hours=20)  # unpublished photos and containers vanish after about 24 h (Meta, page/photos)
SKEW = timedelta(minutes=2)  # between our clock and Meta's
LETTERS = 20  # so many tell one text from another
# How wrong our clock may have been when a post left: set to local time at a start, and put right a minute later. What
# shows our very words is looked for that much further back; a second post would be worse than one found too easily.
WRONG = timedelta(hours=12)


def normalised(text: str) -> str:
    """A text as it compares after Meta trimmed or re-broke it: NFC, one space between words."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def fingerprint(text: str) -> str:
    """SHA-256 of the normalised text, hexadecimal."""
    return hashlib.sha256(normalised(text).encode()).hexdigest()


def prints(text: str) -> frozenset[str]:
    """By what a text is known again: as it is, and by its letters and digits alone.

    Nobody documents what Meta does to invisible signs, variants of emoji and dots; a post that is not known again would
    be made twice. Few letters say too little: then the text counts as it is.
    """
    letters = "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())
    alone = {hashlib.sha256(f"letters {letters}".encode()).hexdigest()} if len(letters) >= LETTERS else set()
    return frozenset({fingerprint(text), *alone})


def hashtag(tag: str) -> str:
    """ "aide alimentaire" -> "#AideAlimentaire": capitals let screen readers find the words; "" if none is left."""
    words = re.findall(r"\w+", tag.replace("_", " "))
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return f"#{joined}" if joined and not joined.isdigit() else ""


def hashtags(tags: Iterable[str], already: str = "") -> tuple[str, ...]:
    """The hashtags of some tags, each once, without those that a text holds already."""
    present = {found.casefold() for found in re.findall(r"#\w+", already)}
    made = dict.fromkeys(hashtag(tag) for tag in tags)
    return tuple(tag for tag in made if tag and tag.casefold() not in present)


def opening(post: RenderedPost) -> str:
    """Summary and body without saying the same twice: the summary may be the body's first paragraph."""
    body, summary = (post.flowing or post.text).strip(), post.summary.strip()
    if not summary or normalised(body).startswith(normalised(summary).rstrip("….")):
        return body or summary
    return f"{summary}\n\n{body}".strip()


def passage(text: str, most: int) -> str:
    """A plain-text body for people who scroll: whole paragraphs while they fit, then an ellipsis.

    Args:
        most: UTF-16 units.
    """
    whole = _unmarked(text)
    if units(whole) <= most:
        return whole
    kept: list[str] = []
    for paragraph in text.split("\n\n"):
        if units("\n\n".join([*kept, paragraph])) > most - 2:
            break
        kept.append(paragraph)
    while kept and _RULE.search(kept[-1]):  # a heading without its text
        kept.pop()
    part = _unmarked("\n\n".join(kept))
    return f"{part} …" if units(part) > most / 2 else shortened(whole, most)


_RULE = re.compile(r"^[-=]{3,}$\n?", re.MULTILINE)


def _unmarked(text: str) -> str:
    """Without the lines under headings and the signs before quotations, which only a letter needs."""
    return tidy(re.sub(r"^(> ?)+", "", _RULE.sub("", text), flags=re.MULTILINE))


def shortened(text: str, most: int) -> str:
    """At most `most` UTF-16 units, cut between words and marked with an ellipsis."""
    if units(text) <= most:
        return text
    kept = text.encode("utf-16-le")[: 2 * max(most - 2, 0)].decode("utf-16-le", "ignore")
    return re.sub(r"\s+\S*\Z", "", kept) + " …"


def units(text: str) -> int:
    """UTF-16 units, the stricter of the ways in which Meta may count characters."""
    return len(text.encode("utf-16-le")) // 2


def alt_text(picture: Picture) -> str:
    """The alternative text as Meta takes it."""
    return shortened(picture.alt, ALT_LENGTH)


def picture_files(pictures: Iterable[Picture]) -> tuple[File, ...]:
    """The pictures as files of a rendition."""
    return tuple(File(picture.name, "image/jpeg", picture.content) for picture in pictures)


def file_named(rendition: Rendition, name: str) -> File:
    """One file of a rendition."""
    return next(file for file in rendition.files if file.name == name)


def contacts(post: RenderedPost) -> tuple[Contact, ...]:
    """Who to call: the post's contacts, and the emergency block under a sensitive post; each once."""
    return tuple(dict.fromkeys((*post.contacts, *(post.helplines if post.sensitive else ()))))


def require(value: str, channel: str, key: str) -> str:
    """A setting that a live channel cannot do without.

    Raises:
        ConfigError: it is empty.
    """
    if value:
        return value
    raise ConfigError(
        _("{setting} is missing").format(setting=f"{channel}.{key}"),
        hint=_(
            '`veille connect {channel} --write` finds it, or write {key} = "…" under [{channel}] in veille.toml'
        ).format(key=key, channel=channel),
    )


def fresh(kept: Mapping[str, Any], rendition: Rendition, now: datetime) -> bool:
    """Whether ids kept by an earlier attempt can still be used: young enough, and of this very rendition."""
    if not kept.get("at") or kept.get("of") != rendition.digest:
        return False
    return now - datetime.fromisoformat(kept["at"]) < REUSE


def since(delivery: Delivery, before: timedelta = SKEW) -> datetime:
    """The moment from which this delivery may be visible: its first attempt, less the clocks' difference.

    Args:
        before: that difference; `WRONG` where the words tell whose post it is.

    Raises:
        Unavailable: nothing says when it was attempted, so that no look can prove anything.
    """
    first = delivery.checkpoint.get("since")
    moments = [datetime.fromisoformat(first)] if first else []
    moments += [delivery.intent_at] if delivery.intent_at else []
    if not moments:
        raise Unavailable(_("there was no attempt to look for"))
    return min(moments) - before


def moment(text: Any) -> datetime:
    """A time as Meta writes it: "2019-05-17T16:24:04+0000".

    Raises:
        Unavailable: another form; what was read cannot be trusted.
    """
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Unavailable(_("Meta's answer has no readable time"), detail="time")
    return found


@dataclass(frozen=True)
class Showcase:
    """The outbox folder of one social channel: `<slug>.json` with the exact requests, pictures beside it."""

    channel: str
    config: Config
    clock: Clock

    def path(self, publication: Publication) -> Path:
        """The file that shows a publication."""
        return self.config.outbox_dir / self.channel / f"{publication.slug}.json"

    def show(self, publication: Publication, requests: Sequence[Mapping[str, Any]]) -> None:
        """Write the requests and pictures of a queued publication.

        Raises:
            Unavailable: the folder cannot be written to.
        """
        path = self.path(publication)
        folder, pictures = path.with_suffix(""), {f.name: f.content for f in publication.rendition.files}
        if pictures or folder.is_dir():  # an edit may have taken pictures away
            files.mirror(folder, pictures, self.channel)
        values = self._values(publication, requests)
        sent_at = read_json(path).pop("sent_at", None)
        same = sent_at and read_json(path) == {**values, "sent_at": sent_at}
        write_json(path, {**values, "sent_at": sent_at} if same else values)

    def deliver(self, delivery: Delivery, requests: Sequence[Mapping[str, Any]], journal: Journal) -> Receipt | None:
        """Mark a publication as sent, which is all that the sandbox does. None: the journal said skip.

        Raises:
            Unavailable: the folder cannot be written to.
        """
        publication = delivery.publication
        path = self.path(publication)
        self.show(publication, requests)
        if not journal.intent(delivery):
            return None
        now = self.clock()
        write_json(path, {**self._values(publication, requests), "sent_at": now.isoformat()})
        return Receipt(at=now, detail=path.relative_to(self.config.root).as_posix())

    def rest(self) -> None:
        """Nothing is kept open."""

    def read_back(self, delivery: Delivery) -> ReadBack:
        """Whether the file says that this delivery was sent since its intent."""
        path = self.path(delivery.publication)
        values = read_json(path)
        sent_at = values.get("sent_at")
        if not sent_at or values.get("id") != delivery.publication.id:
            return ReadBack(Seen.ABSENT)
        at = datetime.fromisoformat(sent_at)
        if delivery.intent_at and at < delivery.intent_at:
            return ReadBack(Seen.ABSENT)
        return ReadBack(Seen.FOUND, Receipt(at=at, detail=path.relative_to(self.config.root).as_posix()))

    def _values(self, publication: Publication, requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        local = publication.due.astimezone(self.config.zone)
        return {
            "id": publication.id,
            "title": publication.title,
            "due": local.isoformat(),
            "requests": [dict(request) for request in requests],
        }


def read_json(path: Path) -> dict[str, Any]:
    """A file of ours; empty when it is missing or damaged."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a file that people read.

    Raises:
        Unavailable: the folder cannot be written to.
    """
    files.write(path, (json.dumps(values, ensure_ascii=False, indent=2) + "\n").encode())


def tidy(text: str) -> str:
    """A rendered template as people post it: no trailing blanks, no more than one empty line."""
    lines = "\n".join(line.rstrip() for line in unicodedata.normalize("NFC", text).splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip()
