"""Short numbers: two to six digits that the words around them make a telephone number."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from veille.checks.numbers import cues
from veille.checks.numbers.digits import LINK, Group, Number, joined, number_at

_APART = re.compile(r"[\n/_*~=’'\\\[\]]")  # between two numbers, not inside one
_SHAPES = (
    (2, 2, 2),
    (1, 1, 1, 1),
    (3, 3),
    (2, 2),
    (1, 3),
    (3, 1),
    (3, 4),
    (3, 2),
    (1, 2),
    (2, 1),
    (6,),
    (4,),
    (3,),
    (2,),
)
_TORN = ((1, 3), (1, 2), (2, 1))  # nobody writes a number so: the words beside it must say that it is one


def shorts(
    text: str,
    clean: str,
    groups: Sequence[Group],
    known: Collection[str],
    last: Sequence[Number],
    listed: Collection[int] = (),
) -> Iterator[Number]:
    """The short numbers among groups that no long one took.

    Args:
        clean: the text, blotted.
        last: the number before them, if any: numbers come in chains.
        listed: where numbers begin that are meant for certain.
    """
    at, before = 0, list(last)
    sizes = tuple(len(group.digits) for group in groups)
    while at < len(groups):
        shapes = (shape for shape in _SHAPES if sizes[at : at + len(shape)] == shape)
        tried = (_short(text, clean, groups, at, shape, known, before, listed) for shape in shapes)
        number = next(filter(None, tried), None)
        if number:
            yield number
            before = [number]
            at = next((i for i in range(at, len(groups)) if groups[i].start >= number.end), len(groups))
        else:
            at += 1


def _short(
    text: str,
    clean: str,
    groups: Sequence[Group],
    at: int,
    shape: tuple[int, ...],
    known: Collection[str],
    before: Sequence[Number],
    listed: Collection[int],
) -> Number | None:
    parts = groups[at : at + len(shape)]
    if not _stands_alone(groups, at, len(shape)):
        return None
    digits, start, end = joined(parts), parts[0].start, parts[-1].end
    letters = any(group.letters for group in parts)
    inner = "".join(group.gap for group in parts[1:])
    keys = shape == (1, 1, 1, 1) and LINK in inner and not inner.strip(LINK)  # "3️⃣9️⃣1️⃣9️⃣"
    if not _may_be(digits, (4,) if keys else shape, known, letters=letters) or (len(shape) == 1 and len(inner)):
        return None
    close = not inner.strip(f" \n{LINK}") and (len(shape) < 4 or keys)
    in_chain = bool(before) and before[-1].short and cues.is_chained(clean[before[-1].end : start])
    named = digits in known
    odd = (len(shape) > 1 and shape != (2, 2) and not named) or shape in _TORN
    meant = cues.meant(clean, start, end, digits, known=named, joined=close, odd=odd)
    alike = in_chain and len(digits) == len(before[-1].digits) and not cues.counts(clean, start, end)
    alike = alike and (len(digits) > 2 or digits[0] == "1" or digits in cues.TURNED)
    if meant or start in listed or (in_chain and named) or alike:
        return number_at(text, start, end, digits, letters)
    return None


def _stands_alone(groups: Sequence[Group], at: int, size: int) -> bool:
    """Not a piece of a longer row of digits."""
    gaps = [groups[at].gap] if at else []
    gaps += [groups[at + size].gap] if at + size < len(groups) else []
    return all(_APART.search(gap) or gap.strip() in ("-", "(", ")") or gap == "" for gap in gaps)


def _may_be(digits: str, shape: tuple[int, ...], known: Collection[str], *, letters: bool) -> bool:
    if digits in known:
        return not letters or len(digits) > 3
    if (letters and len(digits) < 4) or shape == (2, 2, 2):
        return False
    if shape in ((1, 2), (2, 1)):
        return False
    if shape in ((3, 4), (3, 2)):
        return digits.startswith("116")
    if shape in ((1, 1, 1, 1), (1, 3), (3, 1)):
        return digits[0] == "3"
    if shape in ((3, 3), (6,)):
        return digits.startswith(("116", "118"))
    if shape == (2, 2):
        return digits[0] in "3" or digits.startswith("10")
    if digits in cues.TURNED:
        return True
    return len(digits) == 2 or digits[0] in {4: "13", 3: "19"}.get(len(digits), "1")
