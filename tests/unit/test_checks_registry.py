"""Every code that is reported is a rule that explains itself, and the page that lists them is made from the rules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from PIL import Image

from tests.support import checks_page
from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, config, library
from veille.errors import Finding, Severity

ROOT = Path(__file__).parents[2]
ROOMS = ("src/veille", "publishers/veille_publishers", "web/veille_web")
REPORTS = ("Finding", "trouble", "refuse", "_warning", "_finding", "_mistake", "Trap", "_stop", "_find")
# Of settings and of lists of readers: these are not content.
ELSEWHERE = {"setting", "secret-in-file", "render", "config", "content"}
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)+|yaml|slug|date|url|picture|phone|email|channel|focus|town|hashtag|empty|over")


def reported() -> Iterator[tuple[str, str]]:
    """(file, code) of each code that stands in the source as an argument of what makes a finding."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "subscribers" in path.parts or "bounces" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in REPORTS:
                    yield from ((path.name, code) for code in _codes(node))


def _name(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def _codes(call: ast.Call) -> Iterator[str]:
    name = _name(call.func)
    keyword = [k.value for k in call.keywords if k.arg == "code"]
    # `trouble` and pictures say the code first, YAML traps and findings behind the words.
    first = {"trouble": 0, "refuse": 1, "_warning": 1}.get(name)
    found = [*keyword, *(call.args[first : first + 1] if first is not None else call.args[4:])]
    for value in found:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and CODE.fullmatch(value.value):
            yield value.value


def test_every_code_that_is_reported_is_a_rule() -> None:
    codes = dict.fromkeys(reported())
    assert len(codes) > 50
    assert [(file, code) for file, code in codes if code not in {*checks.rules(), *ELSEWHERE}] == []


def test_an_example_of_several_lines_stays_an_example() -> None:
    tokens = MarkdownIt().parse(checks_page.page())
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings == ["What `veille check` finds", *sorted(checks.rules())]


def test_no_two_checks_have_the_same_code() -> None:
    codes = [rule.code for check in checks.CHECKS for rule in check.rules]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("rule", checks.rules().values(), ids=lambda rule: rule.code)
def test_a_rule_says_what_why_and_what_to_do(rule: checks.Rule) -> None:
    assert (
        CODE.fullmatch(rule.code)
        or rule.code in {"id", "lang", "missing", "encoding", "unreadable", "link"}
        or (re.fullmatch(r"[a-z]+", rule.code))
    )
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert len(rule.remedy) > 8
    assert bool(rule.wrong) == bool(rule.right)
    assert not rule.link or rule.link.startswith("https://")


def test_the_page_of_codes_is_the_one_that_the_rules_write() -> None:
    assert checks_page.PAGE.read_text(encoding="utf-8") == checks_page.page(), "run `make messages`"


# Exceptions ----


def found(root: Path, front: str, body: str = "Bonjour.") -> list[Finding]:
    made = newsroom(root)
    write(root, f"title: Un repas\n{front}", body)
    return [f for f in checks.run(library.load(made), made, NOW) if f.file.endswith("repas.md")]


def test_an_exception_names_a_code_that_exists(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "allow: {ovre: déjà annoncé ailleurs}")
    assert (finding.code, finding.line) == ("allow-unknown", 3)
    assert finding.hint == 'did you mean "over"?'


def test_an_exception_says_why(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "allow: {over: x}")
    assert (finding.code, finding.severity) == ("allow-reason", Severity.ERROR)


def test_what_hurts_cannot_be_allowed(tmp_path: Path) -> None:
    codes = {f.code for f in found(tmp_path, "allow: {unknown-contact: plus tard}", "Appelle {{ helpline: 3018 }}.")}
    assert codes == {"unknown-contact", "allow-refused"}


def test_an_exception_lets_one_finding_pass_and_no_other(tmp_path: Path) -> None:
    front = "publishDate: 2026-11-26\nexpiryDate: 2026-11-25\ndeadline: 2026-11-24\n"
    assert [f.code for f in found(tmp_path / "a", front)] == ["over", "over"]
    assert found(tmp_path / "b", f"{front}allow: {{over: annonce gardée pour mémoire}}") == []


def test_a_newsroom_can_ignore_a_warning_and_no_error(tmp_path: Path) -> None:
    made = newsroom(tmp_path)
    write(tmp_path, "title: Un repas\npublishDate: 2026-11-26\nexpiryDate: 2026-11-25")
    toml = tmp_path / "veille.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '[checks]\nignore = ["over"]\n', encoding="utf-8")
    made = config.load(tmp_path, {})
    assert checks.run(library.load(made), made, NOW) == ()
    toml.write_text(toml.read_text(encoding="utf-8").replace('"over"', '"unknown-contact", "ovr"'), encoding="utf-8")
    made = config.load(tmp_path, {})
    codes = [(f.file, f.code) for f in checks.run(library.load(made), made, NOW) if f.file == "veille.toml"]
    assert sorted(codes) == [("veille.toml", "allow-refused"), ("veille.toml", "allow-unknown")]


def test_an_error_stands_whatever_the_newsroom_ignores(tmp_path: Path) -> None:
    newsroom(tmp_path)
    write(tmp_path, "title: Un repas", "Appelle Karim au 06 39 98 12 34.")
    toml = tmp_path / "veille.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '[checks]\nignore = ["personal-mobile"]\n', encoding="utf-8")
    made = config.load(tmp_path, {})
    codes = {(f.file.rpartition("/")[2], f.code) for f in checks.run(library.load(made), made, NOW)}
    assert {("2026-11-23-repas.md", "personal-mobile"), ("veille.toml", "allow-refused")} <= codes


# Looking again ----


def test_only_what_changed_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = newsroom(tmp_path)
    looked: list[str] = []
    spy = checks.Check(rules=(), each=lambda subject, _context: looked.append(subject.file) or ())  # type: ignore[func-returns-value]
    monkeypatch.setattr(checks, "CHECKS", (spy,))
    for name in ("un", "deux"):
        write(tmp_path, "title: Un repas", name=f"posts/{name}.md")
    checker = checks.Checker()
    checker.run(library.load(made), made, NOW)
    assert "content/posts/un.md" in looked
    looked.clear()
    checker.run(library.load(made), made, NOW)
    assert looked == []
    write(tmp_path, "title: Un repas", "Bonsoir.", name="posts/deux.md")
    checker.run(library.load(made), made, NOW)
    assert looked == ["content/posts/deux.md"]
    looked.clear()
    partner = tmp_path / "content/partners/ccas-bagneux.yaml"
    partner.write_text(partner.read_text(encoding="utf-8").replace("12 34", "12 35"), encoding="utf-8")
    checker.run(library.load(made), made, NOW)
    assert {"content/posts/un.md", "content/posts/deux.md"} <= set(looked)


def test_another_day_and_another_picture_are_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = newsroom(tmp_path)
    looked: list[str] = []
    spy = checks.Check(rules=(), each=lambda subject, _context: looked.append(subject.file) or ())  # type: ignore[func-returns-value]
    monkeypatch.setattr(checks, "CHECKS", (spy,))
    picture = tmp_path / "content/media/repas.jpg"
    picture.parent.mkdir(exist_ok=True)
    Image.new("RGB", (1200, 800), "#c2372c").save(picture)
    write(tmp_path, "title: Un repas\nimage: {src: repas.jpg, alt: Une assiette}", name="posts/photo.md")
    write(tmp_path, "title: Un repas", name="posts/mots.md")
    checker = checks.Checker()
    checker.run(library.load(made), made, NOW)
    looked.clear()
    Image.new("RGB", (1300, 900), "#f0f0f0").save(picture)
    checker.run(library.load(made), made, NOW)
    assert looked == ["content/posts/photo.md"]
    looked.clear()
    checker.run(library.load(made), made, NOW + timedelta(days=1))
    assert {"content/posts/photo.md", "content/posts/mots.md"} <= set(looked)
