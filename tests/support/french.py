"""What the checks of French find, in a newsroom or in one post that stands nowhere."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.content import newsroom
from tests.support.ledger import NOW
from veille import config as configs
from veille import library
from veille.checks import Context, Subject, subjects
from veille.checks.french import CHECK
from veille.config import Config
from veille.errors import Finding
from veille.posts import Post


def french(config: Config, *codes: str, extra: str = "") -> list[Finding]:
    """Findings of these codes, or all of them, by place.

    Args:
        extra: put at the end of veille.toml first.
    """
    if extra:
        file = config.root / "veille.toml"
        file.write_text(file.read_text(encoding="utf-8") + extra, encoding="utf-8")
        config = configs.load(config.root, {})
    read = library.load(config)
    context = Context(read, config, NOW)
    return _chosen([one for subject in subjects(read, config) for one in _looked_at(subject, context)], codes)


def french_of(body: str, *codes: str, **fields: Any) -> list[Finding]:
    """The same for a post of these words, whose body begins in line 5."""
    post = Post(Path("/nowhere/a.md"), "content/posts/a.md", "a", "a", "Essai", body, 5, **fields)
    return _chosen(_looked_at(Subject(post, post.path, post.file), _context()), codes)


def _looked_at(subject: Subject, context: Context) -> list[Finding]:
    assert CHECK.each is not None
    return list(CHECK.each(subject, context))


def _chosen(found: list[Finding], codes: tuple[str, ...]) -> list[Finding]:
    chosen = [finding for finding in found if not codes or finding.code in codes]
    return sorted(chosen, key=lambda one: (one.file, one.line or 0, one.column or 0))


@cache
def _context() -> Context:
    with tempfile.TemporaryDirectory() as root:
        config = newsroom(Path(root))
        return Context(library.load(config), config, NOW)
