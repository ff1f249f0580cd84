"""Results and errors → text on a terminal, or JSON, and an exit code. stdout is the answer, stderr the talk."""

from __future__ import annotations

import functools
import inspect
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veille.errors import ConfigError, ContentError, Finding, Severity, VeilleError
from veille.i18n import gettext as _

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

log = logging.getLogger(__name__)

ENVELOPE_VERSION = 1
_CONTROL = {n: "\ufffd" for n in (*range(0x20), *range(0x7F, 0xA0)) if chr(n) not in "\n\t"}
_CONTROL |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "")  # they would turn what follows around
ATTENTION = ("!", "✗")  # signs that say it without colour
OK, FAILED, USAGE, INVALID, PARTLY, LATER, INTERRUPTED = 0, 1, 2, 3, 4, 75, 130
_YES = ("y", "yes", "o", "oui")


class Unconfirmed(typer.BadParameter):
    """Something needs a yes, and nobody is there to say it; the message is a whole sentence."""


@dataclass
class Answer:
    """What a command answers.

    Args:
        data: for --json.
        text: for people: strings and Rich renderables, printed one under the other.
        errors: what went wrong without stopping the command.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    text: Sequence[RenderableType] = ()
    exit_code: int = OK
    errors: Sequence[Mapping[str, Any]] = ()


def ask(question: str, **options: Any) -> str:
    """What a person types after a question, on stderr; `options` are those of `typer.prompt`."""
    return str(typer.prompt(question, prompt_suffix=_(": "), err=True, **options))


@dataclass(frozen=True)
class Talk:
    """How a command speaks while it works."""

    json: bool
    debug: bool

    def agree(self, question: str, unasked: str) -> None:
        """Go on only when the person at the terminal says yes; Enter alone says no.

        Args:
            unasked: what to do where nobody can answer.

        Raises:
            Unconfirmed: nobody can.
            typer.Abort: no.
        """
        if not self.interactive:
            raise Unconfirmed(unasked)
        if ask(question, default="", show_default=False).strip().lower() not in _YES:
            raise typer.Abort

    def say(self, *lines: RenderableType) -> None:
        """Something to know, on stderr; silent with --json."""
        if not self.json:
            console = stderr()
            for line in lines:
                _say(console, line)

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A bar on stderr, only on a terminal. The function takes how much is done."""
        console = stderr()
        if self.json or not console.is_terminal:
            yield lambda _done: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining
        from rich.text import Text

        class Speed(ProgressColumn):
            """ "1200/s", where nobody knows the end."""

            def render(self, task: Task) -> Text:
                """Of the last half minute."""
                return Text(f"{task.speed:.0f}/s" if task.speed else "")

        end = Speed() if total is None else Remaining()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), end)
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.update(task, completed=done)

    @property
    def interactive(self) -> bool:
        """Whether a person can answer a question."""
        return not self.json and sys.stdin.isatty() and sys.stderr.isatty()


def stdout() -> Console:
    """Where answers go."""
    from rich.console import Console

    return Console(soft_wrap=False, markup=False, emoji=False)


def stderr() -> Console:
    """Where talk goes."""
    from rich.console import Console

    return Console(stderr=True, markup=False, emoji=False)


def _say(console: Console, part: RenderableType) -> None:
    """Print what may hold a title, a file name or a mail server's words: they change no colour and ring no bell."""
    plain = part.translate(_CONTROL) if isinstance(part, str) else part
    console.print(plain, highlight=False, soft_wrap=isinstance(part, str))


def answers(function: Callable[..., Answer]) -> Callable[..., None]:
    """Make a command of a function that returns an `Answer`.

    A `talk` parameter is filled in if the function has one; --json and --debug are added to its options. Every
    error of ours becomes a message or an envelope, and the exit code of its class; any other one is a defect.
    """
    signature = inspect.signature(function, eval_str=True)
    options = {
        "json_output": Annotated[bool, typer.Option("--json", help=_("Answer in JSON, for other programs."))],
        "debug": Annotated[bool, typer.Option("--debug", help=_("Show what a programmer needs when it fails."))],
    }

    @functools.wraps(function)
    def command(*, json_output: bool = False, debug: bool = False, **values: Any) -> None:
        talk = Talk(json=json_output, debug=debug)
        extra = {"talk": talk} if "talk" in signature.parameters else {}
        raise typer.Exit(_guarded(function, _name(function), talk, {**values, **extra}))

    parameters = [p for name, p in signature.parameters.items() if name != "talk"]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
        for name, annotation in options.items()
    ]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters, return_annotation=None
    )
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    del command.__wrapped__
    command.__doc__ = _(inspect.cleandoc(function.__doc__ or ""))  # the help text; extraction reads it (babel.cfg)
    return command


def _name(function: Callable[..., Any]) -> str:
    module = function.__module__.rpartition(".")[2]
    return module if function.__name__ == "command" else f"{module} {function.__name__.strip('_').replace('_', '-')}"


def _guarded(function: Callable[..., Answer], name: str, talk: Talk, values: Mapping[str, Any]) -> int:
    logging.basicConfig(level=logging.DEBUG if talk.debug else logging.CRITICAL, stream=sys.stderr, force=True)
    try:
        answer = function(**values)
    except VeilleError as error:
        log.debug("%s stopped here", name, exc_info=error)
        return refuse(error, name, talk)
    except KeyboardInterrupt:
        talk.say(_("Interrupted. The same command goes on where this one stopped."))
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except Exception as error:
        log.debug("%s failed here", name, exc_info=error)
        defect = VeilleError(
            _("this is a defect of veille: {error}").format(error=type(error).__name__),
            hint=_("run the same command with --debug and report what it says; nothing queued is lost"),
        )
        return refuse(defect, name, talk)
    _print(answer, name, talk)
    return answer.exit_code


def _print(answer: Answer, name: str, talk: Talk) -> None:
    if talk.json:
        status = "ok" if answer.exit_code == OK else "partial" if answer.exit_code in (PARTLY, LATER) else "error"
        _envelope(name, status, answer.data, answer.errors)
        return
    console = stdout()
    for part in answer.text:
        _say(console, part)


def refuse(error: VeilleError, name: str, talk: Talk) -> int:
    """Say why a command did not do what it was asked for; returns the exit code."""
    findings: Sequence[Finding] = error.findings if isinstance(error, ContentError | ConfigError) else ()
    if talk.json:
        _envelope(name, "error", {}, [finding_data(f) for f in findings] or [_error_data(error)])
        return error.exit_code
    console = stderr()
    if findings:
        _say(console, findings_text(findings))
        if error.hint:
            _say(console, f"→ {error.hint}")
    else:
        _say(console, f"veille: {error.message}")
        if error.hint:
            _say(console, f"    → {error.hint}")
    return error.exit_code


def _envelope(name: str, status: str, data: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> None:
    envelope = {
        "veille": ENVELOPE_VERSION,
        "command": name,
        "status": status,
        "data": data,
        "errors": list(errors),
    }
    typer.echo(json.dumps(envelope, ensure_ascii=False, indent=2, default=str))


def finding_data(finding: Finding) -> dict[str, Any]:
    """A finding as an entry of `errors`."""
    return {
        "code": finding.code,
        "message": finding.message,
        "file": finding.file,
        "line": finding.line,
        "hint": finding.hint,
        "field": finding.field,
        "severity": finding.severity.value,
        "column": finding.column,
        "excerpt": finding.excerpt,
        "link": finding.link,
    }


def _error_data(error: VeilleError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "file": None, "line": None, "hint": error.hint}


def findings_text(findings: Sequence[Finding]) -> str:
    """Findings for people: errors first, each with its remedy on the next line."""
    ranked = sorted(findings, key=lambda f: (f.severity is not Severity.ERROR, f.file, f.line or 0, f.column or 0))
    signs = {Severity.ERROR: "✗", Severity.WARNING: "!"}
    return "\n".join(f"{signs[finding.severity]} {_finding_text(finding)}" for finding in ranked)


def _finding_text(finding: Finding) -> str:
    """Where, what, the words it is about, the remedy, and the code that `--explain` and `allow` take."""
    head = ": ".join(part for part in (finding.where, finding.field, finding.message) if part)
    lines = [f"{head} [{finding.code}]"]
    lines += [f"    | {finding.excerpt}"] if finding.excerpt else []
    lines += [f"    → {finding.hint}"] if finding.hint else []
    return "\n".join([*lines, *([f"      {finding.link}"] if finding.link else [])])


def table(
    *columns: str, rows: Sequence[Sequence[str]], right: Sequence[int] = (), cut: int | None = None
) -> RenderableType:
    """A table without frames: aligned, short, readable without colour.

    Args:
        cut: the column that gives way on a narrow terminal: one line for each row, the rest of it "…".
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        made.add_column(name, justify="right" if number in right else "left", overflow="fold")
    for row in rows if cut is None else _cut(columns, rows, cut):
        # Text, not str: a title with [brackets] is no markup. One colour, for what wants attention.
        made.add_row(
            *(Text(cell.translate(_CONTROL), style="bold red" if cell[:1] in ATTENTION else "") for cell in row)
        )
    return made


def _cut(columns: Sequence[str], rows: Sequence[Sequence[str]], which: int) -> Iterator[list[str]]:
    from rich.cells import cell_len, set_cell_size

    others = [number for number in range(len(columns)) if number != which]
    used = sum(max(cell_len(row[n]) for row in (columns, *rows)) + 3 for n in others)
    room = max(stdout().width - used, 16)
    for row in rows:
        text = row[which]
        short = text if cell_len(text) <= room else set_cell_size(text, room - 1).rstrip() + "…"
        yield [short if number == which else cell for number, cell in enumerate(row)]
