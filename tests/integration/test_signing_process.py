"""The process that signs: the same signatures as anywhere, and no letter waits for it when it is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from veille_publishers.signing_process import SigningProcess, signature

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TEXTS = [f"from:letter{n}@example.org\r\n".encode() * (n + 1) for n in range(70)]  # more than travel at once
EXPECTED = [signature(KEY, text) for text in TEXTS]


@pytest.fixture
def signing() -> Iterator[SigningProcess]:
    process = SigningProcess(KEY)
    yield process
    process.close()


def pid_of(signing: SigningProcess) -> int:
    assert signing._process is not None
    return signing._process.pid


def test_its_signatures_are_those_of_the_key_in_order(signing: SigningProcess) -> None:
    assert signing.sign(TEXTS) == EXPECTED
    assert signing.sign([]) == []
    assert signing.sign(TEXTS[:1]) == EXPECTED[:1]


def test_threads_take_turns(signing: SigningProcess) -> None:
    made: dict[int, list[bytes]] = {}
    threads = [threading.Thread(target=lambda n=n: made.update({n: signing.sign(TEXTS[n::4])})) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == {n: EXPECTED[n::4] for n in range(4)}


def test_killed_it_is_missed_by_nobody(signing: SigningProcess) -> None:
    signing.sign(TEXTS[:1])
    os.kill(pid_of(signing), signal.SIGKILL)
    assert signing.sign(TEXTS) == EXPECTED
    assert signing.sign(TEXTS) == EXPECTED  # another one was started


def test_closed_it_is_gone_and_starts_again_when_it_is_asked(signing: SigningProcess) -> None:
    signing.sign(TEXTS[:1])
    before = pid_of(signing)
    signing.close()
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert signing.sign(TEXTS[:2]) == EXPECTED[:2]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nobody_can_read_the_key_from_outside(signing: SigningProcess) -> None:
    signing.sign(TEXTS[:1])
    place = Path(f"/proc/{pid_of(signing)}")
    assert b"PRIVATE" not in place.joinpath("environ").read_bytes() + place.joinpath("cmdline").read_bytes()
    assert len(place.joinpath("cmdline").read_bytes()) < 400
