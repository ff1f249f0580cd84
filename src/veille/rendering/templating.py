"""Templates: the workspace's `templates/` first, then the shipped ones of the same name.

Templates are sandboxed and strict: an unknown name is an error with its line, never an empty place in a
letter. The template engine is loaded on first use, so that `veille --help` does not pay for it.
"""

from __future__ import annotations

import re
import traceback
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veille import brand as tokens
from veille import i18n
from veille.config import Config
from veille.errors import RenderError
from veille.i18n import gettext as _
from veille.timetable import day_in_words

if TYPE_CHECKING:
    from jinja2 import Environment

ESCAPED = ("html", "xml", "svg", "mjml", "html.j2", "xml.j2", "svg.j2", "mjml.j2")


def shipped() -> Path:
    """The folder of shipped templates, in a wheel or in a source checkout."""
    packaged = Path(str(files("veille"))) / "_templates"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "templates"


class Templates:
    """Template look-up with the newsroom's identity at hand.

    Every template sees `brand`, `newsroom` (its name), `base_url`, `language`, `publisher` ([web] of veille.toml), `_`,
    `ngettext` and the tokens of the look: TYPE, SPACE, RADIUS, LINE_HEIGHT, MEASURE, LETTER_WIDTH, SYSTEM_FONTS.
    `contact_html(contact, words_lang)`, `contact_text(contact)`, `call_label(href, number)`, `access_words(contact)`,
    `wrap(text, width, indent, first)` and the filter `shift_headings(levels)` keep letter, pages and text alike.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.base_url = config.settings.workspace.base_url
        self._made: Environment | None = None

    def render(self, name: str, /, **values: Any) -> str:
        """Fill the template `name` ("newsletter/letter.mjml.j2").

        Raises:
            RenderError: it does not exist, or fails; the message names template and line.
        """
        from jinja2 import TemplateError, TemplateNotFound

        try:
            return self._environment.get_template(name).render(**values)
        except TemplateNotFound as error:
            raise RenderError(
                _("there is no template {name}").format(name=error.name or name),
                hint=_("templates stand in `templates/`; delete yours to use the shipped one again"),
            ) from error
        except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            where, line = _place(error, name)
            raise RenderError(
                _("template {name}, line {line}: {error}").format(name=where, line=line, error=error),
                hint=_("mend the template, or delete it in `templates/` to use the shipped one again"),
            ) from error

    @property
    def _environment(self) -> Environment:
        if self._made is None:
            self._made = _environment(self.config)
        return self._made


def _environment(config: Config) -> Environment:
    from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape

    from veille.rendering.compiled import COMPILED
    from veille.rendering.sandbox import Sandbox

    environment = Sandbox(
        loader=FileSystemLoader([config.root / "templates", shipped()]),
        autoescape=select_autoescape(enabled_extensions=ESCAPED, default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=COMPILED,
    )
    environment.globals.update(_globals(config))
    environment.globals.update(_words())
    environment.filters["shift_headings"] = shift_headings
    return environment


def _globals(config: Config) -> dict[str, Any]:
    look = ("TYPE", "SPACE", "RADIUS", "LINE_HEIGHT", "MEASURE", "LETTER_WIDTH", "SYSTEM_FONTS")
    return {
        "_": i18n.gettext,
        "ngettext": i18n.ngettext,
        "brand": config.brand,
        "newsroom": config.brand.name,
        "base_url": config.settings.workspace.base_url,
        "language": config.settings.workspace.language,
        "publisher": config.settings.web,
        "spoken": i18n.active,
        "tongue": _tongue,
        "day_words": lambda day: day_in_words(day, config.settings.workspace.language),
        **{name: getattr(tokens, name) for name in look},
    }


def _tongue(language: str, around: str = "") -> Any:
    """` lang="de"` for words in another language than those around them (WCAG 3.1.2); "" where it is the same.

    Args:
        around: the language of what stands around them; "" for that of our own words.
    """
    from markupsafe import Markup

    around = around or i18n.active()
    foreign = language and i18n.short(language) != i18n.short(around)
    return Markup(' lang="{}"').format(language) if foreign else ""


def _words() -> dict[str, Any]:
    """Helpers that keep letter, pages and text alike."""
    from markupsafe import Markup

    from veille import markdown
    from veille.markdown import plaintext

    return {
        "access_words": markdown.access_words,
        "call_label": markdown.call_label,
        "contact_html": lambda contact, words_lang="": Markup(markdown.contact_html(contact, words_lang)),  # noqa: S704 (escaped there)
        "contact_text": plaintext.contact_text,
        "wrap": plaintext.fill,
    }


def shift_headings(html: str, by: int) -> Any:
    """Move the headings of a clean body down, where it stands under a title that is deeper than <h1>.

    Args:
        html: `RenderedPost.html`.
        by: how many levels; <h6> is the floor.
    """
    from markupsafe import Markup

    def deeper(match: re.Match[str]) -> str:
        return f"{match[1]}{min(int(match[2]) + by, 6)}>"

    return Markup(re.sub(r"(</?h)([2-6])>", deeper, html))  # noqa: S704 (cleaned by nh3 before)


def _place(error: Exception, name: str) -> tuple[str, int]:
    """Template and line: from the error itself, else from the deepest template frame of its traceback."""
    if (line := getattr(error, "lineno", None)) is not None:
        return getattr(error, "name", None) or name, line
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
    if not frames:
        return name, 0
    path = Path(frames[-1].filename)
    return "/".join(path.parts[-2:]), frames[-1].lineno or 0
