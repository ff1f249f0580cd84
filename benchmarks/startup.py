"""How long `veille --help` takes, against a bare Typer program with one command, in the same run.

Read the ratio, not the milliseconds: these machines are noisy, so runs alternate and the median counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 15
LIMIT = 1.5
BARE = """
import typer

app = typer.Typer()


@app.command()
def hello(name: str = "you") -> None:
    print(name)


app()
"""


def seconds(command: list[str]) -> float:
    """The wall time of one whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "bare.py"
        program.write_text(BARE)
        veille = [str(Path(sys.executable).parent / "veille"), "--help"]
        bare = [sys.executable, str(program), "--help"]
        times: dict[str, list[float]] = {"veille --help": [], "bare Typer --help": []}
        for _ in range(RUNS):
            times["veille --help"].append(seconds(veille))
            times["bare Typer --help"].append(seconds(bare))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:<20} {median * 1000:6.0f} ms")
    ratio = medians["veille --help"] / medians["bare Typer --help"]
    print(f"{'ratio':<20} {ratio:6.2f}    (at most {LIMIT})")
    sys.exit(ratio > LIMIT)


if __name__ == "__main__":
    main()
