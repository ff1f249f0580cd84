"""Words as they are compared: how somebody typed them does not matter."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Without case, accents and ligatures."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    marks = [letter for letter in set(plain) if unicodedata.combining(letter)]  # far fewer than letters
    for mark in marks:
        plain = plain.replace(mark, "")
    return plain
