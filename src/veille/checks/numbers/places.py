"""A number in its piece of text, with what a verdict may ask about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from veille.checks.numbers import cues
from veille.checks.numbers.directory import Directory, Record, directory
from veille.checks.numbers.finder import Number
from veille.checks.rules import Context
from veille.checks.subjects import Subject, Text
from veille.posts import Post

_PART = re.compile(r".*(?:[;,\n]| et | ou | mais )", re.DOTALL)
_BEHIND = 120  # characters in which a pronoun may mean it
_SENTENCE_END = re.compile(r"[.!?…][ \n\xa0]|\n[ \n]*\n")


@dataclass(frozen=True)
class Scene:
    """A text, the day on which it is shown, and the newsroom.

    Args:
        sensitive: the whole post is about help.
    """

    directory: Directory
    context: Context
    day: date
    sensitive: bool = False

    @classmethod
    def of(cls, subject: Subject, context: Context) -> Scene:
        """That of a post, edition or record."""
        source = subject.source
        sensitive = isinstance(source, Post) and source.sensitive
        return cls(directory(context.library), context, context.shown_on(subject), sensitive)

    @property
    def live(self) -> bool:
        """Whether a channel of this newsroom reaches people."""
        config = self.context.config
        return any(config.live(name) for name in config.channels)


@dataclass(frozen=True)
class Place:
    """One number where it stands.

    Args:
        before, after: the numbers and references beside it in the same text end and begin here.
    """

    number: Number
    text: Text
    scene: Scene
    before: int = 0
    after: int | None = None

    @cached_property
    def record(self) -> Record | None:
        """What the newsroom knows of it."""
        return self.scene.directory.records.get(self.number.digits)

    @cached_property
    def near_help(self) -> bool:
        """Whether words of help or danger stand close to it."""
        number = self.number
        return self.scene.sensitive or cues.near_help(self.text.content, number.start, number.end)

    @cached_property
    def lead(self) -> str:
        """The words of its sentence before it, from the number before on."""
        words = _SENTENCE_END.split(self.text.content[self.before : self.number.start])
        if self.before and len(words) == 1:  # what comes first belongs to the number before
            return _PART.sub("", words[0])
        return words[-1]

    @cached_property
    def trail(self) -> str:
        """The words of its sentence behind it, up to the next number."""
        words = self.text.content[self.number.end : self.after]
        return _SENTENCE_END.split(words, maxsplit=1)[0]

    @property
    def behind(self) -> str:
        """What follows it, up to the next number: its sentence and the one after."""
        return self.text.content[self.number.end : self.after][:_BEHIND]

    @property
    def around(self) -> str:
        """Words on both sides of it."""
        return self.text.content[max(0, self.number.start - 60) : self.number.end + 60]
