"""The remembered answers of the template sandbox are those of Jinja's own."""

from __future__ import annotations

import pytest
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from veille.rendering.sandbox import Sandbox

_TRIED = ("__class__", "__globals__", "append", "clear", "upper", "gi_frame", "mro", "cr_code", "format")
_VALUES = ("text", [1], {"a": 1}, str, (n for n in "ab"), lambda: None, {1}.add)


@pytest.mark.parametrize("attribute", _TRIED)
def test_answers_are_those_of_jinja_also_the_second_time(attribute: str) -> None:
    ours, theirs = Sandbox(), ImmutableSandboxedEnvironment()
    for value in (*_VALUES, *_VALUES):
        assert ours.is_safe_attribute(value, attribute, None) == theirs.is_safe_attribute(value, attribute, None)


def test_a_refusal_stays_one_after_the_same_name_was_allowed_elsewhere() -> None:
    template = Sandbox().from_string("{{ value.clear() }}")

    class Box:
        def clear(self) -> str:
            return "fine"

    assert template.render(value=Box()) == "fine"
    with pytest.raises(SecurityError):
        template.render(value=[1])
