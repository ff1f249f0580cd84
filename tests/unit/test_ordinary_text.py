"""False alarms: every check over two hundred paragraphs of what town halls and newsrooms write, full of figures."""

from __future__ import annotations

from pathlib import Path

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, library
from veille.errors import Finding, Severity

PARAGRAPHS = (Path(__file__).parents[1] / "data/ordinary.txt").read_text(encoding="utf-8").strip().split("\n\n")
ADVICE = {"hard-to-read", "long-sentence", "administrative-word", "outdated-name", "acronym-unexplained"}


def test_no_check_takes_ordinary_text_for_an_error(tmp_path: Path) -> None:
    assert len(PARAGRAPHS) >= 200
    found = _over(tmp_path, PARAGRAPHS)
    told = [f"{f.code}: {f.message} {_paragraph(f)}" for f in found if not _of_style(f)]
    assert told == []


def test_the_same_text_with_real_mistakes_is_not_passed_over(tmp_path: Path) -> None:
    wrong = [*PARAGRAPHS[:3], "Appelle le 0800 300 30.", "Le jeune K., 15 ans, placé en foyer, sourit."]
    codes = {finding.code for finding in _over(tmp_path, wrong) if finding.severity is Severity.ERROR}
    assert "person-situation" in codes
    assert any(code.startswith("number") for code in codes)


def _over(root: Path, paragraphs: list[str]) -> tuple[Finding, ...]:
    made = newsroom(root)
    for number, paragraph in enumerate(paragraphs):
        write(root, f"title: Un titre {number}", paragraph, f"posts/p{number:03}.md")
    return checks.run(library.load(made), made, NOW)


def _of_style(finding: Finding) -> bool:
    """Whether it is advice on plain French, which ordinary administrative text may deserve; slips are not."""
    return finding.severity is Severity.WARNING and finding.code in ADVICE


def _paragraph(finding: Finding) -> str:
    name = Path(finding.file).stem
    return PARAGRAPHS[int(name[1:])] if name[1:].isdigit() else name
