"""Our Kandel-Moles score beside textstat's on the 50 texts of tests/data/french.

Without textstat (`pip install textstat`; no dependency of ours) the scores that were written down are compared.
`--write` writes those of the installed version down. Ends with 1 when the distance is beyond the bar.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
import tomllib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from veille.checks.french.readability import ease

TEXTS = Path(__file__).parent.parent / "tests/data/french"
SCORES = TEXTS / "scores.toml"
MEAN, MOST = 8.0, 25.0  # points of 100
_HEAD = """\
# Kandel-Moles scores of the texts beside this file by textstat (MIT), `set_lang("fr")`, `flesch_reading_ease`.
# Made by `python -m benchmarks.readability --write` where textstat is installed.
"""


def texts() -> dict[str, str]:
    """The texts by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(TEXTS.glob("*.txt"))}


def written() -> Mapping[str, float]:
    """The scores that were written down."""
    scores: Mapping[str, float] = tomllib.loads(SCORES.read_text(encoding="utf-8"))["scores"]
    return scores


def measured() -> Mapping[str, float] | None:
    """textstat's scores now; None where it is not installed."""
    try:
        textstat = importlib.import_module("textstat")
    except ImportError:
        return None
    textstat.set_lang("fr")
    return {name: round(float(textstat.flesch_reading_ease(text)), 1) for name, text in texts().items()}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write textstat's scores down")
    options = parser.parse_args()
    theirs = measured()
    if options.write and theirs:
        rows = "".join(f'"{name}" = {score}\n' for name, score in theirs.items())
        SCORES.write_text(f'{_HEAD}version = "{version("textstat")}"\n\n[scores]\n{rows}', encoding="utf-8")
    print("textstat is", version("textstat") if theirs else "not installed: its scores are those of scores.toml")
    return _table(theirs or written())


def _table(theirs: Mapping[str, float]) -> int:
    print(f"{'text':22}{'ours':>8}{'textstat':>10}{'distance':>10}")
    distances = []
    for name, text in texts().items():
        ours = ease(text)
        distances.append(abs(ours - theirs[name]))
        print(f"{name:22}{ours:8.1f}{theirs[name]:10.1f}{ours - theirs[name]:+10.1f}")
    start = time.perf_counter()
    for text in texts().values():
        ease(text)
    spent = (time.perf_counter() - start) * 1000 / len(distances)
    mean, most = statistics.mean(distances), max(distances)
    print(
        f"mean distance {mean:.1f} (at most {MEAN:.0f}), greatest {most:.1f} (at most {MOST:.0f}), "
        f"{spent:.2f} ms a text"
    )
    return int(mean > MEAN or most > MOST)


if __name__ == "__main__":
    sys.exit(main())
