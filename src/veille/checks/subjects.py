"""What checks read: a post, an edition or a contact record as pieces of text, each with its place in the file.

A piece holds what a reader sees, without markup; its offsets lead back to line and column.
"""

from __future__ import annotations

import dataclasses
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from markdown_it.token import Token

from veille import markdown
from veille.editions import Edition
from veille.partners import HelpLine, Partner
from veille.posts import Post

REFERENCE = "\ufffc"  # stands where `{{ partner: id }}` puts in a contact
REFERRED = "{{ … }}"  # the same in an excerpt
_AROUND = 30  # characters of an excerpt on each side

Source = Post | Edition | Partner | HelpLine
Spot = tuple[int, int, int | None]  # offset in the content, line, column


class Role(StrEnum):
    """What a piece of text is for."""

    TITLE = "title"
    SUMMARY = "summary"
    SUBJECT = "subject"  # of a letter, and its preheader: shown on a locked screen
    HEADING = "heading"
    BODY = "body"  # a paragraph, a list item, a cell
    ALT = "alt"
    CREDIT = "credit"
    SOCIAL = "social"  # the text of a Facebook post, the caption of an Instagram post
    PLACE = "place"
    RECORD = "record"  # of a partner or help line


@dataclass(frozen=True)
class Text:
    """One piece.

    Args:
        field: key of the front matter, dotted; None in the body.
        content: what a reader sees; "\\n" where the file begins a new line, `REFERENCE` for a contact put in.
        spots: where stretches of it stand, rising; the first is its beginning.
        level: of a heading as written, 1 to 6; 0 otherwise.
    """

    file: str
    field: str | None
    role: Role
    content: str
    lang: str
    spots: tuple[Spot, ...]
    level: int = 0

    def place(self, offset: int) -> tuple[int, int | None]:
        """Line and column of a character, from 1; no column where only the line is known."""
        at, line, column = self.spots[max(0, bisect_right(self.spots, offset, key=lambda spot: spot[0]) - 1)]
        return line, None if column is None else column + offset - at

    @property
    def references(self) -> Iterator[int]:
        """The offsets at which a contact is put in."""
        at = self.content.find(REFERENCE)
        while at >= 0:
            yield at
            at = self.content.find(REFERENCE, at + 1)

    def excerpt(self, start: int, end: int) -> str:
        """The characters with some words around them, on one line."""
        first = max(0, start - _AROUND)
        last = min(len(self.content), end + _AROUND)
        before, after = self.content[first:start], self.content[end:last]
        if first and " " in before:
            before = "…" + before.split(" ", 1)[1]
        if last < len(self.content) and " " in after:
            after = after.rsplit(" ", 1)[0] + "…"
        words = " ".join((before + self.content[start:end] + after).split())
        return words.replace(REFERENCE, REFERRED)


@dataclass(frozen=True)
class Link:
    """A link that an author wrote.

    Args:
        words: what a reader sees of it.
        text, start: the piece in which it stands, and where its words begin there; None for an address in the
            front matter.
    """

    href: str
    words: str
    file: str
    line: int
    column: int | None = None
    field: str | None = None
    text: Text | None = dataclasses.field(default=None, repr=False)
    start: int = 0


@dataclass(frozen=True)
class Subject:
    """A post, edition or contact record.

    Args:
        path: absolute; of the file in which it stands.
        language: of the newsroom, for records.
    """

    source: Source
    path: Path
    file: str
    language: str = "fr"

    @property
    def lang(self) -> str:
        """The language that it is written in."""
        return self.source.lang if isinstance(self.source, Post | Edition) else self.language

    @property
    def lines(self) -> Mapping[str, int]:
        """Key of the front matter -> line."""
        return {} if isinstance(self.source, HelpLine) else self.source.lines

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """Everything that its author wrote and somebody will see or hear, front matter first."""
        return (*self._fields, *self.body)

    @property
    def body(self) -> tuple[Text, ...]:
        """The pieces of the body, in order."""
        return self._parsed[0]

    @property
    def links(self) -> tuple[Link, ...]:
        """The links of the body and those of the front matter."""
        return (*self._addresses, *self._parsed[1])

    @cached_property
    def raw(self) -> tuple[str, ...]:
        """The lines of the file; none when it cannot be read any more."""
        try:
            return tuple(self.path.read_text(encoding="utf-8-sig").splitlines())
        except (OSError, UnicodeDecodeError):
            return ()

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The body as Markdown tokens, references unresolved."""
        source = self.source
        if not isinstance(source, Post | Edition):
            return ()
        return markdown.parse(source.body, file=source.file, line=source.body_line, lang=source.lang).tokens

    @cached_property
    def _parsed(self) -> tuple[tuple[Text, ...], tuple[Link, ...]]:
        if not isinstance(self.source, Post | Edition):
            return (), ()
        return _body(self.tokens, self.source.body.splitlines(), self.source)

    @cached_property
    def _fields(self) -> tuple[Text, ...]:
        return tuple(self._text(key, role, value) for key, role, value in _written(self.source) if value.strip())

    def _text(self, key: str, role: Role, value: str) -> Text:
        start = self.source.line if isinstance(self.source, HelpLine) else self._line(key)
        return Text(self.file, key, role, value, self.lang, tuple(_spots(value, self.raw, start)))

    def _line(self, key: str) -> int:
        """Of the key itself, else of the one that it stands in."""
        parts = key.split(".")
        known = (".".join(parts[:size]) for size in range(len(parts), 0, -1))
        return next((self.lines[name] for name in known if name in self.lines), 1)

    @property
    def _addresses(self) -> Iterator[Link]:
        for key, href in _addresses(self.source):
            line = self.source.line if isinstance(self.source, HelpLine) else self._line(key)
            yield Link(href, href, self.file, line, field=key)


def _written(source: Source) -> Iterator[tuple[str, Role, str]]:
    match source:
        case Post():
            yield from _of_post(source)
        case Edition():
            yield "title", Role.TITLE, source.title
            yield "newsletter.subject", Role.SUBJECT, source.subject
            yield "newsletter.preheader", Role.SUBJECT, source.preheader
            yield from _of_image("image", source.image)
        case Partner():
            for key in ("name", "description", "hours", "address"):
                yield key, Role.RECORD, getattr(source, key)
        case HelpLine():
            for key in ("name", "for_whom", "hours"):
                yield key, Role.RECORD, getattr(source, key)


def _of_post(post: Post) -> Iterator[tuple[str, Role, str]]:
    yield "title", Role.TITLE, post.title
    yield "summary", Role.SUMMARY, post.summary
    yield "newsletter.subject", Role.SUBJECT, post.newsletter.subject
    yield "newsletter.preheader", Role.SUBJECT, post.newsletter.preheader
    yield "facebook.text", Role.SOCIAL, post.facebook.text
    yield "facebook.comment", Role.SOCIAL, post.facebook.comment
    yield "instagram.caption", Role.SOCIAL, post.instagram.caption
    yield "instagram.comment", Role.SOCIAL, post.instagram.comment
    if post.event:
        yield "event.place", Role.PLACE, post.event.place
        yield "event.address", Role.PLACE, post.event.address
    yield from _of_image("image", post.image)
    for key, images in (("images", post.images), ("instagram.images", post.instagram.images)):
        for number, image in enumerate(images):
            yield from _of_image(f"{key}.{number}", image)


def _of_image(key: str, image: Any) -> Iterator[tuple[str, Role, str]]:
    if image:
        yield f"{key}.alt", Role.ALT, image.alt
        yield f"{key}.credit", Role.CREDIT, image.credit


def _addresses(source: Source) -> Iterator[tuple[str, str]]:
    if isinstance(source, Post) and source.event and source.event.url:
        yield "event.url", source.event.url
    if isinstance(source, Partner) and source.url:
        yield "url", source.url
    if isinstance(source, HelpLine) and source.chat:
        yield "chat", source.chat


def _spots(value: str, raw: Sequence[str], start: int) -> Iterator[Spot]:
    """Where each line of a value stands in the file, looked for from the line of its key on."""
    offset, number = 0, start
    for line in value.split("\n"):
        words, lead = line.strip(), len(line) - len(line.lstrip())
        found = next((n for n in range(number, min(number + 40, len(raw) + 1)) if words and words in raw[n - 1]), None)
        if found:
            number = found
        column = raw[found - 1].index(words) + 1 - lead if found else None
        yield offset, number, column
        offset += len(line) + 1


# The body ----


@dataclass
class _Piece:
    """An inline block that is being read beside its Markdown.

    Args:
        raw: the Markdown of the block.
        first: the line of the file on which it starts.
    """

    raw: str
    first: int
    content: str = ""
    cursor: int = 0
    spots: list[Spot] = dataclasses.field(default_factory=list)
    links: list[tuple[str, int, int]] = dataclasses.field(default_factory=list)  # href, start and end of its words

    @cached_property
    def rows(self) -> list[int]:
        """Where each line begins."""
        return [0, *(found.end() for found in re.finditer("\n", self.raw))] if "\n" in self.raw else [0]

    def see(self, shown: str) -> None:
        """Take up what a reader sees, and find where it was written."""
        found = self.raw.find(shown, self.cursor)
        at = found if found >= 0 else self.cursor  # written as an entity or with a backslash
        self.mark(at)
        self.content += shown
        self.cursor = at + len(shown) if found >= 0 else self.cursor

    def mark(self, at: int) -> None:
        """What comes next stands here."""
        row = bisect_right(self.rows, at) - 1
        self.spots.append((len(self.content), self.first + row, at - self.rows[row] + 1))

    def skip(self, until: str) -> None:
        """Go behind the next of these characters."""
        found = self.raw.find(until, self.cursor)
        self.cursor = found + len(until) if found >= 0 else self.cursor


def _body(
    tokens: Sequence[Token], lines: Sequence[str], source: Post | Edition
) -> tuple[tuple[Text, ...], tuple[Link, ...]]:
    texts: list[Text] = []
    links: list[Link] = []
    opened: list[Token] = []
    for token in tokens:
        if token.nesting == 1:
            opened.append(token)
        elif token.nesting == -1:
            opened.pop()
        elif token.content and token.map:
            piece = _read(token, lines, source.body_line)
            role, level = _role(opened)
            spots = tuple(piece.spots) or ((0, piece.first, None),)
            text = Text(source.file, None, role, piece.content, source.lang, spots, level)
            texts.append(text)
            for href, start, end in piece.links:
                line, column = text.place(start)
                links.append(Link(href, piece.content[start:end], source.file, line, column, None, text, start))
    return tuple(text for text in texts if text.content.strip()), tuple(links)


def _role(opened: Sequence[Token]) -> tuple[Role, int]:
    if opened and opened[-1].type == "heading_open":
        return Role.HEADING, int(opened[-1].tag[1])
    return Role.BODY, 0


def _read(token: Token, lines: Sequence[str], body_line: int) -> _Piece:
    assert token.map is not None
    piece = _Piece("\n".join(lines[token.map[0] : token.map[1]]), body_line + token.map[0])
    if token.type != "inline":  # code: as it stands
        for line in token.content.splitlines():
            piece.see(line)
            piece.content += "\n"
        return piece
    opened: list[tuple[str, int]] = []
    for child in token.children or ():
        _read_child(piece, child, opened)
    return piece


def _read_child(piece: _Piece, child: Token, opened: list[tuple[str, int]]) -> None:
    match child.type:
        case "text" | "code_inline":
            if child.content:
                piece.see(child.content)
        case "softbreak" | "hardbreak":
            piece.mark(piece.cursor)
            piece.content += "\n"
            piece.skip("\n")
        case "reference":
            piece.see(child.content)
            piece.content = piece.content.removesuffix(child.content) + REFERENCE
        case "link_open":
            opened.append((str(child.attrs.get("href", "")), len(piece.content)))
        case "link_close":
            href, start = opened.pop()
            piece.links.append((href, start, len(piece.content)))
            if piece.raw[piece.cursor : piece.cursor + 2] == "](":
                piece.skip(")")
