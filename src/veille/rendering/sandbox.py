"""The template sandbox, which asks once of each kind of object whether an attribute is safe, and not on every page."""

from __future__ import annotations

from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

_MOST = 4096  # answers kept; the shipped templates need some hundred


class Sandbox(ImmutableSandboxedEnvironment):
    """What Jinja's own sandbox allows and refuses, with its answers remembered.

    Its answer depends on the type of the object and the name of the attribute alone (Jinja 3.1, `jinja2.sandbox`):
    a page of a site asks some 250 times, and 1,000 pages ask the same.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._answers: dict[tuple[type, str], bool] = {}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """As the sandbox does; it asks further only of what is no plain text, because a method may format one."""
        if self._answers.get((type(obj), attribute)):
            value = getattr(obj, attribute, None)
            if type(value) is str or type(value) is tuple:
                return value
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """As the sandbox says."""
        asked = type(obj), attr
        answer = self._answers.get(asked)
        if answer is None:
            if len(self._answers) >= _MOST:
                self._answers.clear()
            answer = self._answers[asked] = super().is_safe_attribute(obj, attr, value)
        return answer
