"""Posts, editions and contacts: from a file to valid values, or every finding at once."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from veille import partners
from veille.config import Config
from veille.errors import ContentError, Finding
from veille.partners import Need
from veille.posts import Audience, Kind, Post
from veille.reading.contact import read_helplines, read_partner
from veille.reading.edition import read_edition
from veille.reading.post import read_post
from veille.reading.wording import words_for

IMAGE = "image:\n  src: repas.jpg\n  alt: Une marmite"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def read(config: Config, front: str, body: str = "Bonjour.", name: str = "posts/2026-11-23-repas.md") -> Post:
    return read_post(write(config.root, front, body, name), config)


def wrong(config: Config, front: str, body: str = "Bonjour.") -> tuple[Finding, ...]:
    with pytest.raises(ContentError) as caught:
        read(config, front, body)
    return caught.value.findings


def test_a_full_post(config: Config) -> None:
    post = read(
        config,
        """
title: Un repas : c'est quand ?
""".replace("title: Un repas : c'est quand ?", 'title: "Un repas : c\'est quand ?"')
        + IMAGE
        + """
  focus: [0.25, 0.5]
  credit: Kess Kis Pass
images: [{src: repas.jpg, decorative: true}]
date: 23/11/2026
publishDate: 2026-12-01T09:00:00+01:00
expiryDate: 01/12/2026 18:30
draft: false
tags: [a, b]
channels: [web, RSS]
towns: [Bourg-la-Reine, bagneux]
audience: [jeunes, families]
kind: événement
event: {start: 2026-12-01 14:00, end: 2026-12-01 16:00, place: Salle, url: https://example.org}
partners: ccas-bagneux
helplines: [39 19, 116 000]
source: Mairie
allow: {P3: relu}
instagram: {caption: "a\\nb", hashtags: "#Repas #ados"}
x-note: libre
""",
    )
    assert post.title == "Un repas : c'est quand ?"
    assert post.image is not None
    assert post.image.path == config.root / "content/media/repas.jpg"
    assert (post.image.focus, post.image.alt, post.images[0].decorative) == ((0.25, 0.5), "Une marmite", True)
    assert post.date == date(2026, 11, 23)
    assert type(post.date) is date
    assert post.publish_date == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    assert isinstance(post.expiry_date, datetime)
    assert post.expiry_date.isoformat() == "2026-12-01T18:30:00+01:00"
    assert post.expiry_date.tzinfo == config.zone
    assert post.channels == ("web", "feed")
    assert post.towns == ("bourg-la-reine", "bagneux")
    assert post.audience == (Audience.YOUNG, Audience.FAMILIES)
    assert post.kind is Kind.EVENT
    assert post.event is not None
    assert post.event.place == "Salle"
    assert (post.partners, post.helplines) == (("ccas-bagneux",), ("3919", "116000"))
    assert (post.origin, post.allow) == ("Mairie", {"P3": "relu"})
    assert (post.instagram.caption, post.instagram.hashtags) == ("a\nb", ("Repas", "ados"))
    assert (post.source, post.slug, post.file) == ("repas", "repas", "content/posts/2026-11-23-repas.md")
    assert post.lines["image.alt"] == 5


def test_absent_keys(config: Config) -> None:
    post = read(config, "title: a\nsummary:\ntags:")
    assert (post.channels, post.draft, post.kind, post.lang, post.date) == (None, False, Kind.NEWS, "fr", None)


@pytest.mark.parametrize(
    ("front", "field", "value"),
    [
        ("titre: b", "title", "b"),
        ("subject: b", "title", "b"),
        ("title: b\nbrouillon: true", "draft", True),
        ("title: b\nétiquettes: [c]", "tags", ("c",)),
        ("title: b\nrésumé: c", "summary", "c"),
        ("title: b\nexcerpt: c", "summary", "c"),
        ("title: b\nauteur: c", "author", "c"),
        ("title: b\npublish_date: 2026-12-01", "publish_date", date(2026, 12, 1)),
        ("title: b\npubDate: 2026-12-01", "publish_date", date(2026, 12, 1)),
        ("title: b\npublishdate: 2026-12-01", "publish_date", date(2026, 12, 1)),
        ("title: b\ndate-modified: 2026-12-01", "lastmod", date(2026, 12, 1)),
        ("title: b\ncommunes: Bagneux", "towns", ("bagneux",)),
        ("title: b\nTags: [c]", "tags", ("c",)),
        ("title: b\nkind: bon-plan", "kind", Kind.GOOD_DEAL),
        ("title: b\nkind: appel-a-projets", "kind", Kind.CALL_FOR_PROJECTS),
        ("title: b\nkind: Actualité", "kind", Kind.NEWS),
        ("title: b\nkind: formation", "kind", Kind.TRAINING),
        ("title: b\naudience: professionnels", "audience", (Audience.PROFESSIONALS,)),
        ("title: 2026", "title", "2026"),
        ("title: b\nlang: no", "lang", "no"),
        ("title: b\nid: Mon-Id_1", "source", "Mon-Id_1"),
        ("title: b\nslug: autre", "slug", "autre"),
    ],
)
def test_synonyms(config: Config, front: str, field: str, value: object) -> None:
    assert getattr(read(config, front), field) == value


WRONG = [
    ("lang: fr", None, "title", "missing", ""),
    ("title:", 2, "title", "missing", ""),
    ('title: " "', 2, "title", "missing", ""),
    (f"title: {'a' * 121}", 2, "title", "too-long", ""),
    ('title: "a\\nb"', 2, "title", "wrong-value", ""),
    ("title: true", 2, "title", "wrong-value", ""),
    ("title: a\ntag: b", 3, "tag", "unknown-key", "tags"),
    ("title: a\nétiquete: b", 3, "étiquete", "unknown-key", "tags"),
    ("title: a\npublished: true", 3, "published", "unknown-key", "publishDate"),
    ("title: a\ndescription: b", 3, "description", "unknown-key", "summary"),
    ("title: a\nstatus: b", 3, "status", "unknown-key", "x-status"),
    ("title: a\nhashtags: [b]", 3, "hashtags", "unknown-key", "instagram"),
    ("title: a\nbrouillon: peut-être", 3, "brouillon", "wrong-value", ""),
    ("title: a\ndraft: yes", 3, "draft", "wrong-value", ""),
    ("title: a\ntitre: b", 3, "titre", "duplicate-key", ""),
    ("title: a\ndate: demain", 3, "date", "date", "2026-12-01"),
    ("title: a\ndate: 31/02/2026", 3, "date", "date", ""),
    ("title: a\ndate: 2026-12-01 25:00", 3, "date", "date", ""),
    ("title: a\ndate: 26/11/26", 3, "date", "date", "2026-12-01"),
    ("title: a\ndate: 0206-12-01", 3, "date", "date", ""),
    ("title: a\npublishDate: 2026-03-29 02:30", 3, "publishDate", "date", "03:30"),
    ("title: a\npublishDate: 2026-10-25 02:30", 3, "publishDate", "date", "2026-10-25T02:30+02:00"),
    ("title: a\ntowns: [Bagneu]", 3, "towns.0", "town", "Bagneux"),
    ("title: a\ntowns: [Paris]", 3, "towns.0", "town", "Bourg-la-Reine"),
    ("title: a\nkind: evenment", 3, "kind", "unknown-word", "événement"),
    ("title: a\naudience: [jeunes, chats]", 3, "audience.1", "unknown-word", ""),
    ("title: a\nchannels: [facebok]", 3, "channels.0", "channel", "facebook"),
    ("title: a\nchannels: []", 3, "channels", "channel", ""),
    ("title: a\nslug: Mon Été", 3, "slug", "slug", "mon-ete"),
    ("title: a\nid: a/b", 3, "id", "id", "a-b"),
    ("title: a\nlang: français", 3, "lang", "lang", ""),
    ("title: a\ninstagram:\n  hashtags: [bon plan]", 4, "instagram.hashtags.0", "hashtag", "BonPlan"),
    ("title: a\ninstagram:\n  hashtag: [b]", 4, "instagram.hashtag", "unknown-key", "hashtags"),
    ("title: a\nfacebook: Bonjour", 3, "facebook", "wrong-value", ""),
    ("title: a\ntags:\n  - Santé : jeunes", 4, "tags.0", "wrong-value", ""),
    ("title: a\nallow: {P3: }", 3, "allow.P3", "wrong-value", ""),
    ("title: a\nevent: {place: b}", 3, "event.start", "missing", ""),
    ("title: a\nevent:\n  start: 2026-12-02\n  end: 2026-12-01 10:00", 5, "event.end", "event-end", ""),
    ("title: a\nevent: {start: 2026-12-02, url: example}", 3, "event.url", "url", ""),
    ("title: a\nimage: repas.jpg", 3, "image", "alt-missing", "src: repas.jpg"),
    ("title: a\nimage:\n  src: repas.jpg", 3, "image.alt", "alt-missing", "decorative: true"),
    ("title: a\nimage:\n  src: repas.jpg\n  alt:", 5, "image.alt", "alt-missing", ""),
    ("title: a\nimage: {src: repas.jpg, alt: b, decorative: true}", 3, "image.alt", "alt-decorative", ""),
    ("title: a\nimage: {src: repas.jpg, alt: b, focus: [0,5, 0,3]}", 3, "image.focus", "focus", ""),
    ("title: a\nimage: {src: repas.jpg, alt: b, focus: [2, nan]}", 3, "image.focus", "focus", ""),
    ("title: a\nimage: {src: repa.jpg, alt: b}", 3, "image.src", "picture-missing", "repas.jpg"),
    ("title: a\nimage: {src: ../../../../etc/passwd, alt: b}", 3, "image.src", "picture-outside", ""),
    ("title: a\nimage: {src: /etc/passwd, alt: b}", 3, "image.src", "picture-outside", ""),
    ("title: a\nimage: {src: 'C:\\a.jpg', alt: b}", 3, "image.src", "picture", ""),
    ("title: a\nimage: {src: 'media\\repas.jpg', alt: b}", 3, "image.src", "picture", "media/repas.jpg"),
    ("title: a\nimage: {src: 'file:///etc/passwd', alt: b}", 3, "image.src", "picture", ""),
    ("title: a\nimage: {src: 'https://example.org/a.jpg', alt: b}", 3, "image.src", "picture", ""),
    ("title: a\nimage: {src: ., alt: b}", 3, "image.src", "picture", ""),
    ("title: a\nimage: {src: ../../veille.toml, alt: b}", 3, "image.src", "picture-kind", ""),
    ("title: a\nimages:\n  - {src: repas.jpg, alt: b}\n  - src: repas.jpg", 5, "images.1.alt", "alt-missing", ""),
]


@pytest.mark.parametrize(("front", "line", "field", "code", "hint"), WRONG)
def test_what_is_wrong_has_line_field_and_remedy(
    config: Config, front: str, line: int | None, field: str, code: str, hint: str
) -> None:
    (finding,) = wrong(config, front)
    assert (finding.line, finding.field, finding.code) == (line, field, code)
    assert hint in (finding.hint or "")
    assert finding.file == "content/posts/2026-11-23-repas.md"


@pytest.mark.parametrize("name", ["repas.jpg", "mon repas.jpg", "a, b: c.jpg", "l'été #1.jpg"])
def test_the_value_to_write_for_a_bare_picture_can_be_read(config: Config, name: str) -> None:
    source = config.root / "content/media/repas.jpg"
    (source.parent / name).write_bytes(source.read_bytes())
    (finding,) = wrong(config, f'title: a\nimage: "{name}"')
    assert finding.hint is not None
    image = read(config, f"title: a\nimage: {finding.hint.partition(': ')[2]}").image
    assert image is not None
    assert image.path.name == name


def test_a_broken_line_does_not_echo(config: Config) -> None:
    (finding,) = wrong(config, "title: *gras*\nlang: fr")
    assert (finding.line, finding.code) == (2, "yaml-sign")


def test_every_error_of_a_file_at_once(config: Config) -> None:
    found = wrong(config, "title: Atelier : gérer\ntag: b\nimage:\n  src: non.jpg\nkind: x", body="")
    assert [(f.line, f.field) for f in found] == [
        (2, "title"),
        (3, "tag"),
        (4, "image.alt"),
        (5, "image.src"),
        (6, "kind"),
        (8, None),
    ]
    assert str(found[1]).startswith("content/posts/2026-11-23-repas.md:3: tag: ")


def test_pictures_behind_links_and_special_files(config: Config, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    media = config.root / "content/media"
    (outside / "a.jpg").write_bytes(b"")
    (media / "link.jpg").symlink_to(outside / "a.jpg")
    (media / "inner.jpg").symlink_to(media / "repas.jpg")
    (media / "folder").symlink_to(outside)
    os.mkfifo(media / "pipe.jpg")
    for name, code in (
        ("link.jpg", "picture-link"),
        ("inner.jpg", "picture-link"),
        ("folder/a.jpg", "picture-link"),
        ("pipe.jpg", "picture"),
    ):
        (finding,) = wrong(config, f"title: a\nimage: {{src: {name}, alt: b}}")
        assert finding.code == code, name


def test_a_picture_beside_the_post_comes_first(config: Config) -> None:
    beside = config.root / "content/posts/repas.jpg"
    beside.write_bytes((config.root / "content/media/repas.jpg").read_bytes())
    image = read(config, "title: a\n" + IMAGE).image
    assert image is not None
    assert image.path == beside


@pytest.mark.parametrize(
    ("name", "source", "slug"),
    [
        ("posts/2026-11-23-repas.md", "repas", "repas"),
        ("posts/repas.md", "repas", "repas"),
        ("posts/Été à Bagneux.md", "Été à Bagneux", "ete-a-bagneux"),
        ("posts/E\u0301te\u0301.md", "Été", "ete"),
        ("posts/2026-11-23.md", "2026-11-23", "2026-11-23"),
    ],
)
def test_identity_comes_from_the_file_name(config: Config, name: str, source: str, slug: str) -> None:
    post = read(config, "title: a", name=name)
    assert (post.source, post.slug) == (source, slug)


def test_a_file_name_without_letters_needs_a_slug(config: Config) -> None:
    with pytest.raises(ContentError, match="slug"):
        read(config, "title: a", name="posts/!!.md")


def test_an_edition(config: Config) -> None:
    path = write(config.root, "title: Lettre\nposts: [b, a]\nlettre: {subject: c, preheader: d}", "", "editions/n.md")
    edition = read_edition(path, config)
    assert (edition.posts, edition.subject, edition.preheader, edition.body) == (("b", "a"), "c", "d", "")
    with pytest.raises(ContentError, match="unknown key"):
        read_edition(write(config.root, "title: a\nurgent: true", "", "editions/n.md"), config)


# ---- contacts


def partner(config: Config, text: str) -> partners.Partner:
    path = config.root / "content/partners/essai.yaml"
    path.write_text(text, encoding="utf-8")
    return read_partner(path, config)


def test_a_partner(config: Config) -> None:
    found = read_partner(config.root / "content/partners/ccas-bagneux.yaml", config)
    assert (found.id, found.needs, found.phone) == ("ccas-bagneux", (Need.FOOD,), "01 99 00 12 34")
    assert found.verified_on == date(2026, 11, 18)


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("name: a\nneeds: [food]", None, "verified_on"),
        ("name: a\nneeds: []\nverified_on: 2026-01-01", 2, "needs"),
        ("name: a\nneeds: [manger]\nverified_on: 2026-01-01", 2, "needs.0"),
        ("name: a\nneeds: santé\nverified_on: 2026-01-01 10:00", 3, "verified_on"),
        ("name: a\nneeds: santé\nverified_on: 2026-01-01\nphone: 0800 300 30", 4, "phone"),
        ("name: a\nneeds: santé\nverified_on: 2026-01-01\nemail: a@@b", 4, "email"),
        ("name: a\nneeds: santé\nverified_on: 2026-01-01\ntelephone: 15", 4, "telephone"),
    ],
)
def test_wrong_partners(config: Config, text: str, line: int | None, field: str) -> None:
    with pytest.raises(ContentError) as caught:
        partner(config, text)
    (finding,) = caught.value.findings
    assert (finding.line, finding.field) == (line, field)


def test_help_lines_keep_their_printed_form(config: Config) -> None:
    (line,), found = read_helplines(config.root / "content/helplines.yaml", config)
    assert (line.number, line.label, line.line, found) == ("3919", "39 19", 2, ())


def test_one_broken_help_line_does_not_hide_the_others(config: Config) -> None:
    path = config.root / "content/helplines.yaml"
    good = path.read_text(encoding="utf-8")
    path.write_text(
        good + "  - number: abc\n    name: x\n  - number: 3919\n" + good.split("39 19\n")[1], encoding="utf-8"
    )
    lines, found = read_helplines(path, config)
    assert [line.number for line in lines] == ["3919"]
    assert {(f.line, f.code) for f in found} >= {(8, "phone"), (10, "duplicate-number")}


def test_words_for_serves_the_command_line_too() -> None:
    assert words_for("missing", {})[0] == "this is missing"
    assert words_for("float_parsing", {"error": "x"})[0] == "a number is expected here"
    assert words_for("value_error", {"error": ValueError("why")})[1] == "why"
    assert words_for("something_new", {})[0]
