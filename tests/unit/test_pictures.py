"""Pictures as bytes: what leaves is small, upright, sRGB, without metadata, and keeps what the editor pointed at."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image as Pillow
from PIL import ImageCms, ImageDraw

from tests.support.photos import photo
from veille import pictures
from veille.brand import LIGHT, Brand
from veille.errors import ContentError, Severity
from veille.pictures.cards import Card
from veille.posts import Image
from veille.rendering import Picture

BRAND = Brand("Kess Kis Pass")


def opened(picture: Picture) -> Pillow.Image:
    return Pillow.open(io.BytesIO(picture.content))


def instagram(images: list[Image], title: str = "Un titre", most: int = pictures.INSTAGRAM_MAX) -> tuple[Picture, ...]:
    return pictures.instagram(images, Card(title, "Service", "Bagneux"), brand=BRAND, most=most)


def exif_with_place() -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[0x010F] = "Camera of somebody"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (48.0, 47.0, 30.0)
    return exif


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif"])
def test_web_is_a_progressive_srgb_jpeg_named_by_its_hash(tmp_path: Path, suffix: str) -> None:
    made = pictures.web(photo(tmp_path / f"a.{suffix}"))
    picture = opened(made)
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (1200, 750))
    assert (made.width, made.height) == picture.size
    assert picture.info["progressive"]
    assert made.name == f"{hashlib.sha256(made.content).hexdigest()[:20]}.jpg"
    assert (made.alt, made.credit) == ("Une photo", "La rédaction")


def test_small_pictures_are_not_enlarged(tmp_path: Path) -> None:
    assert pictures.web(photo(tmp_path / "a.png", (500, 300))).width == 500
    [made] = instagram([photo(tmp_path / "b.png", (500, 500))])
    assert made.width == 500


def test_same_photo_same_bytes_in_another_process(tmp_path: Path) -> None:
    image = photo(tmp_path / "a.jpg")
    code = (
        "import sys; from pathlib import Path; from veille import pictures; from veille.posts import Image;"
        "from veille.pictures.cards import Card; image = Image(Path(sys.argv[1]));"
        "from veille.brand import Brand; brand = Brand('Kess Kis Pass'); card = Card('« Où ? »', 'Service', 'Bagneux');"
        "made = [p for i in ([image], []) for p in pictures.instagram(i, card, brand=brand)];"
        "print(pictures.web(image).name, *(p.name for p in made), pictures.link_card(card, brand=brand).name)"
    )
    made = [pictures.web(image), *instagram([image], "« Où ? »"), *instagram([], "« Où ? »")]
    card = pictures.link_card(Card("« Où ? »", "Service", "Bagneux"), brand=BRAND)
    run = subprocess.run([sys.executable, "-c", code, tmp_path / "a.jpg"], capture_output=True, text=True)
    assert run.stdout.split() == [picture.name for picture in (*made, card)], run.stderr


def test_a_photo_is_decoded_once_until_its_file_changes(tmp_path: Path) -> None:
    image = photo(tmp_path / "a.jpg")
    before = pictures._web.cache_info().misses
    first = pictures.web(image)
    assert [pictures.web(image).content for _ in range(4)] == [first.content] * 4
    assert pictures._web.cache_info().misses == before + 1
    photo(tmp_path / "a.jpg", (900, 900))
    os.utime(tmp_path / "a.jpg", ns=(1, 1))
    assert pictures.web(image).height == 900


@pytest.mark.parametrize("made_by", ["web", "instagram"])
def test_nothing_of_the_camera_is_left(tmp_path: Path, made_by: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = photo(
        tmp_path / "a.jpg",
        exif=exif_with_place(),
        icc_profile=profile,
        comment=b"taken by somebody",
        xmp=b"<x:xmpmeta>somebody</x:xmpmeta>",
    )
    made = pictures.web(image) if made_by == "web" else instagram([image])[0]
    assert b"somebody" in image.path.read_bytes()
    assert b"somebody" not in made.content
    for marker in (b"Exif", b"ICC_PROFILE", b"http://ns.adobe.com", b"\xff\xfe\x00"):
        assert marker not in made.content[:2000]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_way_to_hold_a_camera_comes_out_upright(tmp_path: Path, orientation: int) -> None:
    """The upright picture has its red corner at the top left and is 400 x 300."""
    upright = Pillow.new("RGB", (400, 300), "white")
    upright.paste("red", (0, 0, 100, 75))
    turns = Pillow.Transpose
    stored = {
        1: None, 2: turns.FLIP_LEFT_RIGHT, 3: turns.ROTATE_180, 4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE, 6: turns.ROTATE_90, 7: turns.TRANSVERSE, 8: turns.ROTATE_270,
    }[orientation]  # fmt: skip
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    (upright.transpose(stored) if stored is not None else upright).save(tmp_path / "a.jpg", exif=exif)
    made = opened(pictures.web(Image(tmp_path / "a.jpg")))
    assert made.size == (400, 300)
    assert is_red(made.getpixel((30, 30)))
    assert not is_red(made.getpixel((370, 270)))


def is_red(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    return bool(pixel[0] > 180 and pixel[1] < 90 and pixel[2] < 90)


def test_a_damaged_exif_block_does_not_lose_the_photo(tmp_path: Path) -> None:
    image = photo(tmp_path / "a.jpg", exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff\x00\x10garbage")
    assert pictures.web(image).width == 1200
    assert pictures.check(image) is None


def test_transparency_lies_on_the_light_ground(tmp_path: Path) -> None:
    for name, mode, colour in (("a.png", "RGBA", (0, 0, 0, 0)), ("b.png", "LA", (0, 0))):
        Pillow.new(mode, (400, 400), colour).save(tmp_path / name)
        pixel = opened(pictures.web(Image(tmp_path / name))).getpixel((200, 200))
        expected = tuple(int(LIGHT.ground[i : i + 2], 16) for i in (1, 3, 5))
        assert isinstance(pixel, tuple)
        assert all(abs(a - b) <= 2 for a, b in zip(pixel, expected, strict=True)), name


def test_other_colour_spaces_become_srgb(tmp_path: Path) -> None:
    """A picture in Lab-like wide gamut is converted by its profile, not read as if it were sRGB."""
    swapped = swapped_profile()
    Pillow.new("RGB", (400, 400), (255, 0, 0)).save(tmp_path / "a.png", icc_profile=swapped)
    pixel = opened(pictures.web(Image(tmp_path / "a.png"))).getpixel((200, 200))
    assert isinstance(pixel, tuple)
    assert pixel[1] > 150, pixel
    assert pixel[0] < 100, pixel


def swapped_profile() -> bytes:
    """sRGB with the red and green primaries exchanged: a conversion that is forgotten is seen at once."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    places = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "I;16", "YCbCr"])
def test_every_mode_is_read(tmp_path: Path, mode: str) -> None:
    name = "a.jpg" if mode in ("CMYK", "YCbCr") else "a.png"
    light = {"I;16": 60000, "CMYK": (0, 0, 0, 0), "YCbCr": (255, 128, 128)}.get(mode, 255)
    picture = Pillow.new("P" if mode == "P" else mode, (400, 400), 0 if mode == "P" else light)  # type: ignore[arg-type]
    if mode == "P":
        picture.putpalette([250, 250, 250])
    picture.save(tmp_path / name)
    pixel = opened(pictures.web(Image(tmp_path / name))).getpixel((200, 200))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 220, pixel


def test_a_scan_in_sixteen_bits_keeps_its_greys(tmp_path: Path) -> None:
    Pillow.new("I;16", (400, 400), 30_000).save(tmp_path / "a.png")
    assert opened(pictures.web(Image(tmp_path / "a.png"))).getpixel((200, 200)) == (117, 117, 117)


def test_an_unusable_colour_profile_is_left_out(tmp_path: Path) -> None:
    assert pictures.web(photo(tmp_path / "a.jpg", icc_profile=b"not a profile")).width == 1200


# --- Instagram ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "ratio"),
    [((4000, 500), 1.91), ((500, 2000), 0.8), ((1000, 1000), 1.0), ((3000, 2000), 1.5), ((333, 1777), 0.8)],
)
def test_instagram_takes_what_meta_takes(tmp_path: Path, size: tuple[int, int], ratio: float) -> None:
    [made] = instagram([photo(tmp_path / "a.jpg", size)])
    picture = opened(made)
    assert (picture.format, picture.mode) == ("JPEG", "RGB")

    assert picture.height * 4 <= picture.width * 5, "not taller than 4:5"
    assert picture.width * 100 <= picture.height * 191, "not wider than 1.91:1"
    assert picture.width / picture.height == pytest.approx(ratio, abs=0.01)
    assert picture.width <= 1440
    assert len(made.content) < 1_000_000


def test_rounding_never_leaves_the_ratios() -> None:
    for width, ratio in itertools.product(range(200, 1441), (0.8, 1.0, 1.5, 1.91)):
        shown, height = pictures.frame(width, ratio)
        assert shown == width
        assert height * 4 <= width * 5
        assert width * 100 <= height * 191
        assert abs(width / ratio - height) <= 1


def test_noise_stays_below_the_limit(tmp_path: Path) -> None:
    noise = Pillow.frombytes("RGB", (1440, 1800), os.urandom(1440 * 1800 * 3))
    noise.save(tmp_path / "a.png", compress_level=1)
    [made] = instagram([Image(tmp_path / "a.png")])
    assert len(made.content) < 1_000_000, "detail did not give way"
    assert made.width >= 1000
    assert made.height * 4 == made.width * 5


@pytest.mark.parametrize("focus", list(itertools.product((0.03, 0.3, 0.97), repeat=2)))
@pytest.mark.parametrize("size", [(2400, 600), (600, 2400)])
def test_what_the_editor_pointed_at_survives_the_crop(
    tmp_path: Path, size: tuple[int, int], focus: tuple[float, float]
) -> None:
    picture = Pillow.new("RGB", size, "white")
    x, y = focus[0] * size[0], focus[1] * size[1]
    ImageDraw.Draw(picture).ellipse((x - 14, y - 14, x + 14, y + 14), fill="red")
    picture.save(tmp_path / "a.png")
    [made] = instagram([Image(tmp_path / "a.png", focus=focus)])
    shown = opened(made)
    cut = shown.convert("RGB").tobytes()
    reds = sum(is_red(tuple(cut[i : i + 3])) for i in range(0, len(cut), 3))
    assert reds > 250, "the red dot is cut off"
    assert 0.8 <= made.width / made.height <= 1.91


def test_the_crop_loses_as_little_as_the_ratio_allows() -> None:
    assert pictures.crop_box((3000, 1000), (0.5, 0.5), 1.5) == (750, 0, 2250, 1000)
    assert pictures.crop_box((3000, 1000), (0.0, 0.5), 1.5) == (0, 0, 1500, 1000)
    assert pictures.crop_box((3000, 1000), (1.0, 1.0), 1.5) == (1500, 0, 3000, 1000)
    assert pictures.crop_box((1000, 2000), (0.5, 0.1), 0.8) == (0, 0, 1000, 1250)


def test_a_carousel_has_the_ratio_of_its_first_picture(tmp_path: Path) -> None:
    sizes = [(1500, 1200), (900, 1600), (3000, 800)]
    made = instagram([photo(tmp_path / f"{i}.jpg", size) for i, size in enumerate(sizes)])
    assert [round(p.width / p.height, 2) for p in made] == [1.25, 1.25, 1.25]
    assert [p.alt for p in made] == ["Une photo"] * 3


def test_ten_pictures_and_not_one_more(tmp_path: Path) -> None:
    images = [photo(tmp_path / f"{i}.png", (400, 400)) for i in range(11)]
    assert len(instagram(images[:10])) == 10
    assert len(instagram(images, most=20)) == 11, "a newsroom that knows more"
    with pytest.raises(ContentError) as caught:
        instagram(images)
    assert caught.value.findings[0].code == "too-many-pictures"
    assert caught.value.findings[0].file == "10.png"


def test_no_picture_gives_a_card_with_the_title_as_its_text() -> None:
    [made] = instagram([], "Des repas à « l’Espace »")
    assert (made.width, made.height, made.alt) == (1080, 1350, "Des repas à « l’Espace »")
    assert len(made.content) < 300_000
    assert instagram([], "Des repas à « l’Espace »") == (made,)


def test_a_link_has_a_wide_card_with_the_title_as_its_text() -> None:
    card = Card("Des repas à « l’Espace »", "Service", "Bagneux")
    made = pictures.link_card(card, brand=BRAND)
    assert (made.width, made.height, made.alt) == (1200, 630, "Des repas à « l’Espace »")
    assert len(made.content) < 300_000
    assert (opened(made).format, opened(made).mode) == ("JPEG", "RGB")
    assert pictures.link_card(card, brand=BRAND) == made


def test_a_tiny_picture_is_enlarged_by_us_and_not_by_instagram(tmp_path: Path) -> None:
    [made] = instagram([photo(tmp_path / "a.png", (240, 180))])
    assert (made.width, made.height) == (320, 240)
    assert pictures.web(photo(tmp_path / "a.png", (240, 180))).width == 240


# --- The cheap check ---------------------------------------------------------------------------------


def test_check_says_nothing_of_a_good_photo_and_decodes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = photo(tmp_path / "a.jpg")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    assert pictures.check(image, root=tmp_path) is None


def test_check_warns_of_small_and_moving_pictures(tmp_path: Path) -> None:
    finding = pictures.check(photo(tmp_path / "small.png", (319, 600)))
    assert finding is not None
    assert (finding.code, finding.severity) == ("picture-small", Severity.WARNING)
    frames = [Pillow.new("RGB", (400, 400), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    finding = pictures.check(Image(tmp_path / "a.gif"))
    assert finding is not None
    assert (finding.code, finding.severity) == ("picture-animated", Severity.WARNING)
    assert is_red(opened(pictures.web(Image(tmp_path / "a.gif"))).getpixel((200, 200)))


def test_check_measures_a_turned_photo_as_people_see_it(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    finding = pictures.check(photo(tmp_path / "a.jpg", (900, 300), exif=exif))
    assert finding is not None
    assert finding.code == "picture-small"
