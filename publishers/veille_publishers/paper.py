"""What is printed: the call sheet, posters with a QR code, and the form that other sites paste in.

Pages hold everything that they show, so that one file can be mailed or opened anywhere. PDF comes from a Chromium of
this machine, which gets no network, no secrets and a profile that is thrown away.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from veille.config import Config
from veille.errors import VeilleError
from veille.fitting import SIDES, estimated_sides, fitted, turns
from veille.i18n import gettext as _
from veille.rendering.templating import Templates, shipped

if TYPE_CHECKING:
    from veille.callsheet import Sheet
    from veille.rendering import Contact

CHROMIUM = "VEILLE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "microsoft-edge", "msedge")
PATIENCE = 60.0  # seconds for one PDF
QUIET_ZONE = 4  # modules on each side (ISO/IEC 18004:2015, 6.3.8)
_PESSIMISM = 1.15  # an estimate is at most so much above what a browser measures
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


@dataclass(frozen=True)
class Poster:
    """One A4 page.

    Args:
        town: name; "" for none.
        danger: the numbers for danger, then `worried`: other help lines.
    """

    town: str
    danger: tuple[Contact, ...]
    worried: tuple[Contact, ...]


class Paper:
    """Fills the templates in `templates/paper/`."""

    def __init__(self, config: Config, templates: Templates | None = None) -> None:
        self._config = config
        self._templates = templates or Templates(config)
        base = config.settings.workspace.base_url
        self.subscribe_url = f"{base}/subscribe/"
        self.privacy_url = f"{base}/privacy/"

    def call_sheet(self, sheet: Sheet) -> str:
        """The page of a sheet, as it is.

        Raises:
            RenderError: the template fails.
        """
        return self._page("call-sheet.html.j2", sheet=sheet, turn=turns(sheet))

    def call_sheet_text(self, sheet: Sheet) -> str:
        """The same in plain text, one fact a line, to be read aloud or copied into a text message.

        Spaces are plain ones: the others would make a text message three times as long (GSM 03.38 has none of them).
        """
        from veille.markdown import label_with_colon

        text = self._templates.render("paper/call-sheet.txt.j2", sheet=sheet, colon=label_with_colon)
        return re.sub(r"[\u00a0\u202f]", " ", re.sub(r"\n{3,}", "\n\n", text)).strip() + "\n"

    def posters(self, posters: tuple[Poster, ...]) -> str:
        """A page for each poster, all with the same code.

        The code leads to the form without saying which town: nothing there is ticked beforehand, and an address that
        tells the town of whoever comes would be kept in a browser's history.
        """
        return self._page(
            "poster.html.j2", posters=posters, code=qr_svg(self.subscribe_url), typed=typed(self.subscribe_url)
        )

    def form(self, trap: str) -> str:
        """HTML to paste into another site: no script, no style sheet, nothing from a third party.

        Where it is sent to, we ask once more on a page of ours: another site cannot vouch for consent. Form and link
        open in the same tab: a new one that nobody asked for takes the way back away (RGAA 4.1, 13.2).

        Args:
            trap: the name of a field that people do not see and programs fill in.
        """
        text = self._templates.render(
            "paper/form.html.j2", subscribe_url=self.subscribe_url, privacy_url=self.privacy_url, trap=trap
        )
        return re.sub(r"\n{2,}", "\n", text).strip() + "\n"

    def _page(self, template: str, **values: Any) -> str:
        page = self._templates.render(f"paper/{template}", font=self._font, logo=self._logo, **values)
        return re.sub(r"\n{2,}", "\n", page).strip() + "\n"

    @property
    def _font(self) -> str:
        own = self._config.root / "templates" / "web" / "lexend.woff2"
        return _data(own if own.is_file() else shipped() / "web" / "lexend.woff2", "font/woff2")

    @property
    def _logo(self) -> str:
        """The newsroom's own; "" for its name in letters."""
        path = self._config.brand.logo
        kinds = {".png": "image/png", ".svg": "image/svg+xml", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
        file = self._config.root / path
        return _data(file, kinds.get(file.suffix.lower(), "image/png")) if path and file.is_file() else ""


def fitted_sheet(sheet: Sheet, paper: Paper, to_pdf: Callable[[str], bytes] | None) -> tuple[Sheet, bytes]:
    """The sheet on its two sides, and its PDF where a browser makes one, which then measures it.

    Args:
        to_pdf: HTML -> PDF; None: the height is estimated alone.

    Raises:
        VeilleError: as `to_pdf`.
    """
    made: list[bytes] = [b""]

    def fits(tried: Sheet) -> bool:
        guess = estimated_sides(tried)
        if to_pdf is None or guess > SIDES * _PESSIMISM:  # no need to measure: a browser takes a second
            return guess <= SIDES
        made[0] = to_pdf(paper.call_sheet(tried))
        return sides(made[0]) <= SIDES

    chosen = fitted(sheet, fits)
    if to_pdf is not None and not made[0]:  # even the shortest is too long
        made[0] = to_pdf(paper.call_sheet(chosen))
    return chosen, made[0]


# codes and addresses


def qr_svg(url: str) -> str:
    """A QR code as SVG without a size of its own, black on white, with its quiet zone.

    Error correction Q: a quarter of it may be torn, scribbled on or in the light (ISO/IEC 18004).
    """
    import segno

    code = segno.make_qr(url, error="q", boost_error=False)
    drawn: str = code.svg_inline(
        border=QUIET_ZONE, omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    label = _("Code to scan: it opens {address}").format(address=typed(url))
    return drawn.replace("<svg", f'<svg role="img" aria-label="{label}" shape-rendering="crispEdges"', 1)


def typed(url: str) -> str:
    """An address as people type it: "lettre.example.org/subscribe"."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/")


# PDF


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
        return _("it took longer than {n} seconds").format(n=round(patience))
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


def _data(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
