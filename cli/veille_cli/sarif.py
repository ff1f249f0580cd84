"""Findings as SARIF 2.1.0 (OASIS, 2020-03-27), which code hosts show beside the line of a change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from veille import __version__
from veille.errors import Finding

if TYPE_CHECKING:
    from veille.checks import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def report(findings: Sequence[Finding]) -> dict[str, Any]:
    """One run with its findings.

    Args:
        findings: of `checks.run`; their files are paths from the workspace's folder.
    """
    from veille import checks

    known = checks.rules()
    used = list(dict.fromkeys(finding.code for finding in findings))
    driver = {
        "name": "veille",
        "version": __version__,
        "rules": [_rule(code, known.get(code)) for code in used],
    }
    results = [_result(finding, used.index(finding.code)) for finding in findings]
    # Columns are counted in characters; SARIF would take UTF-16 units for granted.
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, rule: Rule | None) -> dict[str, Any]:
    from veille.checks import said

    if rule is None:
        return {"id": code}
    described = {
        "id": code,
        "shortDescription": {"text": said(rule.title)},
        "fullDescription": {"text": said(rule.why)},
        "help": {"text": said(rule.remedy)},
        "defaultConfiguration": {"level": rule.severity.value},
    }
    return {**described, **({"helpUri": rule.link} if rule.link else {})}


def _result(finding: Finding, index: int) -> dict[str, Any]:
    words = [finding.message, *([f"→ {finding.hint}"] if finding.hint else [])]
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file)}}
    if finding.line:
        place["region"] = {"startLine": finding.line, **_column(finding)}
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": "\n".join(words)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"finding/v1": "/".join(_identity(finding))},
    }


def _column(finding: Finding) -> dict[str, Any]:
    snippet = {"snippet": {"text": finding.excerpt}} if finding.excerpt else {}
    return {**({"startColumn": finding.column} if finding.column else {}), **snippet}


def _identity(finding: Finding) -> Iterable[str]:
    """What stays the same when lines above move, so that a code host knows the finding again."""
    return finding.code, finding.file, finding.field or "", finding.excerpt or finding.message
