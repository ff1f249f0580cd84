"""Files that hold addresses: for the eyes of their owner only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.i18n import why


@contextmanager
def private_file(path: Path, option: str, encoding: str = "utf-8") -> Iterator[TextIO]:
    """A file for the eyes of its owner only: addresses stand in it.

    Args:
        option: which one named it, for the message.

    Raises:
        VeilleError: it cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding=encoding, newline="") as file:
            with suppress(OSError):  # a device, or somebody else's file
                path.chmod(0o600)
            yield file
    except OSError as error:
        raise VeilleError(
            _("{file} cannot be written: {error}").format(file=path, error=why(error)),
            hint=_("choose another place with {option}").format(option=option),
        ) from None
