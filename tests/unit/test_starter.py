"""A new newsroom: complete, owed today on all five channels, and never written over anything that exists."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime, time
from pathlib import Path

import pytest

from tests.support.ledger import NOW
from veille import checks, config, library, starter
from veille.config import find_root
from veille.errors import ConfigError
from veille.planning import Plan, plan
from veille.posts import CHANNELS

TODAY = date(2031, 2, 28)  # years after the sample was written
EXAMPLE = "content/posts/2031-02-28-colis-du-jeudi.md"
FILES = [
    ".gitignore",
    "content/helplines.yaml",
    "content/media/panier.jpg",
    "content/partners/ccas-bagneux.yaml",
    "content/partners/epicerie-le-panier.yaml",
    EXAMPLE,
    "subscribers.example.csv",
    "veille.toml",
]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _plan(root: Path, day: date = TODAY) -> Plan:
    room = config.load(root, {})
    content = library.load(room)
    assert not [str(finding) for finding in checks.run(content, room, NOW)]
    return plan(content, room, [], datetime.combine(day, time(12), room.zone))


@pytest.mark.parametrize("there", [False, True])
def test_a_new_newsroom_says_what_it_wrote(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "a" / "demo"
    if there:
        folder.mkdir(parents=True)
    assert starter.make(folder, TODAY) == FILES
    assert sorted(_files(folder)) == FILES
    assert find_root(folder / "content/posts") == folder


@pytest.mark.parametrize("today", [TODAY, date(2026, 11, 19), date(2028, 2, 29)])
def test_the_example_is_owed_on_all_five_channels(tmp_path: Path, today: date) -> None:
    starter.make(tmp_path, today)
    made = _plan(tmp_path, today)
    assert {owed.channel for owed in made.owed} == set(CHANNELS)
    assert not made.left_out
    assert {owed.due.date() for owed in made.owed if owed.channel in ("feed", "facebook", "instagram")} == {today}


def test_a_second_time_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    starter.make(tmp_path, TODAY)
    before = _files(tmp_path)
    with pytest.raises(ConfigError, match="holds a newsroom already") as refused:
        starter.make(tmp_path, date(2031, 3, 1))
    assert str(tmp_path) in (refused.value.hint or "")
    assert _files(tmp_path) == before


def test_nothing_that_exists_is_written_over(tmp_path: Path) -> None:
    ours = {name: f"ours: {name}".encode() for name in FILES if name not in ("veille.toml", EXAMPLE)}
    ours |= {EXAMPLE: b"our own post of this name", "content/media/deep/photo.jpg": b"ours"}
    for name, content in ours.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert starter.make(tmp_path, TODAY) == ["veille.toml"]
    after = _files(tmp_path)
    assert {name: after[name] for name in ours} == ours
    assert set(after) == {*ours, "veille.toml"}


def test_somebodys_posts_get_settings_and_no_example_among_them(tmp_path: Path) -> None:
    post = tmp_path / "content/posts/2030/notre-repas.md"
    post.parent.mkdir(parents=True)
    post.write_text("---\ntitle: Notre repas\ndate: 2031-02-27\n---\n\nViens manger.\n", encoding="utf-8")
    before = post.read_bytes()
    made = starter.make(tmp_path, TODAY)
    assert made == [".gitignore", "content/helplines.yaml", "subscribers.example.csv", "veille.toml"]
    assert post.read_bytes() == before
    assert {owed.source for owed in _plan(tmp_path).owed if owed.post} == {"notre-repas"}


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room/.gitignore").symlink_to(tmp_path / "elsewhere")
    assert ".gitignore" not in starter.make(tmp_path / "room", TODAY)
    assert not (tmp_path / "elsewhere").exists()


def test_a_newsroom_inside_another_is_its_own(tmp_path: Path) -> None:
    starter.make(tmp_path, TODAY)
    before = _files(tmp_path)
    inner = tmp_path / "training" / "demo"
    starter.make(inner, TODAY)
    assert {name: content for name, content in _files(tmp_path).items() if not name.startswith("training/")} == before
    assert find_root(inner / "content") == inner
    assert len(_plan(tmp_path).owed) == len(_plan(inner).owed)


def test_what_stopped_half_way_can_be_started_again(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    starter.make(whole, TODAY)
    broken = tmp_path / "broken"
    (broken / "content/posts").mkdir(parents=True)
    (broken / "content/media").write_bytes(b"")  # a file where a folder has to be
    with pytest.raises(ConfigError):
        starter.make(broken, TODAY)
    assert not (broken / "veille.toml").exists()
    (broken / "content/media").unlink()
    starter.make(broken, TODAY)
    assert _files(broken) == _files(whole)


@pytest.mark.parametrize("name", ["taken", "taken/below"])
def test_a_file_in_the_way_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").write_bytes(b"ours")
    with pytest.raises(ConfigError, match="cannot be written") as refused:
        starter.make(tmp_path / name, TODAY)
    assert refused.value.hint
    assert (tmp_path / "taken").read_bytes() == b"ours"


def _locked(tmp_path: Path) -> Path:
    """A folder that nobody can write to, root included."""
    if os.geteuid() == 0:
        return Path("/proc/self")
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that even root cannot write to is Linux's /proc")
def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    folder = _locked(tmp_path) / "demo"
    with pytest.raises(ConfigError, match="cannot be written: ") as refused:
        starter.make(folder, TODAY)
    assert "Errno" not in refused.value.message
    assert not folder.exists()
