"""What channels will show is looked at before it is queued: letters as they leave; nothing from elsewhere in any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.content import write
from tests.support.ledger import NOW
from tests.support.proof_room import FOREIGN, ITEM, LETTER, PAGE, Room
from veille import checks, library, proofing
from veille.blocking import blocking
from veille.checks.rules import Check
from veille.errors import Severity


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A newsroom."""
    return Room(tmp_path)


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
