"""Typer's own texts, in our words and in the user's language: usage lines, help of --help, usage errors.

Typer leaves these strings outside its gettext catalogue (facts of 2026-11, typer 0.29), so they are worded here from
the class of the exception. A test per message fails loudly when an upgrade moves one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille_cli.output import USAGE, Talk, refuse


class _Worded:
    """Usage line and help option, translated."""

    def get_usage(self, ctx: Any) -> str:
        """`Usage: veille publish [OPTIONS] [PATH]...` with the fixed words translated."""
        words = {"Usage:": _("Usage:"), "[OPTIONS]": _("[OPTIONS]"), "COMMAND [ARGS]...": _("COMMAND [ARGS]...")}
        text: str = super().get_usage(ctx)  # type: ignore[misc]
        for word, translated in words.items():
            text = text.replace(word, translated)
        return text

    def get_help_option(self, ctx: Any) -> Any:
        """The help option with its own text."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _("Show this message and exit.")
        return option


class VeilleCommand(_Worded, TyperCommand):
    """A command in our words."""


class VeilleGroup(_Worded, TyperGroup):
    """A group in our words; the outermost one turns usage errors into one message and exit code 2."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Typer's parameters, with the completion options worded."""
        params: list[Any] = list(super().get_params(ctx))
        texts = {
            "install_completion": _("Complete commands with the Tab key from now on, in this shell."),
            "show_completion": _("Show the completion script of this shell, to copy it or change it."),
        }
        for param in params:
            if (param.name or "") in texts:
                param.help = texts[param.name or ""]
        return params

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run, and word what Typer would say itself."""
        extra["standalone_mode"] = False
        try:
            code = super().main(args, **extra)
        except typer.Abort:
            print(_("Stopped: nothing was changed."), file=sys.stderr)  # noqa: T201
            code = 130
        except typer.TyperException as error:
            code = _say(error, as_json="--json" in (args if args is not None else sys.argv[1:]))
        sys.exit(code if isinstance(code, int) else 0)


def _say(error: Any, *, as_json: bool) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.ctx.get_help())  # noqa: T201
        return USAGE
    path = error.ctx.command_path if error.ctx is not None else "veille"
    hint = _("`{command} --help` shows how it is used").format(command=path)
    refusal = VeilleError(words(error), hint=hint)
    refusal.code, refusal.exit_code = "usage", USAGE
    return refuse(refusal, path.removeprefix("veille").strip(), Talk(json=as_json, debug=False))


def words(error: Any) -> str:
    """One sentence for a usage error, by the class of the exception."""
    kind = type(error).__name__
    if kind == "NoSuchOption":
        close = sorted(error.possibilities or ())
        return _or_rather(_("there is no option {name}").format(name=error.option_name), close)
    if kind == "MissingParameter":
        return _("{name} is missing").format(name=_label(error))
    if kind == "BadParameter":
        return _("{name} is not understood: {why}").format(name=_label(error), why=_why(error))
    if kind == "UsageError" and "No such command" in error.message:
        return _no_such_command(error)
    if kind == "UsageError" and "unexpected extra" in error.message:
        return _("too many words: {words}").format(words=error.message.rpartition("(")[2].rstrip(")."))
    if "requires an argument" in error.message:
        return _("{name} needs a value").format(name=getattr(error, "option_name", "?"))
    return _("this command line is not understood: {message}").format(message=error.message)


def _label(error: Any) -> str:
    param = error.param
    if param is None:
        return str(error.param_hint or "?")
    return str(param.opts[0] if param.param_type_name == "option" else param.metavar or param.name.upper())


def _why(error: Any) -> str:
    cause = error.__cause__
    details = cause.errors() if hasattr(cause, "errors") else []
    if details:
        kind = details[0]["type"]
        if kind.startswith("int"):
            return _("it is not a whole number")
        if kind in ("enum", "literal_error"):
            return _("it is one of {choices}").format(choices=details[0]["ctx"]["expected"].replace("'", ""))
    return str(error.message)


def _no_such_command(error: Any) -> str:
    import difflib

    name = error.message.split("'")[1] if "'" in error.message else ""
    known = list(getattr(error.ctx.command, "commands", {})) if error.ctx else []
    close = difflib.get_close_matches(name, known, n=1)
    return _or_rather(_("there is no command {name}").format(name=name), close)


def _or_rather(sentence: str, close: Sequence[str]) -> str:
    return (
        _("{sentence}; did you mean {names}?").format(sentence=sentence, names=", ".join(close)) if close else sentence
    )
