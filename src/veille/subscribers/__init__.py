"""Who receives the letter: CSV in and out, consent, removal, and the memory that keeps removed people removed."""

from veille.subscribers.addresses import checked, normalise
from veille.subscribers.cells import CHOICES, COLUMNS, Reader, Row, Rules, armed, defused, read_header
from veille.subscribers.erasure import Erasure
from veille.subscribers.leaving import put_away
from veille.subscribers.person import held_about, held_of
from veille.subscribers.retention import forget_left, kept_for_long
from veille.subscribers.store import Choice, Imported, Subscribers
from veille.subscribers.tables import Refused, Table

__all__ = [
    "CHOICES",
    "COLUMNS",
    "Choice",
    "Erasure",
    "Imported",
    "Reader",
    "Refused",
    "Row",
    "Rules",
    "Subscribers",
    "Table",
    "armed",
    "checked",
    "defused",
    "forget_left",
    "held_about",
    "held_of",
    "kept_for_long",
    "normalise",
    "put_away",
    "read_header",
]
