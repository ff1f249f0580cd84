"""What `veille connect` asks and says, whatever the service: secrets are typed unseen, or come from a file."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from veille.errors import ConfigError, NotAuthorised, VeilleError
from veille.i18n import gettext as _
from veille.i18n import why
from veille_cli.output import ask

if TYPE_CHECKING:
    from veille.access import Standing
    from veille_cli.output import Talk
    from veille_publishers.login_answers import PageFound

T = TypeVar("T")
TRIES = 3  # of a person who pastes; then the command ends and says what to do


@dataclass(frozen=True)
class Connection:
    """What a person was led to; nothing of it is kept yet.

    Args:
        section: of the settings, with all that was found.
        tokens: key of the section -> secret.
        settings: key of the section -> what veille.toml must say.
        account: name and id of the page or account.
        pages: what there was to choose from.
        standing: what Meta says of it.
    """

    channel: str
    section: Any = field(repr=False)
    tokens: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, str]
    account: tuple[str, str]
    standing: Standing
    pages: tuple[PageFound, ...] = ()


class Dialogue:
    """Questions to the person at the terminal; without a terminal, what is missing ends the command.

    Args:
        token: from a file or standard input; asked for when empty.
    """

    def __init__(self, talk: Talk, token: str = "") -> None:
        self._talk = talk
        self._said: set[tuple[str, ...]] = set()
        self.token = token

    @property
    def interactive(self) -> bool:
        """Whether somebody can answer."""
        return self._talk.interactive

    def say(self, *lines: str) -> None:
        """Tell the person at the terminal what comes next, once; silent for a program."""
        if self.interactive and lines not in self._said:
            self._said.add(lines)
            self._talk.say("", *lines)

    def ask(self, words: str, missing: str) -> str:
        """Ask in the open.

        Args:
            missing: what to do where nobody can answer.
        """
        return self._asked(words, missing, hidden=False)

    def ask_hidden(self, words: str, missing: str) -> str:
        """Ask for a secret: it is not shown, and stands in no history of the shell."""
        return self._asked(words, missing, hidden=True)

    def _asked(self, words: str, missing: str, *, hidden: bool) -> str:
        if not self.interactive:
            raise ConfigError(_("this is missing: {what}").format(what=words), hint=missing)
        shown = _("{what} (not shown while you paste it)").format(what=words) if hidden else words
        return ask(shown, hide_input=hidden).strip()

    def until(self, work: Callable[[], T]) -> T:
        """Do something with what a person typed; after a refusal they may type again.

        Raises:
            VeilleError: refused once without a terminal, or three times.
        """
        for left in reversed(range(TRIES)):
            try:
                return work()
            except (NotAuthorised, NotUsable) as error:
                if not (left and self.interactive):
                    raise
                self.token = ""
                self._talk.say(f"✗ {error.message}", *([f"    → {error.hint}"] if error.hint else []))
        raise AssertionError("the last try returns or raises")


class NotUsable(VeilleError):
    """What was typed or found cannot serve."""

    code = "connect"


def pasted(text: str) -> str:
    """A token as it was pasted, without what comes along when copying.

    Raises:
        NotUsable: it is none.
    """
    token = text.strip().strip("\"'")
    if not re.fullmatch(r"[!-~]{8,}", token):
        raise NotUsable(
            _("this is not a token"),
            hint=_("copy the whole line of letters and digits, without spaces, and paste it once"),
        )
    return token


def from_file(path: Path | None) -> str:
    """A token from a file, or from standard input for "-"; "" when no file was named.

    Raises:
        ConfigError: it cannot be read.
    """
    if path is None:
        return ""
    if str(path) == "-":
        return sys.stdin.readline().strip()
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        reason = why(error)
    except UnicodeDecodeError:
        reason = _("it is not UTF-8 text")
    raise ConfigError(
        _("{file} cannot be read: {error}").format(file=path, error=reason),
        hint=_("name the file that holds the token and nothing else: --token-file FILE"),
    )
