"""Copies of the packages with lines changed: a test that passes on these too proves nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """A change of one place.

    Args:
        file: below the folder that is changed.
        old: what the source says, once.
        new: what it says instead.
    """

    file: str
    old: str
    new: str


def broken(original: Path, copy: Path, edits: Iterable[Edit] = ()) -> Path:
    """Copy a package and change it. Returns the copy."""
    package = Path(shutil.copytree(original, copy, ignore=shutil.ignore_patterns("__pycache__")))
    change(package, edits)
    return package


def change(folder: Path, edits: Iterable[Edit]) -> None:
    """Change what was copied.

    Raises:
        AssertionError: the source no longer says what is to be changed, or says it twice.
    """
    for edit in edits:
        source = (folder / edit.file).read_text(encoding="utf-8")
        assert source.count(edit.old) == 1, f"{edit.file} no longer says: {edit.old}"
        (folder / edit.file).write_text(source.replace(edit.old, edit.new), encoding="utf-8")
