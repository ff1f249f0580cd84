"""Our own words for what pydantic finds: one table, used for content and by the command line.

pydantic's texts are English and speak of types; these say what a person should write instead.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from veille.errors import Finding
from veille.folding import fold
from veille.i18n import gettext as _

Locate = Callable[[tuple[str, ...]], tuple[int | None, str]]


def trouble(code: str, message: str, hint: str | None = None) -> PydanticCustomError:
    """What a validator of ours raises: message and hint already in words.

    Args:
        code: short and stable, becomes `Finding.code`.
    """
    return PydanticCustomError("content", "{message}", {"code": code, "message": message, "hint": hint})


def words_for(error_type: str, ctx: Mapping[str, Any]) -> tuple[str, str | None]:
    """(message, hint) for a pydantic error type.

    Args:
        error_type: `missing`, `string_type` and so on (pydantic's list of validation errors, 2.12).
        ctx: pydantic's context, and `input`, the value that was given.
    """
    if error_type == "content":
        return str(ctx["message"]), ctx["hint"]
    if error_type == "string_type" and isinstance(ctx.get("input"), Mapping):
        return _("a colon followed by a space makes a new key here"), _("put the text between quotation marks")
    if error_type == "value_error":
        return _("this value is not understood"), str(ctx.get("error", "")) or None
    message, hint = _table().get(_family(error_type), (_("this value is not understood"), None))
    return message.format(**ctx), hint.format(**ctx) if hint else None


def _family(error_type: str) -> str:
    if error_type.startswith(("int_", "float_", "finite_number", "decimal_")):
        return "number"
    return {"bool_parsing": "bool_type", "tuple_type": "list_type", "model_attributes_type": "model_type"}.get(
        error_type, error_type
    )


def _table() -> dict[str, tuple[str, str | None]]:
    section = (_("several keys are expected here"), _("write them indented below this one, one a line"))
    return {
        "missing": (_("this is missing"), None),
        "extra_forbidden": (_("unknown key"), None),
        "string_type": (_("a text is expected here"), _('write it between quotation marks: "…"')),
        "string_too_long": (_("at most {max_length} characters"), _("shorten it")),
        "string_too_short": (_("this is empty"), _("write something, or delete the line")),
        "string_pattern_mismatch": (_("this has the wrong form"), None),
        "bool_type": (_("answer with true (yes) or false (no), without quotation marks"), None),
        "list_type": (_("a list is expected here"), _("write it between brackets: [one, two]")),
        "too_long": (_("at most {max_length} entries"), None),
        "too_short": (_("at least {min_length} entries"), None),
        "dict_type": section,
        "model_type": section,
        "number": (_("a number is expected here"), _("with a dot, not a comma: 0.5")),
        "greater_than_equal": (_("at least {ge}"), None),
        "less_than_equal": (_("at most {le}"), None),
    }


_CODES = {"missing": "missing", "extra_forbidden": "unknown-key", "string_too_long": "too-long"}


def findings_of(
    error: ValidationError,
    model: type[BaseModel],
    file: str,
    locate: Locate,
    explained: Mapping[str, tuple[str, str]] | None = None,
    synonyms: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """Every error of one validation, as findings.

    Args:
        model: what was validated, for "did you mean".
        locate: gives the line and the key as typed for a location.
        explained: keys that deserve words of their own: key to (message, hint).
        synonyms: further spellings of the topmost keys to the key, for "did you mean".
    """
    for detail in error.errors(include_url=False):
        location = tuple(str(part) for part in detail["loc"])
        ctx = {**detail.get("ctx", {}), "input": detail["input"]}
        message, hint = words_for(detail["type"], ctx)
        if detail["type"] == "extra_forbidden":
            own = (explained or {}).get(location[-1]) if len(location) == 1 else None
            message, hint = own or (message, _unknown_hint(location, model, synonyms))
        line, field = locate(location)
        code = str(ctx.get("code") or _CODES.get(detail["type"], "wrong-value"))
        yield Finding(file, line, field, message, hint, code)


def _unknown_hint(location: tuple[str, ...], model: type[BaseModel], synonyms: Mapping[str, str] | None) -> str:
    names = known_keys(model, location[:-1])
    more = {word: key for word, key in (synonyms or {}).items() if len(location) == 1 and key in names}
    return did_you_mean(location[-1], names, more) or _("the keys are: {names}").format(names=", ".join(names))


def known_keys(model: type[BaseModel], location: Iterable[str] = ()) -> list[str]:
    """The keys that may stand at a location of a model, as an editor writes them."""
    for part in location:
        fields = {spec.alias or name: spec for name, spec in model.model_fields.items()}
        if part in fields:
            model = next(_models(fields[part].annotation), model)
    return [spec.alias or name for name, spec in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def did_you_mean(typed: str, names: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str | None:
    """The hint that names the nearest known word; None when none is near.

    Args:
        synonyms: further words to what should be suggested for them.
    """
    by_fold = {**(synonyms or {}), **{squeezed(name): name for name in names}}
    close = difflib.get_close_matches(squeezed(typed), list(by_fold), n=1, cutoff=0.7)
    return _('did you mean "{name}"?').format(name=by_fold[close[0]]) if close else None


def squeezed(text: str) -> str:
    """A key or one of its words as people type it: folded, without hyphens, underscores, apostrophes and spaces."""
    return re.sub(r"[\s_’'-]", "", fold(text))
