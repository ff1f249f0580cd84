"""HTML to PDF by a Chromium of this machine, which gets no network, no secrets and a profile that is thrown away."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from veille.errors import VeilleError
from veille.i18n import gettext as _

CHROMIUM = "VEILLE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "microsoft-edge", "msedge")
PATIENCE = 60.0  # seconds for one PDF
_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")

_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",  # numbers need no resolver: nothing listens there
    "--proxy-bypass-list=<-loopback>",
    "--no-pdf-header-footer",
    "--export-tagged-pdf",
    "--generate-pdf-document-outline",
)


class NoBrowser(VeilleError):
    """There is no Chromium on this machine, so that nothing can be printed to PDF here."""

    code = "no-browser"


def find_chromium(environ: Mapping[str, str]) -> str:
    """The browser that prints: the one that VEILLE_CHROMIUM names, else the first of `NAMES` on PATH.

    Raises:
        NoBrowser: there is none.
    """
    named = environ.get(CHROMIUM, "")
    found = (shutil.which(name, path=environ.get("PATH")) for name in ([named] if named else NAMES))
    if program := next((path for path in found if path), None):
        return program
    raise NoBrowser(
        _("{name} is not a program").format(name=named) if named else _("there is no Chromium on this machine"),
        hint=_("print the HTML page from any browser, or install Chromium; {name} may name one").format(name=CHROMIUM),
    )


def pdf(html: str, program: str, *, patience: float = PATIENCE) -> bytes:
    """Print a page as a tagged PDF without header and footer.

    Args:
        html: complete in itself; whatever else it names is not loaded.
        program: path of a Chromium.
        patience: seconds.

    Raises:
        VeilleError: the browser failed, or took too long; nothing is left behind.
    """
    with tempfile.TemporaryDirectory(prefix="veille-paper-", ignore_cleanup_errors=True) as folder:
        page, made = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(html, encoding="utf-8")
        flags = [*_FLAGS, f"--user-data-dir={Path(folder, 'profile')}", f"--print-to-pdf={made}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container: Chromium has no sandbox for root
            flags.append("--no-sandbox")
        said = _run([program, *flags, page.as_uri()], Path(folder), patience)
        if made.is_file() and (content := made.read_bytes()).startswith(b"%PDF-"):
            return content
    raise VeilleError(
        _("{program} made no PDF: {reason}").format(program=Path(program).name, reason=said or "?"),
        hint=_("print the HTML page from any browser"),
    )


def sides(content: bytes) -> int:
    """How many pages a PDF of Chromium has."""
    return len(_PAGE.findall(content))


def _run(command: list[str], folder: Path, patience: float) -> str:
    """Run it with nothing of our environment but PATH; returns its last words. Its children end with it."""
    process = subprocess.Popen(  # noqa: S603 (a program that the operator installed, on a page of ours)
        command,
        cwd=folder,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "LC_ALL": "C.UTF-8",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _out, said = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        return _("it took longer than {seconds} seconds").format(seconds=round(patience))
    finally:
        _end(process)
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][-200:] if lines else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole group: a browser is several processes."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()
