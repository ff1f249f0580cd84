"""Questions on the terminal, and the answers examined as the file that they make would be.

An option answers a question beforehand; without a terminal, options are all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from veille.i18n import gettext as _
from veille_cli.output import ask

if TYPE_CHECKING:
    from pathlib import Path

    from veille.errors import Finding
    from veille.reading.fields import Fields
    from veille_cli.output import Talk
    from veille_cli.wiring import Newsroom

Values = dict[str, Any]  # dotted key -> what was answered; lists for keys that hold several


@dataclass(frozen=True)
class Question:
    """One thing to ask for.

    Args:
        key: of the front matter, dotted (`image.alt`).
        option: its name on the command line.
        words: the question, in words of every day.
        several: the answer is a list, with commas between.
        default: what Enter means, shown; "" for nothing.
        when: whether it is worth asking, after the answers so far.
    """

    key: str
    option: str
    words: str
    several: bool = False
    default: str = ""
    when: Callable[[Values], bool] = field(default=lambda _values: True)


def has(key: str) -> Callable[[Values], bool]:
    """Whether a key was answered before."""
    return lambda values: bool(values.get(key))


def filled(
    model: type[Fields],
    questions: Sequence[Question],
    given: Mapping[str, Any],
    room: Newsroom,
    folder: Path,
    talk: Talk,
) -> Values:
    """The answers, valid and in the form that the file holds: from options, else from the person at the terminal."""
    form = _Form(model, room, folder)
    found: list[Finding] = []
    for question in questions:
        if given.get(question.key):
            form.values[question.key] = _answer(given[question.key], question)
            found += form.problems(question)
        elif talk.interactive and question.when(form.values):
            form.ask(question, talk)
        elif question.default and not question.several:
            form.values[question.key] = question.default
    if not talk.interactive:
        asked = {question.key for question in questions if given.get(question.key)}
        found += [finding for question in questions if question.key not in asked for finding in form.missing(question)]
    if found:
        from veille.errors import ContentError

        raise ContentError(dict.fromkeys(found))
    return form.tidy()


class _Form:
    """What was answered so far, examined as the file would be."""

    def __init__(self, model: type[Fields], room: Newsroom, folder: Path) -> None:
        from veille.reading import surroundings_of

        self.values: Values = {}
        self._model = model
        self._around = surroundings_of(folder / "new.md", room.config)

    def ask(self, question: Question, talk: Talk) -> None:
        """Ask until the answer can stand; Enter takes the default, or nothing where nothing is needed."""
        while True:
            typed = ask(question.words, default=question.default, show_default=bool(question.default))
            self.values.pop(question.key, None)
            if typed.strip():
                self.values[question.key] = _answer(typed, question)
            found = self.problems(question) or self.missing(question)
            if not found:
                return
            talk.say(
                *(f"    {finding.message}" + (f"\n    → {finding.hint}" if finding.hint else "") for finding in found)
            )

    def problems(self, question: Question) -> list[Finding]:
        """What is wrong with an answer."""
        if question.key not in self.values:
            return []
        key = question.key
        found = [f for f in self._findings() if f.field == key or (f.field or "").startswith(f"{key}.")]
        if not found and key in ("title", "name") and not slug(self.values[key]):
            found = [_no_letters()]
        return [replace(finding, file=question.option, field=None, line=None) for finding in found]

    def missing(self, question: Question) -> list[Finding]:
        """What the format asks for here, and nobody said."""
        around = {"image.alt": "image.src", "event.start": "event.place"}
        if question.key in self.values or ("." in question.key and not self._started(question.key, around)):
            return []
        found = [f for f in self._findings() if f.field == question.key]
        return [replace(finding, file=question.option, field=None, line=None) for finding in found]

    def _started(self, key: str, around: Mapping[str, str]) -> bool:
        section = key.partition(".")[0]
        return any(name.startswith(f"{section}.") for name in self.values) or bool(self.values.get(around.get(key, "")))

    def _findings(self) -> Sequence[Finding]:
        findings: Sequence[Finding] = self._examined().findings
        return findings

    def _examined(self) -> Any:
        from veille.reading import examine
        from veille.reading.frontmatter import Document

        return examine(Document("", nested(self.values), {}), self._model, self._around)

    def tidy(self) -> Values:
        """The answers as a careful hand would write them: kinds and towns by their short names, moments alike."""
        fields = self._examined().fields
        read = {name: getattr(fields, name, None) for name in ("kind", "towns", "audience", "needs")}
        short = {name: _short(value) for name, value in read.items() if name in self.values}
        moments: Values = {
            key: _moment(self.values[key], self._around.zone)
            for key in ("date", "deadline", "event.start", "event.end", "verified_on")
            if key in self.values
        }
        return {**self.values, **short, **moments}


def _answer(value: Any, question: Question) -> Any:
    if not question.several:
        return str(value).strip()
    words = value if isinstance(value, list) else [value]
    return [part.strip() for word in words for part in word.split(",") if part.strip()]


def _short(value: Any) -> Any:
    if isinstance(value, tuple):
        return [str(getattr(item, "value", item)) for item in value]
    return getattr(value, "value", value)


def _moment(typed: str, zone: Any) -> str | date:
    from veille.reading.fields import moment

    read = moment(typed, zone)
    return f"{read:%Y-%m-%d %H:%M}" if isinstance(read, datetime) else read


def _no_letters() -> Finding:
    from veille.errors import Finding

    message = _("there is no letter or digit in it that can stand in a file name")
    return Finding("", None, None, message, _("write it with letters, for example “Free bicycles on Saturday”"), "slug")


def nested(values: Values) -> Values:
    """Dotted keys as sections; what was left empty is left out."""
    nested: Values = {}
    for key, value in values.items():
        section, dot, name = key.partition(".")
        if dot:
            nested.setdefault(section, {})[name] = value
        elif value not in (None, [], ""):
            nested[key] = value
    return nested


def slug(title: str) -> str:
    """What of a title can stand in a file name; "" when nothing can."""
    from slugify import slugify

    return str(slugify(title, max_length=60, word_boundary=True, save_order=True))
