"""Files: whole or untouched, rewritten only when they differ, and nobody else's files removed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from veille.errors import Unavailable
from veille_publishers.files import _sweep, mirror, write


def tree(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but our own lists."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files if not p.name.startswith(".veille-")}


def test_writes_only_what_differs(tmp_path: Path) -> None:
    page = tmp_path / "posts" / "a" / "index.html"
    assert write(page, b"one") is True
    os.utime(page, (1, 1))
    assert write(page, b"one") is False
    assert page.stat().st_mtime == 1
    assert write(page, b"two") is True
    assert page.read_bytes() == b"two"
    assert [p.name for p in page.parent.iterdir()] == ["index.html"]


def test_a_web_server_can_read_it_and_mail_copies_stay_private(tmp_path: Path) -> None:
    write(tmp_path / "page", b"x")
    write(tmp_path / "mail", b"x", mode=0o600)
    assert (tmp_path / "page").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "index.html"
    write(page, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "the disk is full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="the disk is full") as caught:
        write(page, b"new")
    assert caught.value.about_us
    assert caught.value.hint
    assert str(tmp_path) in caught.value.message
    assert tree(tmp_path) == {"index.html": b"old"}


def test_of_many_files_none_appears_before_all_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror(tmp_path, {"old.html": b"old"}, "web")
    synced: list[int] = []
    real = os.fsync

    def tenth_fails(descriptor: int) -> None:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode) and os.fstat(descriptor).st_size == len(b"page 10"):
            raise OSError(5, "the disk is broken")
        synced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", tenth_fails)
    pages = {f"{number}.html": f"page {number}".encode() for number in range(11)}
    with pytest.raises(Unavailable, match="the disk is broken"):
        mirror(tmp_path, {"old.html": b"old", **pages}, "web")
    assert synced
    assert {p.name for p in tmp_path.iterdir() if p.suffix in (".html", ".part")} == {"old.html"}


def test_a_file_in_the_way_of_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "posts").write_bytes(b"somebody's notes")
    with pytest.raises(Unavailable):
        write(tmp_path / "posts" / "a.html", b"x")
    assert (tmp_path / "posts").read_bytes() == b"somebody's notes"


@pytest.mark.parametrize(("point", "expected"), [("before-rename", b"old"), ("after-rename", b"new")])
def test_killed_around_the_rename(tmp_path: Path, point: str, expected: bytes) -> None:
    page = tmp_path / "index.html"
    write(page, b"old")
    code = f"import pathlib, veille_publishers.files as f; f.write(pathlib.Path({str(page)!r}), b'new')"
    environ = {**os.environ, "VEILLE_FAILPOINT": f"files.{point}"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert page.read_bytes() == expected
    _sweep.cache_clear()  # the next process
    write(page, b"again")
    assert [p.name for p in tmp_path.iterdir()] == ["index.html"]


def test_mirror_removes_what_it_wrote_before_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_bytes(b"theirs")
    assert mirror(tmp_path, {"towns/a/index.html": b"a", "index.html": b"i"}, "web") == 2
    assert mirror(tmp_path, {"towns/a/index.html": b"a", "index.html": b"i"}, "web") == 0
    assert mirror(tmp_path, {"index.html": b"i"}, "web") == 1
    assert tree(tmp_path) == {"robots.txt": b"theirs", "index.html": b"i"}
    assert not (tmp_path / "towns").exists()


def test_owners_share_a_picture(tmp_path: Path) -> None:
    mirror(tmp_path, {"media/a.jpg": b"a"}, "web")
    mirror(tmp_path, {"media/a.jpg": b"a", "feed.xml": b"f"}, "feed")
    mirror(tmp_path, {}, "web")
    assert tree(tmp_path) == {"media/a.jpg": b"a", "feed.xml": b"f"}
    mirror(tmp_path, {"feed.xml": b"f"}, "feed")
    assert tree(tmp_path) == {"feed.xml": b"f"}


@pytest.mark.parametrize("damage", [b"", b"{", b"{}", b'["../outside"]', b"[1]"])
def test_a_damaged_list_removes_nothing_outside(tmp_path: Path, damage: bytes) -> None:
    site = tmp_path / "site"
    mirror(site, {"a": b"a"}, "web")
    (tmp_path / "outside").write_bytes(b"theirs")
    (site / ".veille-web.json").write_bytes(damage)
    mirror(site, {"b": b"b"}, "web")
    assert (tmp_path / "outside").read_bytes() == b"theirs"
    assert (site / "b").read_bytes() == b"b"


def test_killed_in_the_middle_the_next_run_ends_in_the_same_place(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from veille_publishers.files import mirror\n"
        "mirror(Path(sys.argv[1]), {'old/x': b'1', 'a': b'1'}, 'web')\n"
        "mirror(Path(sys.argv[1]), {'a': b'2', 'new/y': b'3'}, 'web')\n"
    )
    mirror(whole := tmp_path / "whole", {"a": b"2", "new/y": b"3"}, "web")
    for turn in range(1, 9):
        site = tmp_path / str(turn)
        environ = {**os.environ, "VEILLE_FAILPOINT": f"files.before-rename:{turn}"}
        subprocess.run([sys.executable, "-c", code, str(site)], env=environ, check=False)
        mirror(site, {"a": b"2", "new/y": b"3"}, "web")
        assert tree(site) == tree(whole), turn


def test_many_files_in_one_folder_are_written_without_looking_at_all_of_them_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def glob(_folder: Path, pattern: str) -> list[Path]:
        looks.append(pattern)
        return []

    monkeypatch.setattr(Path, "glob", glob)
    for number in range(20):
        write(tmp_path / f"{number}.eml", b"x")
    assert len(looks) == 1
