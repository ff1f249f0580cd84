from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.sample_letter import compose_letter
from tests.unit.test_markdown import XSS
from tests.unit.test_rendering import config, library, post
from veille import i18n
from veille.brand import DARK, LIGHT, Palette, contrast, pairs
from veille.errors import ContentError, RenderError
from veille.posts import Event, Kind, Post
from veille.rendering import Cover, RenderedEdition, Templates, render_edition, render_post
from veille.rendering.rendered import Picture
from veille_publishers.letter import (
    PREFERENCES_SLOT,
    SLOTS,
    UNSUBSCRIBE_SLOT,
    Letter,
    reading_order,
)
from veille_publishers.mjml_check import unknown

SITE = "https://essai.example.org"
DUE = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
VOID = {"meta", "br", "img", "hr", "link", "input"}
PICTURE = Picture("0123456789abcdef0123.jpg", 1200, 800, 'Un "panier" & du\u00a0pain', "Dessin")
BODY = """
## Où aller ?

Viens à 14h30, avec [ton dossier](https://partenaire.example.org/d?a=1&b=2) ou écris à <aide@example.org>.

- un
- deux, ou appelle {{ helpline: 3919 }}

{{ partner: ccas }}
"""


def edition(root: Path, *posts: Post, **changes: object) -> RenderedEdition:
    made = [render_post(one, library(), config(root), now=DUE) for one in posts or (post(body=BODY),)]
    cover = Cover("n12", "n12", "Lettre n° 12", "Sujet <b> & 5 € !", "Et aussi", intro="Bonjour *toi*.")
    result = render_edition(cover, made, library(), config(root), due=DUE)
    return replace(result, **changes)  # type: ignore[arg-type]


def compose(root: Path, *posts: Post, **changes: object) -> Letter:
    return compose_letter(edition(root, *posts, **changes), Templates(config(root)))


class _Reader(HTMLParser):
    """Collects tags and visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._silent += tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_both_parts_hold_the_personal_links_once(tmp_path: Path) -> None:
    letter = compose(tmp_path)
    for part in (letter.html, letter.text):
        assert [part.count(slot) for slot in SLOTS] == [1, 1]
    hrefs = [link["href"] for link in _Reader(letter.html).all("a")]
    assert UNSUBSCRIBE_SLOT in hrefs
    assert PREFERENCES_SLOT in hrefs


def test_a_post_cannot_fake_the_personal_links(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=UNSUBSCRIBE_SLOT):
        compose(tmp_path, post(body=f"[sortir](https://x.example/{UNSUBSCRIBE_SLOT})"))


def test_a_template_cannot_lose_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "templates/newsletter").mkdir(parents=True)
    (tmp_path / "templates/newsletter/letter.txt.j2").write_text("rien")
    with pytest.raises(RenderError, match=r"letter\.txt\.j2"):
        compose(tmp_path)


@pytest.mark.parametrize("attack", [one for one in XSS if "partner" not in one])
def test_no_attack_reaches_the_letter(tmp_path: Path, attack: str) -> None:
    try:
        letter = compose(tmp_path, post(title=attack, body=f"Avant {attack}\n\n{attack}", origin=attack))
    except ContentError:
        return
    reader = _Reader(letter.html)
    names = {name for name, _attributes in reader.tags}
    assert not names & {"script", "iframe", "svg", "object", "form", "mj-raw", "mj-include", "link"}
    assert len(reader.all("h1")) == 1
    for _name, attributes in reader.tags:
        assert not [key for key in attributes if key.startswith("on")]
        assert not re.match(r"(?i)\s*(javascript|data|vbscript):", attributes.get("href", ""))
    assert reader.all("img") == []


def test_post_text_is_never_a_template(tmp_path: Path) -> None:
    letter = compose(tmp_path, post(title="{{ 7*7 }}", body="{{7*7}} {% x %} </mj-text> VEILLE-CONTENT-0-"))
    for part in (letter.html, letter.text):
        assert "{{7*7}} {% x %}" in part
        assert "{{ 7*7 }}" in part
        assert "VEILLE-CONTENT-0-" in part
        assert "49" not in re.sub(r"#\w+", "", part)


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    made = edition(tmp_path)
    pictured = replace(made, posts=tuple(replace(one, pictures=(PICTURE,)) for one in made.posts))
    html = compose_letter(pictured, Templates(config(tmp_path))).html
    loaded = re.findall(r"(?:src|background|srcset|poster)\s*=\s*[\"']([^\"']+)", html)
    loaded += re.findall(r"url\(([^)]*)\)|@import", html)
    assert loaded == [f"{SITE}/media/{PICTURE.name}"]
    known = {"essai.example.org", "partenaire.example.org", "www.w3.org"}
    assert {urlsplit(url).hostname for url in re.findall(r"https?://[^\s\"'<>)]+", html)} <= known
    assert "<link" not in html
    assert "fonts." not in html


def test_pictures_have_size_and_alternative_text(tmp_path: Path) -> None:
    made = edition(tmp_path)
    pictured = replace(made, posts=tuple(replace(one, pictures=(PICTURE,)) for one in made.posts), picture=PICTURE)
    reader = _Reader(compose_letter(pictured, Templates(config(tmp_path))).html)
    for image in reader.all("img"):
        assert image["alt"] == PICTURE.alt
        assert int(image["width"]) * 2 == pytest.approx(int(image["height"]) * 3, abs=2)
    assert len(reader.all("img")) == 2


def test_html_and_text_say_the_same(tmp_path: Path) -> None:
    event = Event(DUE, place="Salle A", url="https://inscription.example.org/x")
    letter = compose(tmp_path, post(body=BODY, event=event, origin="Une source", urgent=True, partners=("ccas",)))
    reader = _Reader(letter.html)
    shown = " ".join(reader.words)
    for pattern in (r"[\w.]+@[\w.]+\w", r"\d+", r"[^\W\d_]{4,}"):
        in_html, in_text = (set(re.findall(pattern, part)) for part in (shown, letter.text))
        extra = {"Number", "whom", "when", "essai", "example", "https", "editions", "posts", "repas", "partenaire"}
        extra |= {"aussi", "VEILLE", "UNSUBSCRIBE", "PREFERENCES", "inscription", "Essai"}
        assert in_html - in_text <= extra
        assert in_text - in_html <= extra | {"1", "2"}  # the query of a link, shown only in text
    for link in reader.all("a"):
        if link["href"].startswith("http"):
            assert link["href"] in letter.text


def test_numbers_can_be_called_and_are_named(tmp_path: Path) -> None:
    reader = _Reader(compose(tmp_path).html)
    calls = [link for link in reader.all("a") if link["href"].startswith(("tel:", "sms:"))]
    assert {link["href"] for link in calls} == {"tel:3919", "sms:114", "tel:0199001234", "sms:0639981234"}
    assert all("\\u" not in link["aria-label"] and link["aria-label"] for link in calls)
    scopes = [cell.get("scope") for cell in reader.all("th")]
    assert scopes == ["col", "col", "row", "row"]


def test_contacts_of_the_front_matter_are_in_both_parts(tmp_path: Path) -> None:
    letter = compose(tmp_path, post(body="Un mot.", partners=("ccas",), helplines=("3989",)))
    for part in (letter.html, letter.text):
        assert "39\u00a089" in part
        assert "01\u00a099\u00a000\u00a012\u00a034" in part


def test_help_lines_are_in_every_letter(tmp_path: Path) -> None:
    letter = compose(tmp_path, posts=())
    assert "39\u00a019" in letter.html
    assert "39\u00a019" in letter.text


def test_it_reads_well_aloud(tmp_path: Path) -> None:
    html = compose(tmp_path, post(body=BODY), post(body="### x", lang="en")).html
    reader = _Reader(html)
    assert reader.all("html")[0]["lang"] == "fr"
    levels = [int(name[1]) for name, _attributes in reader.tags if re.fullmatch(r"h\d", name)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    tables = [table.get("role") for table in reader.all("table")]
    assert tables.count(None) == 1  # the help table; all others are layout
    assert [one for one in reader.all("h2") if one.get("lang") == "en"]


def test_a_sensitive_post_starts_with_the_discreet_line(tmp_path: Path) -> None:
    letter = compose(tmp_path, post(title="Parler", sensitive=True))
    for part in (letter.html, letter.text):
        assert part.index("over your shoulder") < part.index("Parler")
    assert "over your shoulder" not in compose(tmp_path).html


def test_no_anchor_no_tracking_no_style_that_french_webmails_drop(tmp_path: Path) -> None:
    html = compose(tmp_path, post(body=BODY, urgent=True)).html
    assert not re.search(r'href="#', html)
    styles = re.findall(r"<style[^>]*>(.*?)</style>", re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL), re.DOTALL)
    outside_media = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^}]*\})*[^}]*\}", "", " ".join(styles))
    assert outside_media.strip() == ""
    assert len(" ".join(styles)) < 8192  # Gmail drops longer ones
    assert "prefers-color-scheme" in html
    assert 'name="color-scheme"' in html
    for colour in (LIGHT.action, LIGHT.highlight, LIGHT.help, DARK.ground, DARK.help):
        assert colour in html


def test_the_size_stays_under_80_kb(tmp_path: Path) -> None:
    words = "Voici une phrase de longueur moyenne, pour faire un article vrai. " * 6
    body = f"{words}\n\n## Comment\n\n{words}\n\n- un\n- deux\n\n## Qui\n\n{words}\n\n{{{{ partner: ccas }}}}"
    posts = [post(slug=f"p{n}", title=f"Un titre assez long n° {n}", body=body) for n in range(12)]
    assert len(body.split()) > 200
    made = edition(tmp_path, *posts)
    pictured = replace(made, posts=tuple(replace(one, pictures=(PICTURE,)) for one in made.posts))
    assert len(compose_letter(pictured, Templates(config(tmp_path))).html.encode()) < 80_000


def test_the_same_edition_gives_the_same_bytes(tmp_path: Path) -> None:
    made = edition(tmp_path)
    assert compose_letter(made, Templates(config(tmp_path))) == compose_letter(made, Templates(config(tmp_path)))
    again = RenderedEdition.from_json(made.to_json())
    assert compose_letter(again, Templates(config(tmp_path))) == compose_letter(made, Templates(config(tmp_path)))


def test_text_lines_are_short(tmp_path: Path) -> None:
    text = compose(tmp_path, post(body=BODY, title="Un titre " * 20)).text
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 72
    assert "\n\n\n" not in text


def test_words_of_the_letter_come_from_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Shouting:
        def gettext(self, message: str) -> str:
            return f"§{message}"

    monkeypatch.setattr(i18n, "_translations", Shouting())
    letter = compose(tmp_path, post(body="1", title="2", event=Event(DUE, place="3")), title="4", intro_html="")
    for part in (" ".join(_Reader(letter.html).words), letter.text):
        for words in ("Who to call?", "Unsubscribe in one click", "Where: ", "Read and share online", "News", "free"):
            assert f"§{words}" in part


def test_posts_are_grouped_by_kind_then_town(tmp_path: Path) -> None:
    def made(source: str, kind: Kind, town: str, urgent: bool = False) -> Post:
        return post(source=source, kind=kind, towns=(town,), urgent=urgent)

    news, deal = Kind.NEWS, Kind.GOOD_DEAL
    posts = edition(
        tmp_path,
        made("a", news, "x"),
        made("b", deal, "y"),
        made("c", news, "y"),
        made("d", news, "x"),
        made("e", deal, "x", urgent=True),
    ).posts
    assert [one.source for one in reading_order(posts)] == ["e", "a", "d", "c", "b"]


@pytest.mark.parametrize(
    ("mjml", "found"),
    [
        ("<mjml><mj-body>\n<mj-foo>", [(2, "<mj-foo>")]),
        ('<mj-text colr="red">', [(1, "<mj-text colr>")]),
        ("<mj-text color=red>", [(1, "<mj-text>")]),
        ("<mj-carousel>", [(1, "<mj-carousel>")]),
        ('<mj-text color="red" padding="0">', []),
    ],
)
def test_unknown_mjml_is_found(mjml: str, found: list[tuple[int, str]]) -> None:
    assert unknown(mjml) == found


@pytest.mark.parametrize("broken", ["<mj-foo></mj-foo>", "<mj-section", "</mj-body>", "<mj-section colr='x' />"])
def test_broken_mjml_is_an_error_of_the_template(tmp_path: Path, broken: str) -> None:
    from veille.rendering.templating import shipped

    source = (shipped() / "newsletter/letter.mjml.j2").read_text()
    (tmp_path / "templates/newsletter").mkdir(parents=True)
    (tmp_path / "templates/newsletter/letter.mjml.j2").write_text(source.replace("</mj-body>", f"{broken}</mj-body>"))
    with pytest.raises(RenderError, match=r"letter\.mjml\.j2"):
        compose(tmp_path)


def test_subject_and_preheader(tmp_path: Path) -> None:
    letter = compose(tmp_path)
    assert letter.subject == "Sujet <b> & 5\u00a0€\u202f!"
    title = re.search(r"<title>(.*?)</title>", letter.html)
    assert title
    assert unescape(title[1]) == letter.subject
    labels = [attributes.get("aria-label") for _name, attributes in _Reader(letter.html).tags]
    assert letter.subject in labels
    assert "Et aussi" in letter.html


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_pair_of_text_and_ground_can_be_read(palette: Palette) -> None:
    assert [name for name, text, ground in pairs(palette) if contrast(text, ground) < 4.5] == []
