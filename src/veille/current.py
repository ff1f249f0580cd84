"""The access of channels as it is now: tokens are renewed, and connected anew, while `veille run` goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from veille.config import Config
from veille.credentials import KEYS, SECTIONS, opened, variable
from veille.errors import ConfigError


class Current:
    """The access of a channel as it is now: what was renewed since the start counts from the next call on.

    Args:
        config: the settings at the start. What the environment said there is never replaced.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._store = opened(config.root, config.settings.workspace.token_store)
        self._stamp: object = ()
        self._made: dict[str, Any] = {}

    def settings(self, section: str) -> Any:
        """The section with its newest tokens: the same object for as long as nothing else is kept.

        A store that cannot be read now changes nothing: what was known goes on.

        Args:
            section: "facebook" or "instagram".
        """
        with suppress(ConfigError):
            if (stamp := self._store.stamp()) != self._stamp:
                kept = self._store.load()
                self._made = {name: self._with_kept(name, kept) for name in SECTIONS}
                self._stamp = stamp
        return self._made.get(section) or self._config.channel(section)

    def _with_kept(self, section: str, kept: Mapping[str, str]) -> Any:
        from pydantic import SecretStr

        given = self._config.channel(section)
        free = [key for key in KEYS if getattr(given, key) is None or (section, key) in self._config.from_store]
        values = {key: SecretStr(kept[name]) for key in free if (name := variable(section, key)) in kept}
        return given.model_copy(update=values)
