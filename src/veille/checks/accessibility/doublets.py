"""Both forms of a French word that was written with points: "mineur·e·s" is "mineures et mineurs"."""

from __future__ import annotations

# End of the masculine, what follows the point -> end of the feminine. The first that fits counts.
_FORMS = (
    ("teur", "trice", "trice"),
    ("teur", "rice", "trice"),
    ("eur", "euse", "euse"),
    ("eur", "se", "euse"),
    ("er", "ère", "ère"),
    ("ier", "ière", "ière"),
    ("if", "ive", "ive"),
    ("if", "ve", "ive"),
    ("f", "ve", "ve"),
    ("eux", "euse", "euse"),
    ("eux", "se", "euse"),
    ("x", "se", "se"),
    ("c", "que", "que"),
)
_GLUED = ("e", "ne", "le", "te", "sse", "esse")  # simply put behind the masculine
_WHOLE = {("tous", "te"): "toutes et tous", ("ceux", "celle"): "celles et ceux", ("il", "elle"): "elle ou il"}


def doublet(base: str, ending: str, *, plural: bool) -> str:
    """Both forms, the feminine first; "" where this is no regular word.

    Args:
        base: what stands before the first point: "lecteur".
        ending: what follows it, without the s of the plural: "rice".
        plural: whether an s follows.
    """
    small, tail = base.lower(), ending.lower()
    if not plural and len(tail) > 1 and tail.endswith("s"):
        tail, plural = tail[:-1], True
    if known := _WHOLE.get((small, tail)):
        return known
    feminine = _feminine(small, tail)
    sign = "s" if plural else ""
    masculine = small if small.endswith(("s", "x")) else small + sign
    joined = "et" if plural else "ou"
    return f"{feminine}{sign} {joined} {masculine}" if feminine else ""


def _feminine(masculine: str, ending: str) -> str:
    for end, tail, feminine in _FORMS:
        if masculine.endswith(end) and ending == tail:
            return masculine[: len(masculine) - len(end)] + feminine
    return masculine + ending if ending in _GLUED else ""
