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
    """Usage line, help option and the words that stand for values, translated."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Typer's parameters, each with a word for its value: `PATH`, `WHEN`; a flag has none."""
        params: list[Any] = list(super().get_params(ctx))  # type: ignore[misc]
        for param in params:
            param.metavar = _placeholder(param)
            param._get_number_range_help_str = _no_range  # Typer would add `x>=1`; the refusal says it in words
            if param.param_type_name == "argument":  # its name says enough; Typer would add `<list[Path]>`
                param.display_type_rich = _no_type
        return params

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """`Usage: veille publish [OPTIONS] [PATH]...` with the fixed words translated."""
        words = {"[OPTIONS]": _("[OPTIONS]"), "COMMAND [ARGS]...": _("COMMAND [ARGS]...")}
        text = " ".join(self.collect_usage_pieces(ctx))  # type: ignore[attr-defined]
        for word, translated in words.items():
            text = text.replace(word, translated)
        formatter.write_usage(ctx.command_path, text, prefix=_("Usage:") + " ")

    def get_help_option(self, ctx: Any) -> Any:
        """The help option with its own text."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _("Show this message and exit.")
        return option


class VeilleCommand(_Worded, TyperCommand):
    """A command in our words."""

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002 (Typer's signature)
        """The whole first sentence, on as many lines as it takes."""
        return str(super().get_short_help_str(limit=1000))


class VeilleGroup(_Worded, TyperGroup):
    """A group in our words; the outermost one turns usage errors into one message and exit code 2."""

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002 (Typer's signature)
        """The whole first sentence, as of a command."""
        return str(super().get_short_help_str(limit=1000))

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

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Typer's look-up; an unknown name is kept with the error, whose sentence is in any language."""
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            if type(error).__name__ == "UsageError":
                error.unknown_command = args[0]  # type: ignore[attr-defined]
            raise

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
        print(error.message)  # noqa: T201 - the help
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
    if kind == "Unconfirmed":
        return str(error.message)
    if kind == "BadParameter":
        return _("{name}: {why}").format(name=_label(error), why=_why(error))
    if hasattr(error, "unknown_command"):
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
    return str(param.opts[0] if param.param_type_name == "option" else _placeholder(param))


def _no_range() -> None:
    return None


def _no_type(ctx: Any) -> str:  # noqa: ARG001 (Typer's signature)
    return ""


def _placeholder(param: Any) -> str:
    """The word for the value of a parameter, in the user's language."""
    if getattr(param, "is_flag", False):
        return ""
    option = param.param_type_name == "option"
    name = (param.metavar or ("TEXT" if option else param.name.upper())).strip("[].")
    words = {
        "ADDRESS": _("ADDRESS"),
        "COUNT": _("COUNT"),
        "DAY": _("DAY"),
        "DIR": _("DIR"),
        "FILE": _("FILE"),
        "ID": _("ID"),
        "NAME": _("NAME"),
        "PATH": _("PATH"),
        "TEXT": _("TEXT"),
        "TITLE": _("TITLE"),
        "WHEN": _("WHEN"),
    }
    return words.get(name, name)


def _why(error: Any) -> str:
    cause = error.__cause__
    details = cause.errors() if hasattr(cause, "errors") else []
    if details:
        kind = details[0]["type"]
        if kind.startswith("int"):
            return _("it is not a whole number")
        if kind in ("greater_than_equal", "less_than_equal"):
            return _out_of_range(error.param)
        if kind in ("enum", "literal_error"):
            return _("it is one of {choices}").format(choices=details[0]["ctx"]["expected"].replace("'", ""))
        if kind == "value_error" and "is not one of" in str(error.message):
            return _("it is one of {choices}").format(choices=_choices(error.message))
    return str(error.message)


def _choices(message: str) -> str:
    return message.rpartition("is not one of")[2].strip(" .").replace("'", "")


def _out_of_range(numbers: Any) -> str:
    if numbers.max is None:
        return _("the smallest number possible is {least}").format(least=numbers.min)
    return _("it is a number from {least} to {most}").format(least=numbers.min, most=numbers.max)


def _no_such_command(error: Any) -> str:
    import difflib

    name = error.unknown_command
    close = difflib.get_close_matches(name, list(error.ctx.command.commands), n=1)
    return _or_rather(_("there is no command {name}").format(name=name), close)


def _or_rather(sentence: str, close: Sequence[str]) -> str:
    return (
        _("{sentence}; did you mean {names}?").format(sentence=sentence, names=", ".join(close)) if close else sentence
    )
