"""`veille run` in this process, with a clock moved by hand: what a test of many passes can afford."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from typer.testing import CliRunner, Result

from veille import config
from veille.dispatch import Pump, Tally
from veille.outbox import schema
from veille_cli.application import build
from veille_cli.output import Talk
from veille_cli.wiring import Newsroom


class Said(Talk):
    """What the operator is told, kept."""

    def __init__(self) -> None:
        super().__init__(json=False, debug=False)
        self.lines: list[str] = []

    def say(self, *lines: Any) -> None:
        """Keep it."""
        self.lines += map(str, lines)


class Running:
    """A newsroom with a worker in it.

    Args:
        env: its settings, as the environment says them.
    """

    def __init__(self, root: Path, env: Mapping[str, str], now: datetime | None = None) -> None:
        self.root = root
        self.env = dict(env)
        self.now = now or datetime.now(UTC)
        self.said = Said()
        self.stop = threading.Event()
        self.room = self._open()

    def _open(self) -> Newsroom:
        room = Newsroom(config.load(self.root, self.env), lambda: self.now)
        room.sleep = lambda _seconds: None  # Instagram is never ready at once
        return room

    def again(self, **env: str) -> None:
        """End it and start it anew, with other settings."""
        self.room.close()
        self.env |= env
        self.room = self._open()

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def run(self) -> Tally:
        """All that is due now."""
        pump = Pump(
            self.room.deliveries,
            self.room.publishers,
            grace=self.room.grace,
            clock=lambda: self.now,
            stop=self.stop.is_set,
            progress=lambda _channel, _count: None,
            sleep=lambda _seconds: None,
        )
        pump.recover()
        return pump.once()

    def ask(self, *words: str) -> tuple[int, str]:
        """A command that only looks or notes something, in this process. Returns its exit code and what it says."""
        said = self.asked(*words)
        return said.exit_code, said.output

    def asked(self, *words: str) -> Result:
        """The same, with what it says to people and to programs apart."""
        env = {**self.env, "VEILLE_WORKSPACE": str(self.root), "COLUMNS": "200"}
        return CliRunner().invoke(build(), words, env=env)

    def row(self, delivery: int = 1) -> Any:
        """All that the table says about a delivery."""
        wanted = sa.select(schema.delivery).where(schema.delivery.c.id == delivery)
        with self.room.database.read() as connection:
            return connection.execute(wanted).one()

    def states(self) -> list[tuple[str, str, str]]:
        """Channel, state and last code of each delivery."""
        d = schema.delivery
        with self.room.database.read() as connection:
            found = connection.execute(sa.select(d.c.channel, d.c.state, d.c.last_code).order_by(d.c.id))
            return [(row.channel, row.state, row.last_code) for row in found]
