"""Five real texts of 2020 to 2024, as they were published, turned into posts: what was wrong in each is found."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from veille import checks, config, library
from veille.errors import Finding, Severity

ROOT = Path(__file__).parents[2]
SEEDS = sorted((ROOT / "tests/data/seeds").glob("*.txt"))
NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
HEAD = '---\ntitle: "Du nouveau"\ndate: 2026-11-20\naudience: [families]\n---\n\n'


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    """What `veille check` finds in each, beside the sample newsroom's contacts."""
    root = tmp_path_factory.mktemp("seeds")
    (root / "content/posts").mkdir(parents=True)
    shutil.copytree(ROOT / "content/partners", root / "content/partners")
    shutil.copy(ROOT / "content/helplines.yaml", root / "content")
    shutil.copy(ROOT / "veille.toml", root)
    for seed in SEEDS:
        post = root / f"content/posts/{seed.stem}.md"
        post.write_text(HEAD + seed.read_text(encoding="utf-8"), encoding="utf-8")
    made = config.load(root, {})
    found = checks.run(library.load(made), made, NOW)
    return {seed.stem: [f for f in found if f.file.endswith(f"{seed.stem}.md")] for seed in SEEDS}


def line_of(seed: str, needle: str) -> int:
    """The line of the post on which these words of the text stand."""
    lines = (HEAD + (ROOT / f"tests/data/seeds/{seed}.txt").read_text(encoding="utf-8")).splitlines()
    return next(number for number, line in enumerate(lines, 1) if needle in line)


# facts: what is wrong in each document, with the words that show it.
WRONG = [
    ("agglomeration-page", "number-foreign", "0800 300 30"),
    ("agglomeration-page", "number-unlisted", "03 27 62 99 00"),
    ("agglomeration-page", "number-mobile", "0652136577"),
    ("agglomeration-page", "number-format", "0652136577"),
    ("agglomeration-page", "number-retyped", "3919"),
    ("agglomeration-page", "pasted-text", "S'abonner à la newsletter"),
    ("agglomeration-page", "pasted-text", "En 1 clic"),
    ("agglomeration-page", "pasted-text", "Glissez pour défiler"),
    ("agglomeration-page", "misspelling", "cas échant"),
    ("agglomeration-page", "misspelling", "la cycle"),
    ("agglomeration-page", "misspelling", "Intra-familales"),
    ("agglomeration-page", "spacing", "L’ appel"),
    ("agglomeration-page", "spacing", "etc. )"),
    ("agglomeration-page", "missing-accent", "l’Etat"),
    ("department-page", "look-alike", "Ieur"),
    ("department-page", "misspelling", "réveler"),
    ("department-page", "spacing", "Hauts-de- Seine"),
    ("department-page", "spacing", "diminuer le sentiment"),
    ("department-page", "missing-accent", "l'Etat"),
    ("department-page", "indented-text", "Des ressources et dispositifs"),
    ("department-page", "pasted-text", "> Rendre plus lisible"),
    ("magazine-page", "inclusive-points", "démuni∙e∙s"),
    ("magazine-page", "inclusive-points", "mineur·e·s"),
    ("magazine-page", "misspelling", "coeurs"),
    ("magazine-page", "misspelling", "le prostitution"),
    ("magazine-page", "pasted-text", "à lire aussi"),
    ("press-release-pdf", "broken-word", "Bourg-la-"),
    ("press-release-pdf", "url-broken", "https://www.hauts-de-seine.fr/toutes-les-"),
    ("press-release-pdf", "outdated-name", "Pôle Emploi"),
    ("press-release-pdf", "misspelling", "Fond Insertion"),
    ("press-release-pdf", "missing-accent", "Ile-de-France"),
    ("press-release-pdf", "capitals", "LUTTE CONTRE LES VIOLENCES"),
    ("press-release-pdf", "own-name", "kess_kiss_pass_92"),
    ("press-release-web", "own-name", "kess_kiss_pass_92"),
    ("press-release-web", "outdated-name", "Pôle Emploi"),
    ("press-release-web", "administrative-word", "décompensations"),
    ("press-release-web", "administrative-word", "mise à l'abri"),
    ("press-release-web", "long-sentence", "Mobilisé dans la lutte"),
]


@pytest.mark.parametrize(("seed", "code", "needle"), WRONG, ids=lambda value: value[:24])
def test_what_is_wrong_is_found_at_its_line(
    findings: dict[str, list[Finding]], seed: str, code: str, needle: str
) -> None:
    assert (code, line_of(seed, needle)) in {(f.code, f.line) for f in findings[seed]}


def errors(found: Sequence[Finding]) -> list[str]:
    return sorted(finding.code for finding in found if finding.severity is Severity.ERROR)


def test_the_belgian_number_is_explained_and_never_corrected(findings: dict[str, list[Finding]]) -> None:
    (finding,) = [f for f in findings["agglomeration-page"] if f.code == "number-foreign"]
    assert finding.severity is Severity.ERROR
    assert (finding.line, finding.column) == (line_of("agglomeration-page", "0800 300 30"), 55)
    assert "0800 300 30" in finding.excerpt
    assert "0800 30 030" in finding.message
    assert finding.hint is not None
    assert "{{ helpline: 3919 }}" in finding.hint


def test_nothing_else_blocks_these_texts(findings: dict[str, list[Finding]]) -> None:
    assert {seed: errors(found) for seed, found in findings.items()} == {
        "agglomeration-page": ["number-foreign", "number-unlisted"],
        "department-page": [],
        "magazine-page": [],
        "press-release-pdf": ["url-broken"],
        "press-release-web": [],
    }
