"""A text as the checks of French read it: one kind of space and apostrophe, addresses hidden, words found once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from veille.checks.subjects import REFERENCE, Role, Subject, Text

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_ADDRESS = re.compile(  # web and mail addresses, handles, hashtags: nobody's French
    r"(?:https?://|www\.)\S+(?:(?<=-) ?\n\S+)?|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[#@]\w+"
    r"|(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.(?:fr|org|com|net|eu|be|ch|info|io)(?!\w)(?:[/?#]\S*)?"
)
_DOTTED = re.compile(r"\w\.\w")
_SAME = tuple(
    {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " ", "’": "'", "ʼ": "'", "‑": "-", "\u00ad": "-"}.items()
)
Span = tuple[int, int, str]  # begin, end, the word in small letters


@dataclass(frozen=True)
class Piece:
    """One text.

    Args:
        plain: as long as `text.content`, so that offsets hold in both.
        known: every word of it in small letters.
    """

    text: Text
    plain: str
    known: tuple[str, ...]

    @property
    def role(self) -> Role:
        """What it is for."""
        return self.text.role

    @property
    def apart(self) -> bool:
        """Whether people read it without the rest of the post: on a social network, or as the subject of a letter."""
        return self.text.role in (Role.SOCIAL, Role.SUBJECT)

    @cached_property
    def words(self) -> tuple[Span, ...]:
        """Each word with its place."""
        return tuple((found.start(), found.end(), found[0].lower()) for found in _WORD.finditer(self.plain))


def pieces(subject: Subject) -> Iterator[Piece]:
    """What its author wrote; nothing when it is in another language than French."""
    if subject.lang.lower().startswith("fr"):
        for text in subject.texts:
            plain = _plain(text.content)
            if plain.strip(f" \n{REFERENCE}"):
                # One by one: “İlhan” in small letters has one more, which would part the word.
                yield Piece(text, plain, tuple(word.lower() for word in _WORD.findall(plain)))


def _plain(content: str) -> str:
    plain = content
    for written, same in _SAME:
        plain = plain.replace(written, same)
    if "@" in plain or "#" in plain or "://" in plain or _DOTTED.search(plain):
        plain = _ADDRESS.sub(lambda found: "0" * len(found[0]), plain)
    return plain
