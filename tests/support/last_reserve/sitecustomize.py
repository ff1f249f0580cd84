"""On PYTHONPATH: a disk whose only free blocks are those of the reserve. Deleting it lifts the limit on files."""

import os
import resource
from typing import Any

_unlink = os.unlink


def _giving_room(path: Any, **options: Any) -> None:
    _unlink(path, **options)
    if os.fspath(path).endswith("/ballast"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


os.unlink = _giving_room
