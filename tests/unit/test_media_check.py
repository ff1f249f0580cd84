"""A picture looked at from outside: a real server that shows it, or anything else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread

import pytest

from veille.errors import PublishError, Rejected, Unavailable
from veille.publishing import File
from veille_publishers.http import session
from veille_publishers.media_check import MOST_BYTES, check

PICTURE = File("a.jpg", "image/jpeg", b"\xff\xd8 ceci est une image \xff\xd9" * 5000)
JPEG = {"Content-Type": "image/jpeg"}


@contextmanager
def shown(
    content: bytes = PICTURE.content, status: int = 200, headers: dict[str, str] = JPEG, length: int | None = None
) -> Iterator[str]:
    """The address of a picture on a server of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content) if length is None else length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.004}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/media/a.jpg"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def problem(url: str, file: File = PICTURE) -> PublishError:
    with pytest.raises(PublishError) as caught:
        check(session((5.0, 10.0)), url, file)
    return caught.value


@pytest.mark.parametrize("kind", ["image/jpeg", "image/JPEG; charset=binary"])
def test_what_everybody_can_open_is_fine(kind: str) -> None:
    with shown(headers={"Content-Type": kind}) as url:
        check(session((5.0, 10.0)), url, PICTURE)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 404}, "404"),
        ({"status": 403}, "403"),
        ({"status": 302, "headers": JPEG | {"Location": "/ailleurs.jpg"}}, "another address"),
        ({"headers": {"Content-Type": "text/html"}}, "text/html"),
        ({"headers": {}}, "instead of image/jpeg"),
        ({"content": PICTURE.content[:-1]}, "another picture"),
        ({"content": PICTURE.content + b"x"}, "another picture"),
        ({"content": PICTURE.content[:-1] + b"x"}, "another picture"),
        ({"content": b""}, "another picture"),
        ({"length": len(PICTURE.content) + 10}, "no answer"),  # cut off under way
    ],
)
def test_anything_else_is_said_with_its_address(answer: dict[str, object], words: str) -> None:
    with shown(**answer) as url:  # type: ignore[arg-type]
        error = problem(url)
    assert isinstance(error, Unavailable)
    assert error.about_us
    assert url in error.message
    assert words in error.message
    assert "media_base_url" in str(error.hint)


def test_nobody_there_no_name_no_certificate() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{free.getsockname()[1]}"
    for url in (f"http://{closed}/a.jpg", "http://nowhere.invalid/a.jpg", "ftp://example.org/a.jpg"):
        error = problem(url)
        assert isinstance(error, Unavailable)
        assert url in error.message
    with shown() as url:
        assert isinstance(problem(url.replace("http:", "https:")), Unavailable)


def test_a_picture_that_trickles_is_given_up() -> None:
    ticks = count(0, 40)
    with shown() as url, pytest.raises(Unavailable, match="minute"):
        check(session((5.0, 10.0)), url, PICTURE, clock=lambda: float(next(ticks)))


def test_a_picture_beyond_the_limit_is_not_even_looked_for() -> None:
    error = problem("http://nowhere.invalid/a.jpg", File("a.jpg", "image/jpeg", bytes(MOST_BYTES + 1)))
    assert isinstance(error, Rejected)
    assert "big" in error.message


def test_accents_in_an_address_are_named_and_a_password_is_not() -> None:
    assert "accents" in problem("https://images.example.org/é.jpg").message
    with shown(status=404) as url:
        error = problem(url.replace("127", "camille:secret@127"))
    assert "secret" not in f"{error.message} {error.hint} {error.detail}"
    assert url in error.message
