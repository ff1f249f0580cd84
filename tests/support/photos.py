"""Photos as people send them, made here."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from veille import pictures
from veille.errors import ContentError
from veille.posts import Image


def photo(path: Path, size: tuple[int, int] = (1600, 1000), **save: object) -> Image:
    """A photo with detail in it: a gradient and stripes."""
    picture = Pillow.linear_gradient("L").resize(size).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for x in range(0, size[0], 40):
        pen.line((x, 0, size[0] - x, size[1]), fill=(x % 256, 90, 160), width=3)
    picture.save(path, **save)  # type: ignore[arg-type]
    return Image(path, alt="Une photo", credit="La rédaction")


def refusal(image: Image, root: Path | None = None) -> str:
    """The code with which both the real work and the cheap check refuse a picture."""
    with pytest.raises(ContentError) as caught:
        pictures.web(image, root=root)
    [finding] = caught.value.findings
    assert finding.file.endswith(image.path.name)
    assert finding.hint
    return finding.code
