"""A real Chromium, and what axe finds in the pages that it shows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A mail program shows a letter inside a page of its own, which has the landmarks; a second <main> would be wrong there.
NOT_IN_A_LETTER = ("landmark-one-main", "region")
SCHEME_RULES = ["color-contrast", "link-in-text-block"]  # all that light and dark may change

_RUN = """async options => (await axe.run(document, options)).violations.map(violation =>
    violation.id + ' (' + violation.help + '): ' + violation.nodes.slice(0, 3).map(node => node.html.slice(0, 160) + ' '
    + node.failureSummary.replace(/\\s+/g, ' ')).join(' | '))"""


@contextmanager
def chromium(*more: str) -> Iterator[Any]:
    """A browser without network access of its own; the test is skipped where this machine has none.

    Args:
        more: flags of Chromium.
    """
    from playwright.sync_api import sync_playwright

    if not (program := shutil.which("chromium")):
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *more])
        yield made
        made.close()


def violations(page: Any, *, without: Sequence[str] = (), only: Sequence[str] = ()) -> list[str]:
    """What axe finds in the page that is open: the rule, and the first elements that break it.

    Args:
        without: rules that do not fit the page.
        only: these rules instead of all.
    """
    page.evaluate(_axe())
    wanted = {"type": "rule", "values": list(only)} if only else {"type": "tag", "values": TAGS}
    rules = {rule: {"enabled": False} for rule in without}
    options = {"runOnly": wanted, "rules": rules, "resultTypes": ["violations"], "iframes": False}
    found: list[str] = page.evaluate(_RUN, options)
    return found


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def write_pages(folder: Path, pages: dict[str, bytes]) -> None:
    """Put files into a folder, for a browser to open."""
    for name, content in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
