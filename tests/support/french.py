"""What the checks of French find in a small newsroom."""

from __future__ import annotations

from tests.support.ledger import NOW
from veille import config as configs
from veille import library
from veille.checks import Context, subjects
from veille.checks.french import CHECK
from veille.config import Config
from veille.errors import Finding


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
    assert CHECK.each is not None
    found = [finding for subject in subjects(read, config) for finding in CHECK.each(subject, context)]
    chosen = [finding for finding in found if not codes or finding.code in codes]
    return sorted(chosen, key=lambda one: (one.file, one.line or 0, one.column or 0))
