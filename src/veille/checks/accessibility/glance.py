"""A first look at everything that a subject says: most texts hold none of what is looked for, and cost one glance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from veille.checks.subjects import Subject


@dataclass(frozen=True)
class Glance:
    """All pieces of a subject in one string.

    Args:
        whole: the pieces, one below the other.
    """

    whole: str

    @classmethod
    def at(cls, subject: Subject) -> Glance:
        """The glance at a subject."""
        return cls("\n".join(text.content for text in subject.texts))

    @cached_property
    def lower(self) -> str:
        """The same in small letters."""
        return self.whole.lower()

    @cached_property
    def characters(self) -> frozenset[str]:
        """Every character that occurs."""
        return frozenset(self.whole)

    def has_any(self, *words: str) -> bool:
        """Whether one of these stands in it, in whatever letters; words in small ones."""
        return any(word in self.lower for word in words)
