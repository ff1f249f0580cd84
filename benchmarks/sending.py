"""How fast the letter leaves, beside the fastest test client and what other programs reach, in the same run.

    python -m benchmarks.sending [--letters 5000] [--rounds 3] [--only WORD]

Senders take turns, so that a busy moment of the machine meets all of them; a ratio is taken within its round, and the
median of the rounds counts. Read the ratios and not the digits.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks import senders, sink, workspace
from benchmarks.senders import Measure, Sender

LIMIT = "smtp-source -s 10"
DELAYED_LIMIT = "smtp-source -s 10 -d, 20 ms"  # without -d it would need twice the time, and be half the bar
VEILLE, VEILLE_DKIM = "veille, 20 connections", "veille, 20, RSA-2048 DKIM"
POOL_DKIM = "nodemailer, pool of 10, RSA-2048 DKIM"
OVER_POOL_DKIM = 8.0  # the bar of DKIM against nodemailer's pool with DKIM

Rounds = dict[str, list[Measure]]


def all_senders(folder: Path, letters: int) -> list[Sender]:
    """Everything that is compared; each count gives a run of some seconds."""
    letter = workspace.sample(folder / "sample")
    size = letter.stat().st_size
    due = workspace.due(folder / "due", letters)
    key = workspace.dkim_key()
    parts = senders.node_parts(letter, folder / "parts.json")
    signed = senders.node_parts(letter, folder / "signed.json", key)
    print(f"the letter: {size:,} bytes as it leaves; {letters:,} readers")
    few = max(1, letters // 10)
    no_node, no_aio = senders.no_nodemailer(), senders.no_module("aiosmtplib")
    return [
        Sender(LIMIT, letters, senders.limit(letters, size)),
        Sender("smtp-source -s 10 -d", letters, senders.limit(letters, size, keeps=True)),
        Sender(VEILLE, letters, senders.ours(due, letters, 20), bar=0.8),
        Sender("veille, 10 connections", letters, senders.ours(due, letters, 10)),
        Sender(VEILLE_DKIM, letters, senders.ours(due, letters, 20, **workspace.dkim(key)), bar=0.5),
        Sender("smtplib + EmailMessage", few, senders.peer("smtplib + EmailMessage", few, letter)),
        Sender("smtplib, ready bytes", few * 4, senders.peer("smtplib, ready bytes", few * 4, letter)),
        Sender("aiosmtplib, 10 connections", few * 4, senders.peer("aiosmtplib", few * 4, letter), missing=no_aio),
        Sender("nodemailer, pool of 10", few * 2, senders.nodemailer(few * 2, parts), missing=no_node),
        Sender(POOL_DKIM, few * 2, senders.nodemailer(few * 2, signed), missing=no_node),
        Sender("Go pool (listmonk)", 0, senders.limit(0, 0), missing="not in this bench (README)"),
        Sender(DELAYED_LIMIT, few * 2, senders.limit(few * 2, size, keeps=True), delayed=True),
        Sender("veille, 10, 20 ms", letters, senders.ours(due, letters, 10), delayed=True, bar=2.5),
        Sender("veille, 50, 20 ms", letters, senders.ours(due, letters, 50), delayed=True, bar=8.0),
        Sender("nodemailer, 20 ms", few * 2, senders.nodemailer(few * 2, parts), delayed=True, missing=no_node),
    ]


def measure(everything: Sequence[Sender], target: sink.Sink, rounds: int) -> tuple[Rounds, dict[str, str]]:
    """Let all take turns. Returns the measures, and what went wrong with whom."""
    measures: Rounds = defaultdict(list)
    wrong = {sender.name: sender.missing for sender in everything if sender.missing}
    with senders.delayed(target.port) as far:
        for number in range(rounds):
            for sender in everything:
                if sender.name in wrong:
                    continue
                print(f"round {number + 1} of {rounds}: {sender.name}", file=sys.stderr)
                before = target.taken()
                try:
                    measures[sender.name].append(sender.run(far if sender.delayed else target.port))
                except RuntimeError as error:
                    wrong[sender.name] = f"failed: {error}"
                    continue
                if (took := target.taken() - before) != sender.letters:
                    wrong[sender.name] = f"wrong: the sink took {took} of {sender.letters}"
    return measures, wrong


def ratios(measures: Rounds, name: str, against: str) -> float | None:
    """The median over the rounds of what one reaches of the other."""
    pairs = list(zip(measures[name], measures[against], strict=False))
    return statistics.median(one.rate / other.rate for one, other in pairs) if pairs else None


def proxy_cost(port: int, size: int) -> float:
    """What is left of the limit behind the proxy when it delays nothing."""
    with senders.delayed(port, 0) as near:
        pairs = [(sink.limit(near, 2000, size, keeps=True), sink.limit(port, 2000, size, keeps=True)) for _ in range(5)]
    return statistics.median(through / straight for through, straight in pairs)


def print_table(everything: Sequence[Sender], measures: Rounds, wrong: dict[str, str]) -> bool:
    """One row for each sender. Returns whether every bar is met."""
    met = True
    print(f"{'sender':<40} {'letters/s':>9} {'ratio':>6} {'bar':>5}  {'':<4} {'process/s':>9} {'CPU us':>7}")
    for sender in everything:
        if sender.name in wrong or not measures[sender.name]:
            print(f"{sender.name:<40} {wrong.get(sender.name, 'not run')}")
            met &= sender.bar is None
            continue
        runs = measures[sender.name]
        ratio = ratios(measures, sender.name, DELAYED_LIMIT if sender.delayed else LIMIT)
        print(f"{sender.name:<40} {statistics.median(run.rate for run in runs):>9,.0f} {_number(ratio)}", end=" ")
        met &= _print_bar(ratio, sender.bar)
        whole = [run.whole for run in runs if run.whole is not None]
        cpu = [run.cpu for run in runs if run.cpu is not None]
        print(f" {statistics.median(whole):>9,.0f}" if whole else f" {'':>9}", end="")
        print(f" {statistics.median(cpu):>7,.0f}" if cpu else "")
    if measures[VEILLE_DKIM] and measures[POOL_DKIM]:
        over = ratios(measures, VEILLE_DKIM, POOL_DKIM)
        print(f"{'veille with DKIM over nodemailer with it':<40} {'':>9} {_number(over)}", end=" ")
        met &= _print_bar(over, OVER_POOL_DKIM)
        print()
    return met


def _number(ratio: float | None) -> str:
    return f"{ratio:>6.2f}" if ratio is not None else f"{'':>6}"


def _print_bar(ratio: float | None, bar: float | None) -> bool:
    met = bar is None or (ratio is not None and ratio >= bar)
    print(f"{bar:>5.1f}  {'met' if met else 'NOT':<4}" if bar is not None else f"{'':>5}  {'':<4}", end="")
    return met


def main() -> None:
    """Measure and print. Exit code 1: a bar is not met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--letters", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], help="senders whose name holds this (and the limits)")
    parser.add_argument("--folder", help="where the ledgers lie: a real disk, never memory (default: the usual one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, sink.running() as target:
        everything = all_senders(Path(folder), options.letters)
        limits = (LIMIT, f"{LIMIT} -d", DELAYED_LIMIT)
        if options.only:
            everything = [s for s in everything if s.name in limits or any(word in s.name for word in options.only)]
        measures, wrong = measure(everything, target, options.rounds)
        print(f"{platform.machine()}, Python {platform.python_version()}, {options.rounds} rounds")
        print(f"ratio: to {LIMIT}; with 20 ms to {DELAYED_LIMIT}")
        met = print_table(everything, measures, wrong)
        cost = proxy_cost(target.port, 60_000)
        print(f"through the proxy without delay, {LIMIT} -d reaches {cost:.2f} of itself")
    sys.exit(not met)


if __name__ == "__main__":
    main()
