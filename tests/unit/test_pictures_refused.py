"""Pictures that are refused: bombs, cut off, no picture, not there, behind a link."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest
from PIL import Image as Pillow

from tests.support.photos import photo, refusal
from veille import pictures
from veille.errors import ContentError
from veille.pictures import originals
from veille.posts import Image


def png_header(width: int, height: int) -> bytes:
    """A tiny PNG that claims to be large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(8000, 5000), (10000, 9500), (30000, 30000), (2**31 - 1, 1)])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(*size))
    tracemalloc.start()
    try:
        assert refusal(Image(tmp_path / "bomb.png")) == "picture-too-large"
        finding = pictures.check(Image(tmp_path / "bomb.png"))
        assert finding is not None
        assert finding.code == "picture-too-large"
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_real_bomb_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's pixels are not seen by tracemalloc, so we look whether it ever makes any."""
    Pillow.new("1", (8000, 5000)).save(tmp_path / "bomb.png")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    assert refusal(Image(tmp_path / "bomb.png")) == "picture-too-large"


def test_just_below_the_limit_a_small_machine_survives(tmp_path: Path) -> None:
    """40 megapixels with transparency are 160 MB once decoded; no second copy of that size is made."""
    Pillow.new("RGBA", (7999, 5000)).save(tmp_path / "large.png", compress_level=1)
    code = (
        "import re, resource, sys; from pathlib import Path;"
        "from veille import pictures; from veille.posts import Image;"
        "assert pictures.web(Image(Path(sys.argv[1]))).width == 1200;"
        # On Linux the other figure counts what the process that started this one had in use.
        "own = Path('/proc/self/status');"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if not own.exists() else "
        "int(re.search(r'VmHWM:\\s+(\\d+)', own.read_text())[1]);"
        "print(peak // 1024)"
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path / "large.png"], capture_output=True, text=True)
    assert int(run.stdout or "9999") < 500, run.stderr


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(originals.MAX_BYTES + 1)
    assert refusal(Image(tmp_path / "huge.jpg")) == "picture-too-large"


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif"])
def test_a_picture_that_is_cut_off_is_refused(tmp_path: Path, suffix: str) -> None:
    image = photo(tmp_path / f"a.{suffix}")
    data = image.path.read_bytes()
    image.path.write_bytes(data[: len(data) // 2])
    assert refusal(image) in ("picture-damaged", "picture-format")


def test_not_a_picture(tmp_path: Path) -> None:
    for content in (b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xff\xd8\xff", b"BM" + b"\0" * 60):
        (tmp_path / "a.jpg").write_bytes(content)
        assert refusal(Image(tmp_path / "a.jpg")) == "picture-format"
    (tmp_path / "folder.jpg").mkdir()
    assert refusal(Image(tmp_path / "folder.jpg")) == "picture-format"


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert refusal(Image(tmp_path / "a.jpg")) == "picture-format"


def test_missing_is_said_with_the_path_in_the_workspace(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as caught:
        pictures.web(Image(tmp_path / "content/media/no.jpg"), root=tmp_path)
    assert caught.value.findings[0].file == "content/media/no.jpg"
    assert caught.value.findings[0].code == "picture-missing"


def test_links_are_never_followed(tmp_path: Path) -> None:
    workspace, outside = tmp_path / "newsroom", tmp_path / "elsewhere"
    workspace.mkdir()
    outside.mkdir()
    photo(outside / "a.jpg")
    (workspace / "link.jpg").symlink_to(outside / "a.jpg")
    assert refusal(Image(workspace / "link.jpg")) == "picture-link"
    (workspace / "media").symlink_to(outside)
    assert refusal(Image(workspace / "media/a.jpg"), root=workspace) == "picture-link"
    assert refusal(Image(workspace / "../elsewhere/a.jpg"), root=workspace) == "picture-link"


def test_a_file_that_becomes_a_link_after_the_look_is_refused(tmp_path: Path) -> None:
    image = photo(tmp_path / "a.jpg")
    seen = originals.look(image.path, None)
    image.path.rename(tmp_path / "b.jpg")
    image.path.symlink_to(tmp_path / "b.jpg")
    with pytest.raises(ContentError) as caught, originals.opened(seen):
        pytest.fail("followed a link")
    assert caught.value.findings[0].code == "picture-unreadable"
