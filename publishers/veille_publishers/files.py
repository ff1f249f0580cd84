"""Files that people see: rewritten only when their bytes differ, never half-written.

A file that keeps its bytes keeps its date, so that servers answer 304 and `publish` twice changes nothing.
"""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from veille.errors import Unavailable
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.i18n import why

_MANIFEST = ".veille-{owner}.json"
_PUBLIC = 0o644  # what a web server must be able to read


def write(path: Path, content: bytes, *, mode: int = _PUBLIC) -> bool:
    """Put `content` at `path`, so that a reader finds the old bytes or the new ones, whatever happens.

    Args:
        path: absolute; folders that do not exist are made.
        content: the whole file.
        mode: permissions of a new file; mail copies take 0o600.

    Returns:
        Whether anything was written: False when the file has these bytes already.

    Raises:
        Unavailable: the folder cannot be written to, or the disk is full.
    """
    with speaking_of(path.parent):
        if path.is_file() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content, mode)
    return True


def mirror(folder: Path, files: Mapping[str, bytes], owner: str) -> int:
    """Make `folder` hold `files`, and take away what `owner` wrote there before and no longer wants.

    The list of our files is kept beside them. It grows before the first new file and shrinks after the last
    removal: a crash in between leaves nothing that we would forget.

    Args:
        folder: absolute; others may keep files there too.
        files: address relative to the folder -> content.
        owner: who writes, for example "web"; each owner removes its own files only.

    Returns:
        How many files were written or removed.

    Raises:
        Unavailable: as `write`.
    """
    manifest = folder / _MANIFEST.format(owner=owner)
    known = _listed(manifest)
    _remember(manifest, known | set(files))
    written = sum(write(folder / name, content) for name, content in files.items())
    return written + remove_others(folder, {folder / name for name in files}, owner)


def remove_others(folder: Path, keep: set[Path], owner: str) -> int:
    """Remove the files that `owner` wrote into `folder`, all but `keep` and what other owners list as theirs.

    Returns:
        How many files were removed.

    Raises:
        Unavailable: as `write`.
    """
    manifest = folder / _MANIFEST.format(owner=owner)
    kept = {path.relative_to(folder).as_posix() for path in keep}
    others = [other for other in folder.glob(_MANIFEST.format(owner="*")) if other != manifest]
    shared = {name for other in others for name in _listed(other)}
    gone = [folder / name for name in sorted(_listed(manifest) - kept - shared) if _inside(folder, name)]
    with speaking_of(folder):
        removed = sum(_remove(path, folder) for path in gone)
    _remember(manifest, kept)
    return removed


@contextmanager
def speaking_of(folder: Path) -> Iterator[None]:
    """Say what an error of the operating system means: which folder, and what to do."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            _("{folder} cannot be written to: {error}").format(folder=folder, error=why(error)),
            hint=_("free some space, or give this user the right to write there; the rest then leaves by itself"),
            detail=type(error).__name__,
            about_us=True,
        ) from error


def _replace(path: Path, content: bytes, mode: int) -> None:
    # In the same folder, because a rename is atomic only within one file system.
    _sweep(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".veille-{os.getpid()}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        failpoint("files.before-rename")
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    failpoint("files.after-rename")
    _sync_folder(path.parent)


@functools.lru_cache(maxsize=4096)
def _sweep(folder: Path) -> None:
    """Remove what a killed process left half-written; its number says whether it still lives.

    Once for each folder: a look at every file for every letter of 20,000 takes longer than writing them.
    """
    if os.name != "posix":  # elsewhere, asking after a process would end it
        return
    for part in folder.glob(".veille-*-*.part"):
        number = part.name.split("-")[1]
        if number.isdigit() and not _lives(int(number)):
            part.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _sync_folder(folder: Path) -> None:
    """Make a rename outlast a power cut; where folders cannot be opened (Windows), the system does it."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _listed(manifest: Path) -> set[str]:
    """The addresses in a manifest; none when it is missing or damaged: then we remove nothing."""
    try:
        names = json.loads(manifest.read_bytes())
    except (OSError, ValueError):
        return set()
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _remember(manifest: Path, names: set[str]) -> None:
    write(manifest, json.dumps(sorted(names), ensure_ascii=False, indent=0).encode() + b"\n")


def _inside(folder: Path, name: str) -> bool:
    """Whether a listed name stays in the folder, also through symbolic links."""
    return (folder / name).parent.resolve().is_relative_to(folder.resolve())


def _remove(path: Path, folder: Path) -> bool:
    if not path.is_file():
        return False
    path.unlink()
    for parent in path.parents:  # folders that became empty go too
        if parent == folder or any(parent.iterdir()):
            break
        parent.rmdir()
    return True
