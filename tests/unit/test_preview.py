"""Previews of a small newsroom: what is shown of good, broken, unfinished and hostile files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.support.content import newsroom, write
from veille import config as settings
from veille import rendering
from veille.config import Config
from veille.errors import ConfigError, ContentError, Finding
from veille.publishing import Source
from veille_web.preview import Preview, settings_trouble
from veille_web.preview_panels import Desk, Panels, folded, sandboxed

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
GOOD = 'title: Repas partagé\nkind: event\nimage: {src: repas.jpg, alt: "Une grande table"}'
PAGE = "posts/repas/index.html"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path.resolve())


def built(config: Config, *only: str) -> Mapping[str, bytes]:
    return Preview(lambda: NOW, only).build(config)


def page(files: Mapping[str, bytes], name: str = PAGE) -> str:
    return files[name].decode()


def tags_of(content: bytes) -> list[tuple[str, dict[str, str]]]:
    """Every start tag of a page with its attributes."""
    found: list[tuple[str, dict[str, str]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, {name: value or "" for name, value in attrs}))

    reader = Reader()
    reader.feed(content.decode())
    reader.close()
    return found


def test_every_channel_is_on_the_page_of_a_post(config: Config) -> None:
    write(config.root, GOOD, "Venez **tous**.")
    files = built(config)
    html = page(files)
    for channel in ("letter", "text", "web", "feed", "facebook", "instagram"):
        assert f'id="{channel}"' in html
    assert "Venez <strong>tous</strong>" in page(files, "posts/repas/letter.html")
    assert "Venez" in page(files, "posts/repas/letter.txt")
    assert "Venez" in page(files, "posts/repas/feed.html")
    assert "Venez" in page(files, "site/posts/repas/index.html")
    assert html.count("Une grande table") >= 4  # alt and its own line, on Facebook and on Instagram
    assert html.count("/ 2200 ") == 1


def test_the_letter_in_a_preview_has_no_personal_links(config: Config) -> None:
    write(config.root, GOOD)
    files = built(config)
    for name in ("letter.html", "letter.txt"):
        assert "VEILLE-" not in page(files, f"posts/repas/{name}")


def test_pictures_come_from_the_preview_itself(config: Config) -> None:
    write(config.root, GOOD)
    files = built(config)
    letter = page(files, "posts/repas/letter.html")
    assert "example.org/media/" not in letter
    assert any(f'src="../../{name}"' in letter for name in files if name.startswith("media/"))


def test_a_broken_file_has_a_page_with_line_and_remedy(config: Config) -> None:
    write(config.root, "title: Repas\nkindd: event")
    html = page(built(config))
    assert "content/posts/2026-11-23-repas.md:3" in html
    assert "kindd" in html
    assert "did you mean &#34;kind&#34;?" in html


def test_a_file_that_breaks_while_typing_keeps_its_last_look(config: Config) -> None:
    write(config.root, GOOD, "Venez tous.")
    preview = Preview(lambda: NOW)
    preview.build(config)
    write(config.root, GOOD.replace("kind:", "kindd:"), "Venez tous.")
    files = preview.build(config)
    assert "kindd" in page(files)
    assert "Venez tous." in page(files, "posts/repas/letter.html")
    assert "cannot be read as it is now" in page(files)
    write(config.root, GOOD, "Venez vite.")
    assert "kindd" not in page(preview.build(config))


def test_drafts_are_shown_and_marked_and_only_warned(config: Config) -> None:
    write(config.root, "title: Repas\ndraft: true\npartners: [ccas-bagneu]")
    files = built(config)
    assert 'class="draft"' in page(files)
    assert 'class="draft"' in page(files, "index.html")
    assert '<li class="warning">' in page(files)
    assert '<li class="error">' not in page(files)


def test_two_files_with_one_address_both_have_a_page(config: Config) -> None:
    write(config.root, "title: Un\nslug: repas", name="posts/2026-11-23-un.md")
    write(config.root, "title: Deux\nslug: repas", name="posts/2026-11-23-deux.md")
    files = built(config)
    shown = {page(files), page(files, "posts/repas-2/index.html")}
    assert all("same web address" in html for html in shown)
    assert len(shown) == 2


def test_what_a_channel_refuses_is_said_there_and_at_the_top(config: Config) -> None:
    caption = "a" * 2201
    write(config.root, f"{GOOD}\ninstagram:\n  caption: {caption}")
    html = page(built(config))
    assert html.count("shorten instagram.caption") == 2
    assert "content/posts/2026-11-23-repas.md" in html
    assert 'id="facebook"' in html


def test_a_channel_that_a_post_leaves_out_is_said(config: Config) -> None:
    write(config.root, f"{GOOD}\nchannels: [web]")
    html = page(built(config))
    assert "This one is not for Instagram." in html
    assert "This one is not for the letter." in html
    assert 'id="text"' not in html


def test_words_of_a_post_never_become_code(config: Config) -> None:
    write(config.root, 'title: "<script>alert(1)</script>"\nsummary: "<img src=x onerror=alert(1)>"', "<b>Bonjour</b>")
    for name, content in built(config).items():
        if name.endswith(".html"):
            tags = tags_of(content)
            scripts = [values for tag, values in tags if tag == "script"]
            assert all(re.search(r"/(preview|site\.[0-9a-f]+)\.js$", f"/{v.get('src')}") for v in scripts), name
            assert not [values for _tag, values in tags if any(key.startswith("on") for key in values)], name


def test_one_path_shows_one_post(config: Config) -> None:
    write(config.root, GOOD)
    write(config.root, "title: Autre", name="posts/2026-11-23-autre.md")
    files = built(config, "content/posts/2026-11-23-repas.md")
    assert PAGE in files
    assert "posts/autre/index.html" not in files


def test_a_path_to_a_broken_file_shows_what_is_wrong(config: Config) -> None:
    write(config.root, "title: Repas\nkindd: event")
    assert "kindd" in page(built(config, "content/posts/2026-11-23-repas.md"))


def test_a_path_that_does_not_exist_is_an_error(config: Config) -> None:
    with pytest.raises(ContentError, match="no such post"):
        built(config, "nulle-part.md")


def test_live_channels_are_previewed_in_the_sandbox(config: Config) -> None:
    toml = '[workspace]\nname = "Essai"\nbase_url = "https://lettre.example.org"\n[newsletter]\ntransport = "smtp"\n'
    toml += '[facebook]\ntransport = "graph"\n[web]\ntransport = "folder"\noutput = "public"\n'
    (config.root / "veille.toml").write_text(toml, encoding="utf-8")
    live = settings.load(config.root, {})
    assert all(live.live(name) for name in live.channels)
    assert not any(sandboxed(live).live(name) for name in live.channels)
    write(config.root, GOOD)
    files = built(live)  # without page, server or password
    assert 'id="facebook"' in page(files)
    assert not (config.root / "public").exists()


def test_settings_that_break_while_typing_are_shown_on_every_page(config: Config) -> None:
    write(config.root, GOOD)
    preview = Preview(lambda: NOW)
    preview.build(config)
    (config.root / "veille.toml").write_text('[workspace]\nnam = "Essai"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        settings.load(config.root, {})
    files = preview.build(config, settings_trouble(caught.value))
    assert all("workspace.nam" in page(files, name) for name in ("index.html", PAGE))


def test_settings_that_are_not_toml_are_findings_too() -> None:
    (found,) = settings_trouble(ConfigError("veille.toml cannot be read: line 3"))
    assert found == Finding("veille.toml", None, None, "veille.toml cannot be read: line 3", None, "config")


def test_only_what_changed_is_rendered_again(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    real = rendering.render_post

    def counting(post, *args, **kwargs):  # type: ignore[no-untyped-def]
        rendered.append(post.source)
        return real(post, *args, **kwargs)

    def drawing(desk: Desk, source: Source, *args: Any) -> Panels:
        drawn.append(source.source)
        return panels(desk, source, *args)

    panels = Desk.panels
    drawn: list[str] = []
    monkeypatch.setattr(Desk, "panels", drawing)
    monkeypatch.setattr("veille_web.preview.render_post", counting)
    write(config.root, GOOD)
    write(config.root, "title: Autre", name="posts/2026-11-23-autre.md")
    write(config.root, "title: Lettre\nposts: [repas, autre]", name="editions/2026-11-25-lettre.md")
    preview = Preview(lambda: NOW)
    preview.build(config)
    assert sorted(rendered) == ["autre", "repas"]
    assert sorted(drawn) == ["autre", "lettre", "repas"]
    rendered.clear()
    drawn.clear()
    preview.build(config)
    assert rendered == drawn == []
    write(config.root, GOOD, "Autre chose.")
    files = preview.build(config)
    assert rendered == ["repas"]
    assert sorted(drawn) == ["lettre", "repas"]
    assert "Autre chose." in page(files, "editions/lettre/letter.html")
    rendered.clear()
    partner = config.root / "content/partners/ccas-bagneux.yaml"
    partner.write_text(partner.read_text().replace("12 34", "12 35 "), encoding="utf-8")
    preview.build(config)
    assert sorted(rendered) == ["autre", "repas"]


def test_a_page_changes_exactly_when_what_it_shows_changes(config: Config) -> None:
    front = f"{GOOD}\nchannels: [web]"  # its text stands in a file of its own, not on the page of the preview
    write(config.root, front, "Venez tous.")
    preview = Preview(lambda: NOW)
    before = preview.build(config)
    assert preview.build(config) == before
    write(config.root, front, "Venez vite.")
    after = preview.build(config)
    assert "Venez vite." not in page(after)
    assert after[PAGE] != before[PAGE]


def test_a_long_text_is_split_between_two_words() -> None:
    assert folded("court", 20) == ("court", "")
    assert folded("un deux trois quatre cinq", 15) == ("un deux trois", " quatre cinq")
    assert "".join(folded("x" * 50, 15)) == "x" * 50


def test_an_empty_newsroom_says_how_to_begin(config: Config) -> None:
    assert "veille new post" in page(built(config), "index.html")


def test_a_change_gives_the_same_files_as_a_preview_that_begins_with_it(config: Config) -> None:
    write(config.root, GOOD)
    write(config.root, "title: Autre", name="posts/2026-11-23-autre.md")
    preview = Preview(lambda: NOW)
    preview.build(config)
    write(config.root, GOOD.replace("Repas partagé", "Grand repas"), "Autre chose.")
    changed = preview.build(config)
    assert b"Grand repas" in changed["index.html"]
    assert dict(changed) == dict(Preview(lambda: NOW).build(config))
