"""Where tokens are kept: whole at any moment, for their owner only, and in use from the next call on."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from veille import config, credentials
from veille.credentials import FileStore, KeyringStore, opened, variable
from veille.current import Current
from veille.errors import ConfigError

OLD, NEW = "EAAold-canary", "EAAnew-canary"
TOKEN = variable("facebook", "access_token")


class MemoryRing(KeyringBackend):
    """A keyring as the package knows it, which lasts as long as the test."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked(f"locked, with {NEW} in it")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError(username)


@pytest.fixture
def ring() -> Iterator[MemoryRing]:
    before, made = keyring.get_keyring(), MemoryRing()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def load(root: Path, toml: str = "", **environ: str) -> config.Config:
    (root / "veille.toml").write_text(toml, encoding="utf-8")
    return config.load(root, environ)


def page_token(current: Current) -> str:
    return str(current.settings("facebook").access_token.get_secret_value())


@pytest.mark.parametrize("kind", ["file", "keyring"])
def test_what_is_kept_is_a_setting_of_the_next_command(
    tmp_path: Path, ring: MemoryRing, kind: credentials.Kind
) -> None:
    toml = f'[workspace]\ntoken_store = "{kind}"\n'
    opened(tmp_path, kind).save({TOKEN: OLD, variable("instagram", "user_token"): "IG"})
    assert opened(tmp_path, kind).save({TOKEN: NEW})
    assert not opened(tmp_path, kind).save({TOKEN: "EAAlate"}, instead_of={TOKEN: OLD})
    read = load(tmp_path, toml)
    assert read.settings.facebook.access_token is not None
    assert read.settings.facebook.access_token.get_secret_value() == NEW
    assert read.from_store == {("facebook", "access_token"), ("instagram", "user_token")}
    assert NEW not in repr(read)
    opened(tmp_path, kind).forget([TOKEN, "VEILLE_FACEBOOK__APP_SECRET"])
    assert load(tmp_path, toml).settings.facebook.access_token is None
    assert (tmp_path / "outbox/tokens.json").exists() == (kind == "file")


def test_the_file_is_for_its_owner_only_also_when_others_could_read_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "outbox/tokens.json"
    path.parent.mkdir()
    path.write_text("{}", encoding="utf-8")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        FileStore(path).save({TOKEN: NEW})
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert json.loads(path.read_text(encoding="utf-8")) == {TOKEN: NEW}


@pytest.mark.skipif(sys.platform == "win32", reason="fork")
def test_the_old_token_stays_until_the_new_one_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "outbox/tokens.json")
    store.save({TOKEN: OLD})
    if (child := os.fork()) == 0:  # dies when all is written, and nothing renamed
        monkeypatch.setattr(Path, "replace", lambda *_args: os.kill(os.getpid(), signal.SIGKILL))
        store.save({TOKEN: NEW})
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert store.load() == {TOKEN: OLD}
    store.save({TOKEN: NEW})
    assert store.load() == {TOKEN: NEW}
    assert sorted(path.name for path in (tmp_path / "outbox").iterdir()) == [".tokens.lock", "tokens.json"]


def test_two_who_save_at_once_lose_nothing(tmp_path: Path) -> None:
    names = [variable(section, key) for section in credentials.SECTIONS for key in credentials.KEYS]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: opened(tmp_path).save({name: name}), names))
    assert opened(tmp_path).load() == {name: name for name in names}


def test_a_full_disk_costs_nothing_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "outbox/tokens.json")
    store.save({TOKEN: OLD})

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError) as refused:
        store.save({TOKEN: NEW})
    assert "the disk is full" in refused.value.message
    assert NEW not in f"{refused.value.message}{refused.value.hint}"
    assert store.load() == {TOKEN: OLD}


def test_a_damaged_file_is_said_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "outbox/tokens.json"
    path.parent.mkdir()
    path.write_text(f'{{"{TOKEN}": "{OLD}', encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read") as refused:
        FileStore(path).save({TOKEN: NEW})
    assert OLD not in f"{refused.value.message}{refused.value.hint}"
    assert OLD in path.read_text(encoding="utf-8")


def test_what_was_renewed_is_used_from_the_next_call_on(tmp_path: Path) -> None:
    opened(tmp_path).save({TOKEN: OLD})
    current = Current(load(tmp_path))
    first = current.settings("facebook")
    assert (page_token(current), current.settings("facebook")) == (OLD, first)
    opened(tmp_path).save({TOKEN: NEW})
    assert page_token(current) == NEW
    assert current.settings("instagram").access_token is None
    (tmp_path / "outbox/tokens.json").write_text("half", encoding="utf-8")
    assert page_token(current) == NEW


def test_a_first_token_is_found_by_a_process_that_started_without_one(tmp_path: Path) -> None:
    current = Current(load(tmp_path))
    assert current.settings("facebook").access_token is None
    opened(tmp_path).save({TOKEN: NEW})
    assert page_token(current) == NEW


def test_what_the_environment_said_is_never_replaced(tmp_path: Path) -> None:
    opened(tmp_path).save({TOKEN: OLD})
    read = load(tmp_path, **{TOKEN: "EAAmine"})
    assert read.from_store == frozenset()
    assert page_token(Current(read)) == "EAAmine"


def test_two_newsrooms_of_one_account_do_not_meet_in_the_keyring(tmp_path: Path, ring: MemoryRing) -> None:
    KeyringStore(tmp_path / "one").save({TOKEN: OLD})
    assert KeyringStore(tmp_path / "two").load() == {}


def test_a_keyring_that_is_locked_is_said_without_its_words(tmp_path: Path, ring: MemoryRing) -> None:
    ring.locked = True
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, '[workspace]\ntoken_store = "keyring"\n')
    assert "KeyringLocked" in refused.value.message
    assert NEW not in f"{refused.value.message}{refused.value.hint}"


def test_a_keyring_that_is_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, **{variable("workspace", "token_store"): "keyring"})
    assert "veille[keyring]" in (refused.value.hint or "")


def test_the_file_needs_no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert load(tmp_path).settings.workspace.token_store == "file"
