"""The short names of what the outbox holds: p12 is a publication, d345 a delivery."""

from __future__ import annotations

import re

from veille.errors import VeilleError
from veille.i18n import gettext as _


def number_of(name: str) -> int:
    """The number in "p12" or "d345".

    Raises:
        VeilleError: it is no id at all.
    """
    if not re.fullmatch(r"[pd][0-9]{1,18}", name):
        raise VeilleError(
            _("{id} is not an id of the outbox").format(id=name),
            hint=_("ids look like p12 (a publication) or d345 (a delivery); `veille outbox list` shows them"),
        )
    return int(name[1:])


def unknown_id(name: str) -> VeilleError:
    """The error for an id that is not in the ledger."""
    return VeilleError(
        _("there is no {id} in the outbox").format(id=name),
        hint=_("`veille outbox list` shows the ids"),
    )
