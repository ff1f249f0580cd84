"""Every word that a reader sees is said by the voice of its language: `lang` is what the words are (WCAG 3.1.1, 3.1.2).

Our own words are French or English. A newsroom may write in any language, also in one that we do not speak.
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.content import newsroom
from tests.support.public_pages import context, edition, post, publication
from tests.support.site_desk import running
from tests.support.workspace import TOML
from veille import i18n
from veille.i18n import gettext as _
from veille.rendering import Contact
from veille.rendering.templating import Templates
from veille_cli.application import build
from veille_publishers.letter import letter_payload
from veille_publishers.web import Web

LINE = Contact("Nummer gegen Kummer", "116 111", "tel:116111", "Für Kinder")
VOID = {"meta", "link", "img", "input", "br", "hr"}


class Tongues(HTMLParser):
    """The language of each text of a page, as a screen reader takes it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: dict[str, set[str]] = {}
        self._open: list[str] = [""]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A language holds for all that is inside."""
        if tag not in VOID:
            self._open.append(dict(attrs).get("lang") or self._open[-1])

    def handle_endtag(self, tag: str) -> None:
        """Back to what was around it."""
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Some words."""
        if words := " ".join(data.split()):
            self.said.setdefault(words, set()).add(self._open[-1])


def site(root: Path, language: str, *sources: Any) -> dict[str, Tongues]:
    web = Web(context(root, workspace={"language": language}))
    standing = [publication(web, source, hours=n) for n, source in enumerate(sources)]
    files = {piece.name: piece.make() for piece in web.pieces(standing)}
    return {name: Tongues(made.decode()) for name, made in files.items() if name.endswith(".html")}


def item(name: str, lang: str, **values: Any) -> Any:
    return post(
        name,
        lang=lang,
        title=f"Titel {name}",
        html="<p>Die Suppe ist heiß.</p>",
        date_words="Mittwoch, 25. November 2026",
        when_words="Freitag, 18 Uhr",
        origin="das Rathaus",
        helplines=(LINE,),
        contacts=(LINE,),
        kind_label=_("Service"),
        **values,
    )


OURS = (
    "Go to the content",
    "All posts",
    "Who to call?",
    "The letter in your mailbox",
    "By topic",
    "Who to contact",
    "When",
)


def test_a_language_that_veille_does_not_speak_is_not_said_of_its_words(tmp_path: Path) -> None:
    first, second = (
        item("a", "de", towns=("Bagneux",), sensitive=True),
        item("b", "de", related=("content/posts/a.md",)),
    )
    pages = site(tmp_path, "de", first, second, edition("e", [first, second], lang="de", title="Ausgabe 1"))
    page = pages["posts/b/index.html"].said
    for words in (*OURS, "Source: das Rathaus"):
        assert page[words] == {"en"}, words
    for words in ("Titel b", "Die Suppe ist heiß.", "Mittwoch, 25. November 2026", "Freitag, 18 Uhr"):
        assert page[words] == {"de"}, words
    assert (page["Für Kinder"], page["Nummer gegen Kummer"]) == ({"de"}, {"de"})
    assert pages["posts/a/index.html"].said["Leave this site"] == {"en"}
    issue = pages["editions/e/index.html"].said
    assert (issue["Ausgabe 1"], issue["Who to contact"], issue["Titel b"]) == ({"de"}, {"en"}, {"de"})
    listed = pages["posts/index.html"].said
    assert (listed["2 posts"], listed["Titel b"], listed["Freitag, 18 Uhr"]) == ({"en"}, {"de"}, {"de"})


def test_a_post_in_another_language_stands_among_our_words_in_ours(tmp_path: Path) -> None:
    with i18n.speaking("fr"):
        page = site(tmp_path, "fr", item("a", "de"))["posts/a/index.html"].said
        ours = [" ".join(_(words).split()) for words in OURS]
    assert "All posts" not in ours
    for words in ours:
        assert page[words] == {"fr"}, words
    assert (page["Titel a"], page["Die Suppe ist heiß."]) == ({"de"}, {"de"})
    assert page["Mittwoch, 25. November 2026"] == {"fr"}  # a date is in the language of the newsroom


def test_where_all_is_in_one_language_no_mark_is_in_the_middle_of_it(tmp_path: Path) -> None:
    with i18n.speaking("fr"):
        web = Web(context(tmp_path))
        pieces = {piece.name: piece for piece in web.pieces([publication(web, item("a", "fr"), hours=1)])}
        page = pieces["posts/a/index.html"].make().decode()
    page = page.partition("<main")[2].partition("</main>")[0]
    assert "lang=" not in page


@pytest.mark.parametrize(("asked", "spoken"), [("de", "en"), ("fr", "fr"), ("en-GB", "en"), ("fr_FR.UTF-8", "fr")])
def test_the_active_language_is_that_of_the_words(asked: str, spoken: str) -> None:
    with i18n.speaking(asked):
        assert i18n.active() == spoken


def test_the_forms_and_the_mail_say_the_language_of_their_words(tmp_path: Path) -> None:
    with running(tmp_path, toml=TOML.replace('language = "en"', 'language = "de"')) as served:
        for path in ("/subscribe/", "/c/x", "/nowhere/"):
            assert '<html lang="en">' in served.get(path).text
        served.subscribe("amel@example.org")
        [mail] = served.mails()
    assert 'lang="en"' in mail.get_body(("html",)).get_content()
    assert 'lang="de"' not in mail.get_body(("html",)).get_content()
    assert mail["Content-Language"] == "en"


def test_a_page_of_records_is_in_the_language_of_our_words_and_passes_the_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom(tmp_path)
    monkeypatch.setenv("VEILLE_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("VEILLE_NOW", "2026-11-25T09:00:00+01:00")
    monkeypatch.setenv("VEILLE_WORKSPACE__LANGUAGE", "de")
    answer = CliRunner().invoke(build(), ["check", "--json"])
    assert "shown-lang" not in answer.output
    done = CliRunner().invoke(build(), ["publish", "--channel", "web", "--yes", "--json"])
    assert "shown-lang" not in done.output


def test_a_letter_in_a_language_that_veille_does_not_speak_marks_our_words(tmp_path: Path) -> None:
    issue = edition("e", [item("a", "de")], lang="de", title="Ausgabe 1")
    templates = Templates(context(tmp_path, workspace={"language": "de"}).config)
    page = Tongues(letter_payload(issue, templates)["letters"]["de"]["html"]).said
    [leave] = [words for words in page if words.startswith("Unsubscribe")]
    assert page[leave] == {"en"}
    assert page["Titel a"] == {"de"}
