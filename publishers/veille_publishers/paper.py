"""What is printed: the call sheet, posters with a QR code, and the form that other sites paste in.

Pages hold everything that they show, so that one file can be mailed or opened anywhere; `printing` makes PDF of them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from veille.config import Config
from veille.i18n import gettext as _
from veille.rendering.templating import Templates, shipped
from veille.two_sides import SIDES, estimated_sides, fitted, turns
from veille_publishers.printing import sides

if TYPE_CHECKING:
    from veille.callsheet import Sheet
    from veille.rendering import Contact

QUIET_ZONE = 4  # modules on each side (ISO/IEC 18004:2015, 6.3.8)
_PESSIMISM = 1.15  # an estimate is at most so much above what a browser measures


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
        return re.sub(r"[ \u00a0\u202f]+", " ", re.sub(r"\n{3,}", "\n\n", text)).strip() + "\n"

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


def _data(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
