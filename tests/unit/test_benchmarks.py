"""What the benchmarks stand on: the proxy delays and loses nothing, and each peer's letter is personal."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from benchmarks import peers, sink

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the proxy stands on epoll")


def echo(server: socket.socket) -> None:
    """Give back what comes, one connection after another, until the server is closed."""
    while True:
        try:
            connection = server.accept()[0]
        except OSError:
            return
        with connection:
            while chunk := connection.recv(1 << 16):
                connection.sendall(chunk)


@pytest.fixture(scope="module")
def far() -> Iterator[int]:
    """The port of a proxy of 10 ms each way before an echo."""
    port = sink.free_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=echo, args=(server,), daemon=True).start()
        command = [sys.executable, "-m", "benchmarks.proxy", str(port), str(server.getsockname()[1]), "10"]
        with subprocess.Popen(command, cwd=ROOT) as process:
            sink.wait_for(port)
            yield port
            process.terminate()
        server.shutdown(socket.SHUT_RDWR)


def test_a_round_trip_takes_the_delay_twice(far: int) -> None:
    with socket.create_connection(("127.0.0.1", far)) as client:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            client.sendall(b"NOOP\r\n")
            assert client.recv(100) == b"NOOP\r\n"
            times.append(time.perf_counter() - start)
    assert min(times) >= 0.020
    assert min(times) < 0.030  # a busy machine may be late four times, hardly five


def send_all(client: socket.socket, content: bytes) -> None:
    client.sendall(content)
    client.shutdown(socket.SHUT_WR)


def test_two_megabytes_come_back_whole_though_nobody_reads_at_first(far: int) -> None:
    content = bytes(range(256)) * 8192
    with socket.create_connection(("127.0.0.1", far)) as client:
        client.settimeout(10)
        writer = threading.Thread(target=send_all, args=(client, content))
        writer.start()
        time.sleep(0.1)
        got = bytearray()
        while chunk := client.recv(1 << 16):  # ends: the end passes through, too
            got += chunk
        writer.join()
    assert bytes(got) == content


def letter() -> peers.Letter:
    links = "https://a.example.org/u/1u1-AAAAAAAAAAAAAAAAAAAA\nhttps://a.example.org/p/1p1-BBBBBBBBBBBBBBBBBBBB"
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "S"
    message["List-Unsubscribe"] = f"<{links.split()[0]}>"
    message.set_content(links)
    message.add_alternative(f"<p>\n{links}\n</p>", subtype="html")
    return peers.Letter(message.as_bytes())


def test_every_peer_sends_a_letter_with_the_readers_own_links() -> None:
    ours = letter()
    for content in (ours.joined(7), ours.built(7).as_bytes()):
        assert b"AAAAAAAA" not in content
        assert b"BBBBBBBB" not in content
        for value, count in zip(ours.values(7), (2, 3, 1), strict=True):
            assert content.count(value) == count
