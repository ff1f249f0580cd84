"""A small newsroom on disk for tests that read content."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from veille import config
from veille.config import Config

TOML = """\
[workspace]
name = "Essai"
towns = ["Bagneux", "Bourg-la-Reine"]
"""
HELPLINES = """\
helplines:
  - number: 39 19
    name: Violences Femmes Info
    for_whom: Pour les femmes victimes de violences.
    hours: 24 h/24, 7 j/7
    verified_on: 2026-11-18
    source: solidaritefemmes.org
"""
PARTNER = """\
name: CCAS de Bagneux
needs: [food]
phone: 01 99 00 12 34
verified_on: 18/11/2026
"""


def newsroom(root: Path) -> Config:
    """A workspace with one partner, one help line and one picture."""
    for name in ("posts", "editions", "partners", "media"):
        (root / "content" / name).mkdir(parents=True)
    (root / "veille.toml").write_text(TOML, encoding="utf-8")
    (root / "content/helplines.yaml").write_text(HELPLINES, encoding="utf-8")
    (root / "content/partners/ccas-bagneux.yaml").write_text(PARTNER, encoding="utf-8")
    Image.new("RGB", (1200, 800), "#c2372b").save(root / "content/media/repas.jpg")
    return config.load(root, {})


def write(root: Path, front: str, body: str = "Bonjour.", name: str = "posts/2026-11-23-repas.md") -> Path:
    """Write one content file; `front` without its fences."""
    path = root / "content" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{front.strip(chr(10))}\n---\n\n{body}\n", encoding="utf-8")
    return path
