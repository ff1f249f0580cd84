"""Reads a QR code back from its SVG: written from ISO/IEC 18004:2015, not from the library that draws it.

Good for what we draw: byte mode, versions 1 to 6, no damage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Matrix = list[list[bool]]

LEVELS = {0b01: "L", 0b00: "M", 0b11: "Q", 0b10: "H"}
# Data codewords of each block (table 9), by version.
BLOCKS_Q = {1: [13], 2: [22], 3: [17, 17], 4: [24, 24], 5: [15, 15, 16, 16], 6: [19, 19, 19, 19]}
MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, c: r % 2 == 0,
    lambda r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)


@dataclass(frozen=True)
class Read:
    """What a code says, and how it is made.

    Args:
        level: of error correction.
        quiet: modules that stay light on every side.
    """

    text: str
    level: str
    version: int
    quiet: int


def read(svg: str) -> Read:
    """Decode a code drawn as one path of horizontal strokes.

    Raises:
        AssertionError: it is no QR code of the kind that this understands.
    """
    drawn = _modules(svg)
    rows = [number for number, row in enumerate(drawn) if any(row)]
    quiet = rows[0]
    matrix = [row[quiet : len(row) - quiet] for row in drawn[quiet : len(drawn) - quiet]]
    size = len(matrix)
    version = (size - 17) // 4
    assert size == 17 + 4 * version, size
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):
        assert _finder(matrix, top, left), "a corner is missing"
    level, mask = _format(matrix)
    return Read(_text(matrix, version, level, MASKS[mask]), level, version, quiet)


def _modules(svg: str) -> Matrix:
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    strokes = re.search(r'<path[^>]*stroke="#000"[^>]*d="([^"]+)"', svg) or re.search(r'd="(M[^"]*h[^"]*m[^"]*)"', svg)
    assert box, "no size"
    assert strokes, "no path"
    size = int(box[1])
    assert box[1] == box[2], "not square"
    matrix = [[False] * size for _row in range(size)]
    x = y = 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?", strokes[1]):
        if command == "h":
            for column in range(int(x), int(x + float(first))):
                matrix[int(y)][column] = True
            x += float(first)
        else:
            x, y = (float(first), float(second)) if command == "M" else (x + float(first), y + float(second))
    return matrix


def _finder(matrix: Matrix, top: int, left: int) -> bool:
    """7 by 7: a dark ring, a light ring, a dark heart."""
    rings = [[max(abs(r - 3), abs(c - 3)) for c in range(7)] for r in range(7)]
    return all(matrix[top + r][left + c] == (rings[r][c] != 2) for r in range(7) for c in range(7))


def _format(matrix: Matrix) -> tuple[str, int]:
    """Level and mask from the 15 bits around the top left corner (7.9); both copies must agree."""
    size = len(matrix)
    first = [matrix[8][c] for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [matrix[r][8] for r in (7, 5, 4, 3, 2, 1, 0)]
    second = [matrix[r][8] for r in range(size - 1, size - 8, -1)] + [matrix[8][c] for c in range(size - 8, size)]
    assert first == second, "the two copies of the format differ"
    bits = int("".join("01"[bit] for bit in first), 2) ^ 0b101010000010010
    return LEVELS[bits >> 13], bits >> 10 & 0b111


def _text(matrix: Matrix, version: int, level: str, mask: Callable[[int, int], bool]) -> str:
    assert level == "Q", level
    bits = "".join("01"[matrix[r][c] ^ mask(r, c)] for r, c in _data_places(len(matrix), version))
    words = [int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)]
    sizes = BLOCKS_Q[version]
    blocks: list[list[int]] = [[] for _size in sizes]
    taken = iter(words)
    for position in range(max(sizes)):  # codewords of the blocks alternate
        for block, length in zip(blocks, sizes, strict=True):
            if position < length:
                block.append(next(taken))
    data = "".join(f"{word:08b}" for block in blocks for word in block)
    assert data[:4] == "0100", "not in byte mode"
    count = int(data[4:12], 2)
    return bytes(int(data[at : at + 8], 2) for at in range(12, 12 + 8 * count, 8)).decode("utf-8")


def _data_places(size: int, version: int) -> Iterator[tuple[int, int]]:
    """Upwards and downwards in strips of two columns from the right; the timing column belongs to none (7.7.3)."""
    upwards = True
    for right in (c for c in range(size - 1, 0, -2) if c > 6):
        yield from _strip(size, version, right, upwards)
        upwards = not upwards
    for right in (5, 3, 1):
        yield from _strip(size, version, right, upwards)
        upwards = not upwards


def _strip(size: int, version: int, right: int, upwards: bool) -> Iterator[tuple[int, int]]:
    for row in reversed(range(size)) if upwards else range(size):
        for column in (right, right - 1):
            if not _reserved(size, version, row, column):
                yield row, column


def _reserved(size: int, version: int, row: int, column: int) -> bool:
    corner = (row < 9 and (column < 9 or column >= size - 8)) or (row >= size - 8 and column < 9)
    middle = size - 7  # of the one alignment pattern that versions 2 to 6 have
    alignment = version > 1 and abs(row - middle) <= 2 and abs(column - middle) <= 2
    return corner or alignment or 6 in (row, column)
