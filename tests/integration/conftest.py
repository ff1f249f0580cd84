"""What many tests with real servers ask for: Meta's fake, an office that speaks to it, a mail server, no proxy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import bounce_desk as bounce_desks
from tests.support.graph_desk import Desk, desk
from tests.support.graph_fake import GraphFake, graph_fake
from tests.support.smtp_server import MailServer, mail_server


@pytest.fixture
def fake() -> Iterator[GraphFake]:
    """Facebook and Instagram on loopback; at the end, a request that Meta's SDK would not have sent is a failure."""
    with graph_fake() as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, fake: GraphFake) -> Desk:
    """A workspace whose two social channels are live, at the fake."""
    return desk(tmp_path, fake)


@pytest.fixture(scope="module")
def bounce_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bounce_desks.Desk]:
    """A letter that went to four readers; whoever uses it lets it `forget` first."""
    with bounce_desks.desk_in(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that takes every letter."""
    with mail_server() as running:
        yield running


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the computer is set to: what is on loopback is asked without a proxy."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def nothing_is_left_running() -> Iterator[None]:
    """At the end no thread is left that was not there before."""
    before = threading.active_count()
    yield
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
