"""docs/checks.md, written from the rules (`make messages` writes it anew; a test holds it to them)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from veille.checks import Rule, rules
from veille.errors import Severity

PAGE = Path(__file__).parents[2] / "docs/checks.md"
HEAD = """\
# What `veille check` finds

Each finding shows its code in brackets; `veille check --explain CODE` says what stands here. An error blocks what it
stands in: `veille publish` queues nothing of it. A warning informs. A post that must keep something writes in its front
matter `allow: {CODE: the reason}`; a wrong help number and a file that cannot be read cannot be allowed. A newsroom
that does not want to see a warning at all names it in `[checks] ignore`.

`veille check --json` and `veille check --sarif` give the same findings to other programs. This page is written from the
code by `make messages`.

| code | is | what it found |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    known = sorted(rules().values(), key=lambda rule: rule.code)
    rows = [f"| [`{rule.code}`](#{rule.code}) | {_kind(rule)} | {rule.title} |" for rule in known]
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join("\n".join(_section(rule)) for rule in known)


def _kind(rule: Rule) -> str:
    kind = "error" if rule.severity is Severity.ERROR else "warning"
    return kind if rule.excusable else f"{kind}, cannot be allowed"


def _section(rule: Rule) -> Iterator[str]:
    yield f"## {rule.code}\n"
    yield f"{rule.title} ({_kind(rule)}). {rule.why}\n"
    yield f"{rule.remedy}\n"
    if rule.wrong and rule.right:
        yield f"- not:{_example(rule.wrong)}\n- but:{_example(rule.right)}\n"
    if rule.source or rule.link:
        yield f"Source: {' '.join(part for part in (rule.source, f'<{rule.link}>' if rule.link else '') if part)}\n"


def _example(words: str) -> str:
    """On one line, or as a block: an empty line ends `code`, and what follows would be read as Markdown."""
    if "\n" not in words:
        return f" `{words}`"
    lines = "\n".join(f"  {line}".rstrip() for line in words.splitlines())
    return f"\n\n  ```text\n{lines}\n  ```"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
