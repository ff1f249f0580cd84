"""Posters and the form for other sites: the code is read back, and nothing on them betrays or follows anybody."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support import qr_reader
from tests.support.content import newsroom
from veille.config import Config
from veille.rendering import Contact
from veille_publishers.paper import Paper, Poster, qr_svg, typed

DANGER = (Contact("Police secours", "17", "tel:17"), Contact("Urgence par SMS", "114", "sms:114"))
WORRIED = (Contact("Allô Enfance en danger", "119", "tel:119"),)
TOWNS = ("Bagneux", "Fontenay-aux-Roses")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


class Seen(HTMLParser):
    """The tags of a page with their attributes, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize(
    "url",
    ["https://a.fr/s/", "https://kesskispass.example.org/subscribe/", "https://jeunes.example.org/lettre/subscribe/"],
)
def test_a_telephone_reads_the_code(url: str) -> None:
    code = qr_reader.read(qr_svg(url))
    assert code.text == url
    assert (code.level, code.quiet) == ("Q", 4)


def test_the_reader_itself_sees_a_wrong_module() -> None:
    """One module of the data changes the text: what it reads is what is drawn."""
    drawn = qr_svg("https://a.fr/s/")
    places = qr_reader._data_places(25, 2)
    row, column = list(places)[19]  # the last bit of the first letter
    matrix = qr_reader._modules(drawn)
    matrix[row + 4][column + 4] ^= True
    path = "".join(f"M{c} {r}.5h1m0 0" for r, line in enumerate(matrix) for c, dark in enumerate(line) if dark)
    changed = qr_reader.read(f'<svg viewBox="0 0 33 33"><path stroke="#000" d="{path}"/></svg>')
    assert changed.text == "ittps://a.fr/s/"


def test_the_code_leads_to_the_form_and_says_nothing_of_who_comes(config: Config) -> None:
    paper = Paper(config)
    html = paper.posters(tuple(Poster(town, DANGER, WORRIED) for town in TOWNS))
    codes = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    read = {qr_reader.read(code).text for code in codes}
    assert len(codes) == len(TOWNS)
    assert read == {"https://veille.example.org/subscribe/"}
    assert typed(read.pop()) == "veille.example.org/subscribe"
    seen = Seen(html)
    assert [section["class"] for section in seen.all("section")] == ["paper"] * len(TOWNS)
    assert all(town in seen.words for town in TOWNS)
    assert "veille.example.org/subscribe" in seen.words
    for number in ("17", "114", "119"):
        assert number in seen.words


def test_a_page_loads_nothing(config: Config) -> None:
    html = Paper(config).posters((Poster("Bagneux", DANGER, WORRIED),))
    seen = Seen(html)
    (policy,) = [m["content"] or "" for m in seen.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert not seen.all("script") + seen.all("link") + seen.all("iframe")
    sources = re.findall(r"""(?:src|href)="([^"]*)"|url\(["']?([^)"']*)""", html)
    assert all(one.startswith(("data:", "tel:", "sms:")) for pair in sources for one in pair if one)
    assert "font-family:Lexend,-apple-system" in html  # quotation marks of the style sheet are its own
    assert "&#39;Segoe" not in html


def test_a_poster_without_towns_and_numbers_still_says_112(config: Config) -> None:
    seen = Seen(Paper(config).posters((Poster("", (), ()),)))
    assert "112" in seen.words


def test_the_form_asks_for_the_address_alone_and_needs_nothing_from_elsewhere(config: Config) -> None:
    html = Paper(config).form("trap")
    seen = Seen(html)
    (form,) = seen.all("form")
    assert (form["action"], form["method"]) == ("https://veille.example.org/subscribe/", "post")
    assert "target" not in form
    fields = {field["name"]: field for field in seen.all("input")}
    assert set(fields) == {"email", "trap"}
    address = fields["email"]
    assert (address["type"], address["autocomplete"], address["inputmode"]) == ("email", "email", "email")
    assert "value" not in address
    labels = {label["for"] for label in seen.all("label")}
    assert {field["id"] for field in fields.values()} == labels
    assert address["aria-describedby"] in {p.get("id") for p in seen.all("p")}
    assert (fields["trap"]["tabindex"], fields["trap"]["autocomplete"]) == ("-1", "off")
    assert [link["href"] for link in seen.all("a")] == ["https://veille.example.org/privacy/"]
    known = {"form", "p", "label", "br", "input", "button", "a"}
    assert {tag for tag, _attributes in seen.tags} == known
    assert not any(name.startswith("on") for _tag, attributes in seen.tags for name in attributes)


def test_words_of_the_newsroom_cannot_break_out_of_the_form(tmp_path: Path) -> None:
    made = newsroom(tmp_path)
    workspace = made.settings.workspace.model_copy(update={"name": '<b onload="x">Essai'})
    config = made.model_copy(update={"settings": made.settings.model_copy(update={"workspace": workspace})})
    seen = Seen(Paper(config).form("trap"))
    assert "b" not in {tag for tag, _attributes in seen.tags}
    assert '<b onload="x">Essai' in seen.words
