"""`veille` in processes that need not load SQLAlchemy and the rest again: half of what a short command costs.

A server loads what is below the command line and forks for each command. What comes out is a process of its own, with
its own folder, environment, streams and end (also by SIGKILL), which runs the real entry point. The command line itself
is not loaded before the fork: its texts are fixed in the language of the environment when it is.

Two servers take turns, because all children of one share its hash seed: an order that differs from process to process
is still seen. `VEILLE_TEST_COLD=1` starts every command the long way; `make soak` does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import itertools
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

LOADED = (
    "alembic.command",
    "babel.dates",
    "css_inline",
    "feedgen.ext",
    "frontmatter",
    "icalendar",
    "jinja2.sandbox",
    "mjml",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PpmImagePlugin",
    "pydantic.type_adapter",
    "rich.console",
    "ruamel.yaml",
    "yaml",
    "veille.approval",
    "veille.dispatch",
    "veille.outbox.deliveries",
    "veille.outbox.upkeep",
    "veille.queueing",
    "veille.subscribers",
    "veille_publishers.facebook",
    "veille_publishers.feed",
    "veille_publishers.instagram",
    "veille_publishers.newsletter",
    "veille_publishers.smtp",
    "veille_publishers.web",
)
COLD = "VEILLE_TEST_COLD"
_KNOWN = ("VEILLE_", "COLUMNS")  # of the environment; anything else may change what is loaded
_SERVERS = 2
_LONGEST = 1 << 20  # bytes of a request


def fits(env: Mapping[str, str]) -> bool:
    """Whether a command with these variables may be started so."""
    return not _cold() and all(name.startswith(_KNOWN) for name in env)


def _cold() -> bool:
    """Such sockets and a fork without surprises are Linux's."""
    return bool(os.environ.get(COLD)) or not sys.platform.startswith("linux")


# Where the tests run ----


def run(argv: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float) -> tuple[int, str, str]:
    """Run a command to its end.

    Args:
        argv: of the `veille` command; or "-m", a module of tests/support, and its arguments.
        env: the whole environment of the command.
        timeout: seconds.

    Returns:
        the exit code, negative for a signal, and what it wrote on both streams.

    Raises:
        AssertionError: it is still running after `timeout`.
    """
    if _cold():
        command = [sys.executable, *argv] if argv[0] == "-m" else argv
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, check=False)
        return done.returncode, done.stdout, done.stderr
    asked = json.dumps({"argv": list(argv), "cwd": str(cwd), "env": dict(env)}).encode()
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(2)]
        line.connect(str(next(_servers())))
        line.settimeout(timeout)
        socket.send_fds(line, [asked], [stream.fileno() for stream in streams])
        pid = int(line.recv(100))
        try:
            code = int(line.recv(100))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"still running after {timeout} s: {argv}\n{_written(streams)}") from None
        return code, *_written(streams)


def _written(streams: Sequence[Any]) -> tuple[str, str]:
    out, err = (os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0).decode() for stream in streams)
    return out.replace("\r\n", "\n"), err.replace("\r\n", "\n")


_starting = threading.Lock()


def _servers() -> Iterator[Path]:
    with _starting:
        return _started()


@cache
def _started() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="warm"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    servers = [_start(folder / str(number)) for number in range(_SERVERS)]
    for server in servers:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
    return itertools.cycle(folder / str(number) for number in range(_SERVERS))


def _start(path: Path) -> subprocess.Popen[bytes]:
    """A server; it ends when its standard input does."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR") if name in os.environ}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm_veille", str(path)],
        cwd=Path(__file__).parents[2],
        env={**kept, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(_stop, server)
    return server


def _stop(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.close()
    server.stdout.close()
    server.wait()


# The server ----


def serve(path: str) -> None:
    """Wait for commands. Returns in a new process for each of them, ready to run it."""
    for name in LOADED:
        importlib.import_module(name)
    _compile_templates()
    assert threading.active_count() == 1, "a fork leaves threads behind"
    gc.freeze()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(path)
        door.listen(64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a guardian ended
        os.write(1, b"ready\n")
        while 0 not in select.select([door.fileno(), 0], [], [])[0]:
            line, _address = door.accept()
            with line:
                if os.fork() == 0:
                    door.close()
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return _guard(line)
    os._exit(0)


def _compile_templates() -> None:
    """Shipped templates, which every command that renders would compile again."""
    from veille.config import FILE_NAME, load
    from veille.rendering import templating

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, FILE_NAME).touch()
        environment = templating._environment(load(Path(folder), {}))
        for name in environment.list_templates(["j2"]):
            environment.get_template(name)


def _guard(line: socket.socket) -> None:
    """Fork once more, tell how that process ended, and end; in that process itself, return."""
    asked, streams, _flags, _address = socket.recv_fds(line, _LONGEST, 2)
    if (pid := os.fork()) == 0:
        line.close()
        return _become(json.loads(asked), streams)
    with contextlib.suppress(BrokenPipeError):  # who asked is gone
        line.send(str(pid).encode())
        line.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    os._exit(0)


def _become(asked: dict[str, Any], streams: Sequence[int]) -> None:
    """What a shell does before it starts a command."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate((nothing, *streams)):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = asked["argv"]


def _run() -> None:
    """The command itself."""
    from tests.support.quick_veille import quicken
    from veille_cli.app import main

    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return
    sys.modules["__main__"].__package__ = ""  # else help says "python -m tests.support.veille"
    if "VEILLE_TEST_CHUNK" in os.environ:
        quicken()
    main()


if __name__ == "__main__":
    serve(sys.argv[1])
    _run()
