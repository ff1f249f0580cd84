"""What channels will show is looked at before it is queued: letters as they leave; nothing from elsewhere in any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.content import newsroom, write
from veille import checks, library, proofing
from veille import config as settings
from veille.blocking import blocking
from veille.checks import letters, mail_clients, third_parties
from veille.checks.rules import Check, Context, Shown
from veille.errors import ContentError, Finding, Severity
from veille.outbox.database import open_database
from veille.outbox.queue import Queue
from veille.planning import plan
from veille.publishing import Proof, Publisher
from veille.queueing import Prepared, enqueue, prepare
from veille.rendering import Templates
from veille.rendering.templating import shipped
from veille.tokens import Keys
from veille_publishers import http, registry

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
LETTER, ITEM, PAGE = "newsletter/letter.mjml.j2", "web/feed_item.html.j2", "web/base.html.j2"
FOOT = '<p><a href="#">Choisir</a> <a href="#">Se désinscrire</a></p>'
FOREIGN = "https://cdn.example.net/x"


class Room:
    """A workspace with templates of its own, and `publish` as the command does it."""

    def __init__(self, root: Path) -> None:
        newsroom(root)
        path = root / "veille.toml"
        head = path.read_text(encoding="utf-8").partition("[newsletter]")[0]
        path.write_text(head + "[newsletter]\n[feed]\n[web]\n[facebook]\n", encoding="utf-8")
        self.root = root
        self.config = settings.load(root, {})
        self.queue = Queue(open_database("sqlite:///outbox/outbox.sqlite3", root))

    def post(self, name: str = "velo", body: str = "Un vélo à 20 euros, samedi.", front: str = "") -> Path:
        return write(self.root, f"title: {name}\n{front}", body, f"posts/{name}.md")

    def template(self, name: str, change: Callable[[str], str]) -> None:
        """The shipped one, changed by somebody."""
        path = self.root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = (shipped() / name).read_text(encoding="utf-8")
        assert change(before) != before
        path.write_text(change(before), encoding="utf-8")

    def prepare(self) -> Prepared:
        content, publishers = library.load(self.config), self.publishers()
        made = plan(content, self.config, self.queue.all(), NOW)
        prepared = prepare(made, content, self.config, publishers, self.queue, NOW)
        enqueue(prepared, self.config, publishers, self.queue, NOW)
        return prepared

    def refusal(self) -> tuple[Finding, ...]:
        with pytest.raises(ContentError) as refused:
            self.prepare()
        assert not self.queue.all(), "nothing is queued"
        return refused.value.findings

    def publishers(self) -> Mapping[str, Publisher]:
        context = registry.Context(
            config=self.config,
            templates=Templates(self.config),
            clock=lambda: NOW,
            http=http.session,
            sleep=lambda _seconds: None,
            keys=Keys({"1": b"k" * 32}),
        )
        return {name: registry.load(name, context) for name in self.config.channels}

    def samples(self) -> list[Finding]:
        return proofing.samples(library.load(self.config), self.config, self.publishers(), NOW)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A newsroom."""
    return Room(tmp_path)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A newsroom without content."""
    config = Room(tmp_path_factory.mktemp("context")).config
    return Context(library.load(config), config, NOW)


def look(check: Check, context: Context, html: str, channel: str = "newsletter", **changes: Any) -> list[str]:
    """The codes that one check reports for a letter."""
    proof = Proof(
        heading="Samedi", preheader="Et aussi", html=html, text="Un texte de la lettre.", weight=len(html.encode())
    )
    shown = Shown(channel, "content/posts/velo.md", "fr", replace(proof, **changes))
    assert check.proof
    return [finding.code for finding in check.proof(shown, context)]


# publish refuses what a template of the newsroom would load from elsewhere ----


def _behind(mark: str, addition: str) -> Callable[[str], str]:
    return lambda source: source.replace(mark, mark + addition, 1)


INTRO, BODY, HEAD = "{{ edition.intro_html | safe }}", "{{ post.html|safe }}", "<head>"
FOREIGN_STYLE = f'<p style="background:url({FOREIGN}.png)">x</p>'


@pytest.mark.parametrize(
    ("template", "mark", "addition", "codes"),
    [
        (LETTER, INTRO, FOREIGN_STYLE, ["third-party"]),
        (LETTER, INTRO, '<img src="{{ base_url }}/o.gif" alt="" width="1" height="1">', ["tracking-pixel"]),
        (LETTER, INTRO, '<p onclick="x()">x</p>', ["script"]),
        (ITEM, BODY, f'<video poster="{FOREIGN}.jpg"></video>', ["third-party"]),
        (PAGE, HEAD, f'<link rel="preconnect" href="{FOREIGN}">', ["third-party"]),
    ],
)
def test_publish_refuses_a_template_that_observes_readers(
    room: Room, template: str, mark: str, addition: str, codes: list[str]
) -> None:
    room.post()
    room.template(template, _behind(mark, addition))
    found = room.refusal()
    assert [finding.code for finding in found] == codes
    assert found[0].severity is Severity.ERROR
    if "{{" not in addition:  # else its address is made by the template
        assert (found[0].file, found[0].line) == (f"templates/{template}", _line(room, template, addition))


def _line(room: Room, template: str, addition: str) -> int:
    lines = (room.root / "templates" / template).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if addition in line)


def test_one_template_is_told_once_however_many_posts_it_shows(room: Room) -> None:
    for name in ("un", "deux", "trois"):
        room.post(name, f"Le texte de {name}.")
    room.template(PAGE, _behind("<head>", f'<script src="{FOREIGN}.js"></script>'))
    assert [finding.code for finding in room.refusal()] == ["third-party"]


def test_check_finds_in_templates_what_publish_would(room: Room) -> None:
    room.post()
    room.template(LETTER, _behind("{{ edition.intro_html | safe }}", f'<img src="{FOREIGN}.png" alt="">'))
    room.template(PAGE, _behind("<head>", f'<script src="{FOREIGN}.js"></script>'))
    files = {finding.file for finding in room.samples() if finding.code == "third-party"}
    assert files == {f"templates/{LETTER}", f"templates/{PAGE}"}


def test_a_page_that_no_post_stands_on_is_read_as_a_template(room: Room) -> None:
    room.template("web/index.html.j2", lambda source: source + f'{{# {FOREIGN}.gif #}}<img src="{FOREIGN}.png">\n')
    room.template("web/site.css.j2", lambda source: source + f"\np {{ background: url({FOREIGN}.png) }}\n")
    room.post()
    found = [finding for finding in checks.run(library.load(room.config), room.config, NOW) if finding.line]
    assert {(finding.code, finding.file) for finding in found if finding.file.startswith("templates/")} == {
        ("third-party", "templates/web/index.html.j2"),
        ("third-party", "templates/web/site.css.j2"),
    }


def test_styles_of_a_letter_template_are_read(room: Room) -> None:
    room.post()
    path = room.root / "templates/newsletter/own.mjml"
    path.parent.mkdir(parents=True)
    path.write_text(f"<mj-head>\n<mj-style>@import '{FOREIGN}.css';</mj-style>\n</mj-head>", encoding="utf-8")
    found = checks.run(library.load(room.config), room.config, NOW)
    (finding,) = [finding for finding in found if finding.severity is Severity.ERROR]
    assert (finding.code, finding.where) == ("third-party", "templates/newsletter/own.mjml:2")
    assert blocking((), library.load(room.config), found, everything=False) == [finding]


def test_samples_are_of_what_could_still_leave(room: Room) -> None:
    long = "Samedi prochain, de 14 h à 18 h, la ressourcerie de Bagneux organise une bourse"
    room.post()
    for name, day in (("hier", "2026-11-24"), ("jadis", "2026-09-01")):
        write(
            room.root,
            f"title: n\nposts: [velo]\ndate: {day}\nnewsletter: {{subject: '{long}'}}",
            "",
            f"editions/{name}.md",
        )
    assert [f.file for f in room.samples() if f.code == "subject-long"] == ["content/editions/hier.md"]


def test_samples_hold_a_sensitive_post(room: Room) -> None:
    room.post()
    room.post("calme", front="sensitive: true\n")
    assert room.samples() == []
    seen: list[bool] = []
    spy = Check(rules=(), proof=lambda shown, _context: seen.append(shown.sensitive) or ())  # type: ignore[func-returns-value]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "CHECKS", (spy,))
        room.samples()
    assert {True, False} == set(seen)


def test_no_excuse_lets_a_third_party_in(room: Room) -> None:
    room.post(front="allow:\n  third-party: nous y tenons\n")
    room.template(PAGE, _behind("<head>", f'<script src="{FOREIGN}.js"></script>'))
    assert "third-party" in [finding.code for finding in room.refusal()]


def test_a_warning_is_told_and_queued(room: Room) -> None:
    room.post("Samedi prochain la ressourcerie organise une grande bourse aux velos pour tous")
    prepared = room.prepare()
    assert [finding.code for finding in prepared.findings] == ["subject-long"]
    assert room.queue.all()
    assert not room.prepare().findings, "what stands in the outbox was told"


def test_a_letter_of_one_post_is_looked_at_like_an_edition(room: Room) -> None:
    path = room.post("Samedi prochain la ressourcerie organise une grande bourse aux velos pour tous")
    content = library.load(room.config)
    found = proofing.of_source(content.find(path), content, room.config, room.publishers(), NOW)
    assert [(finding.code, finding.file) for finding in found] == [("subject-long", content.posts[0].file)]


def test_a_letter_that_gmail_cuts_names_its_heaviest_post(room: Room) -> None:
    room.post("court")
    room.post("long", "\n\n".join("Un mot de plus. " * 250 for _n in range(30)))
    found = [finding for finding in room.refusal() if finding.code == "letter-too-large"]
    assert found[0].file == "content/posts/long.md"
    assert found[0].hint
    assert "long: " in found[0].hint


def test_what_mail_programs_drop_is_told_with_its_line(room: Room) -> None:
    room.post()
    addition = '<div style="display:grid">x</div>'
    room.template(LETTER, _behind(INTRO, addition))
    (finding,) = room.prepare().findings
    where = finding.code, finding.file, finding.line
    assert where == ("mail-client-drops", f"templates/{LETTER}", _line(room, LETTER, addition))


# what is loaded, and from where ----


@pytest.mark.parametrize(
    "html",
    [
        f'<img src="{FOREIGN}.png" alt="x">',
        '<img src="//cdn.example.net/x.png" alt="x">',
        f'<img srcset="/a.jpg 1x, {FOREIGN}.jpg 2x" alt="x">',
        f'<table background="{FOREIGN}.png"></table>',
        f"<style>@import '{FOREIGN}.css';</style>",
        f'<style>@font-face {{ src: url("{FOREIGN}.woff2") }}</style>',
        f'<p style="background-image: url({FOREIGN}.png)">x</p>',
        f'<iframe src="{FOREIGN}"></iframe>',
        f'<object data="{FOREIGN}.svg"></object>',
        f'<form action="{FOREIGN}"><input type="image" src="/x.png"></form>',
        f'<meta http-equiv="refresh" content="3; url={FOREIGN}">',
        f'<svg><image xlink:href="{FOREIGN}.png"/></svg>',
        f'<a href="https://example.org" ping="{FOREIGN}">x</a>',
        f'<p>x</p><!--[if mso]><v:fill type="tile" src="{FOREIGN}.png"/><![endif]-->',
    ],
)
def test_everything_that_loads_from_elsewhere_is_found(context: Context, html: str) -> None:
    assert look(third_parties.CHECK, context, html, "web") == ["third-party"]


def test_what_leads_elsewhere_loads_nothing(context: Context) -> None:
    base = context.config.settings.workspace.base_url
    html = (
        f'<head><link rel="canonical" href="{FOREIGN}"><link rel="alternate" href="{FOREIGN}"></head>'
        f'<a href="{FOREIGN}">x</a><img src="{base}/media/x.jpg" width="600" height="200" alt="x">'
        '<img src="../x.jpg" alt=""><blockquote cite="https://example.net">x</blockquote>'
        '<img src="data:image/png;base64,AAAA" alt="" width="20">'
        f'<p style="max-width:100%;width:100%">https://cdn.example.net</p>'
    )
    assert look(third_parties.CHECK, context, html, "web") == []
    assert look(third_parties.CHECK, context, html) == []


@pytest.mark.parametrize(
    "attributes",
    [
        'width="1" height="1"',
        'width="0"',
        'style="width:1px;height:1px"',
        'style="display:none"',
        'style="border:0;opacity:0"',
        "hidden",
    ],
)
def test_pictures_that_nobody_sees(context: Context, attributes: str) -> None:
    base = context.config.settings.workspace.base_url
    assert look(third_parties.CHECK, context, f'<img src="{base}/o.gif" {attributes}>') == ["tracking-pixel"]


def test_pictures_of_one_reader(context: Context) -> None:
    base = context.config.settings.workspace.base_url
    assert look(third_parties.CHECK, context, f'<img src="{base}/o.gif?r=#" alt="x">') == ["reader-picture"]
    assert look(third_parties.CHECK, context, '<td style="background:url(#)">x</td>') == ["reader-picture"]
    assert look(third_parties.CHECK, context, '<td background="#ffd447" style="fill:url(#arrow)">x</td>') == []


def test_a_letter_whose_picture_takes_the_place_of_a_personal_link(room: Room) -> None:
    room.post()
    room.template(
        LETTER, lambda source: source.replace('<a href="{{ preferences }}">', '<img src="{{ preferences }}"><a>')
    )
    codes = {finding.code for finding in room.refusal()}
    assert {"reader-picture", "letter-no-leaving"} <= codes


@pytest.mark.parametrize(
    "href",
    [
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org",
        "https://www.google.com/url?q=https://example.org",
        "https://eur01.safelinks.protection.outlook.com/?url=x",
        "https://example.us1.list-manage.com/track/click?u=1",
        "https://x1y2.mjt.lu/lnk/abc",
        "https://bit.ly/3xYzAbC",
        "//bit.ly/3xYzAbC",
    ],
)
def test_links_through_a_counter(context: Context, href: str) -> None:
    for channel in ("newsletter", "feed", "web"):
        assert look(third_parties.CHECK, context, f'<a href="{href}">x</a>', channel) == ["link-redirector"]


def test_a_place_of_a_map_may_go_through_a_counter_too(context: Context) -> None:
    html = '<map name="m"><area href="https://x1y2.mjt.lu/lnk/abc" alt="x"></map>'
    assert look(third_parties.CHECK, context, html) == ["link-redirector"]


def test_no_excuse_lets_a_shortener_out(room: Room) -> None:
    room.post(body="[Le programme](https://bit.ly/3xYzAbC)", front="allow: {link-detour: le partenaire y tient}")
    assert {"link-redirector"} == {f.code for f in room.refusal()}
    found = checks.run(library.load(room.config), room.config, NOW)
    assert {"link-detour", "allow-refused"} == {f.code for f in found if f.severity is Severity.ERROR}


@pytest.mark.parametrize(
    "href", ["https://www.google.com/maps", "https://facebook.com/x", "https://notmjt.lu/", "mailto:a@example.org"]
)
def test_links_that_are_what_they_say(context: Context, href: str) -> None:
    assert look(third_parties.CHECK, context, f'<a href="{href}">x</a>') == []


def test_programs_and_files_inside(context: Context) -> None:
    assert look(third_parties.CHECK, context, "<script>x()</script>", "feed") == ["script"]
    assert look(third_parties.CHECK, context, '<a href="javascript:x()">x</a>') == ["script"]
    assert look(third_parties.CHECK, context, "<script>x()</script>", "web") == [], "a page may have its own"
    large = f'<img src="data:image/jpeg;base64,{"A" * 9000}" alt="x">'
    assert look(third_parties.CHECK, context, large) == ["data-content"]
    assert look(third_parties.CHECK, context, '<object data="data:text/html,x"></object>') == ["data-content"]


# the letter ----


def test_a_good_letter(context: Context) -> None:
    assert look(letters.CHECK, context, f"<p>Un texte.</p>{FOOT}") == []


@pytest.mark.parametrize(
    ("weight", "codes"),
    [(80_000, []), (80_001, ["letter-large"]), (100_000, ["letter-large"]), (100_001, ["letter-too-large"])],
)
def test_size(context: Context, weight: int, codes: list[str]) -> None:
    assert look(letters.CHECK, context, FOOT, weight=weight) == codes


def test_text_part(context: Context) -> None:
    letter = f"<style>{'x' * 99}</style><p style='display:none'>{'y' * 99}</p><p>{'mot ' * 100}</p>{FOOT}"
    assert look(letters.CHECK, context, letter, text=" \n") == ["letter-no-text"]
    assert look(letters.CHECK, context, letter, text="mot " * 25) == ["letter-short-text"]
    assert look(letters.CHECK, context, letter, text="mot " * 40) == []


def test_list_of_messages(context: Context) -> None:
    assert look(letters.CHECK, context, FOOT, heading="x" * 60) == []
    assert look(letters.CHECK, context, FOOT, heading="x" * 61) == ["subject-long"]
    assert look(letters.CHECK, context, FOOT, heading=" ") == ["subject-empty"]
    assert look(letters.CHECK, context, FOOT, preheader="") == ["preheader-empty"]


@pytest.mark.parametrize(
    "foot",
    [
        "<p>Rien</p>",
        '<a href="#">Choisir</a><a href="#"> </a>',
        '<a href="#">Choisir</a><!-- <a href="#">Se désinscrire</a> -->',
        '<a href="#">Choisir</a><div style="display: none"><a href="#">Se désinscrire</a></div>',
    ],
)
def test_the_links_for_leaving_are_seen(context: Context, foot: str) -> None:
    assert look(letters.CHECK, context, foot) == ["letter-no-leaving"]


def test_anchors_and_plain_http(context: Context) -> None:
    assert look(letters.CHECK, context, f'<a href="#agenda">Agenda</a>{FOOT}') == ["letter-anchor"]
    assert look(letters.CHECK, context, f'<img src="http://example.org/x.png" alt="">{FOOT}') == ["picture-http"]


def test_a_link_of_a_template_that_is_not_encrypted(room: Room) -> None:
    room.post(body="[Le club](http://club.example.org/)")
    room.template(
        LETTER, lambda source: source.replace("</mj-text>", '<a href="http://ville.example.org/">x</a></mj-text>', 1)
    )
    found = [(f.code, f.file) for f in room.samples()]
    assert found == [("http-link", f"templates/{LETTER}")], "that of the post is told by the check of posts"


def test_letters_only(context: Context) -> None:
    for channel in ("feed", "web"):
        assert look(letters.CHECK, context, "<p>x</p>", channel) == []
        assert look(mail_clients.CHECK, context, '<p style="display:grid">x</p>', channel) == []


# the same finding from several channels ----


def test_once_prefers_the_finding_that_names_its_line() -> None:
    vague = Finding("content/posts/x.md", None, None, "m", None, "c")
    exact, other = replace(vague, line=7), replace(vague, field="image.alt")
    assert proofing.once([vague, exact, other, vague]) == [exact, other]
