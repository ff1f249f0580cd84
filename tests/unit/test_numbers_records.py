"""The numbers of records, of fiction, and those that only a template knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import config as configuration
from veille import library
from veille.checks.numbers import CHECK
from veille.checks.rules import Context, Shown
from veille.checks.subjects import Subject
from veille.config import Config
from veille.errors import Finding
from veille.partners import HelpLine, Hours, Need, Partner
from veille.publishing import Proof

LINE = HelpLine("3919", "39 19", "Violences", "Femmes.", "24 h/24, 7 j/7", date(2026, 11, 18), "essai", line=3)
HOUSE = Partner("maison", "content/partners/maison.yaml", "Maison", (Need.FOOD,), (), date(2026, 11, 18))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def look(config: Config, record: Partner | HelpLine, *others: HelpLine) -> list[Finding]:
    lines = [record, *others] if isinstance(record, HelpLine) else others
    partners = {record.id: record} if isinstance(record, Partner) else {}
    room = library.Library(partners=partners, helplines={line.number: line for line in lines})
    file = record.file if isinstance(record, Partner) else "content/helplines.yaml"
    assert CHECK.each
    return list(CHECK.each(Subject(record, config.root / file, file), Context(room, config, NOW)))


def codes(config: Config, record: Partner | HelpLine) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.field) for finding in look(config, record)]


@pytest.mark.parametrize(
    ("number", "label", "expected"),
    [
        ("3919", "39 19", []),
        ("114", "114", []),
        ("116006", "116 006", []),
        ("0800235236", "0 800 235 236", []),
        ("3949", "39 49", []),
        ("3020", "30 20", [("number-denied", "number")]),
        ("080030030", "0800 300 30", [("number-foreign", "number")]),
        ("080023523", "0 800 235 23", [("number-foreign", "number")]),
        ("0147293", "01 47 29 3", [("number-incomplete", "number")]),
        ("0800202223", "0 800 20 22 23", [("number-denied", "number")]),
        ("0808807700", "0 808 80 77 00", []),  # somebody called it: our doubt is settled
        ("3977", "39 77", []),
        ("3919", "39 29", [("number-link", "label")]),
    ],
)
def test_help_lines(config: Config, number: str, label: str, expected: list[tuple[str, str]]) -> None:
    found = codes(config, replace(LINE, number=number, label=label))
    assert found == expected


@pytest.mark.parametrize(
    ("phone", "sms", "expected"),
    [
        ("01 99 00 12 34", "06 39 98 12 34", []),
        ("01 47 29 36 69", "", []),
        ("39 49", "", []),
        ("0 892 12 34 56", "", []),
        ("01 47 29 36", "", [("number-incomplete", "phone")]),
        ("0800 300 30", "", [("number-foreign", "phone")]),
        ("+32 81 22 34 56", "", [("number-foreign", "phone")]),
        ("", "01 99 00 12 34", [("number-sms", "sms")]),
    ],
)
def test_partners(config: Config, phone: str, sms: str, expected: list[tuple[str, str]]) -> None:
    assert codes(config, replace(HOUSE, phone=phone, sms=sms)) == expected


def test_the_free_text_of_a_record(config: Config) -> None:
    partner = replace(HOUSE, phone="01 99 00 12 34", hours="De 9 h à 12 h ; sinon 0800 300 30", address="92220 Bagneux")
    assert codes(config, partner) == [("number-foreign", "hours")]
    own = replace(HOUSE, phone="01 99 00 12 34", description="Appelez le 01 99 00 12 34.")
    assert codes(config, own) == []


def test_fiction_is_no_number_for_people(config: Config) -> None:
    house = replace(HOUSE, phone="01 99 00 12 34", sms="06 39 98 12 34")
    assert codes(config, house) == []
    toml = (config.root / "veille.toml").read_text("utf-8") + '[feed]\ntransport = "folder"\noutput = "site"\n'
    (config.root / "veille.toml").write_text(toml, encoding="utf-8")
    live = configuration.load(config.root, {})
    assert codes(live, house) == [("number-fictional", "phone"), ("number-fictional", "sms")]


def of_post(config: Config, line: HelpLine, body: str) -> list[str]:
    path = write(config.root, "title: Bonjour", body, "posts/x.md")
    room = replace(library.load(config), helplines={line.number: line})
    (post,) = (post for post in room.posts if post.path == path)
    assert CHECK.each
    return [f.code for f in CHECK.each(Subject(post, path, post.file), Context(room, config, NOW))]


def test_a_line_that_is_over_or_not_yet_there(config: Config) -> None:
    over, later = replace(LINE, valid_until=date(2026, 11, 20)), replace(LINE, valid_from=date(2027, 1, 1))
    assert of_post(config, over, "Appelle le 3919.") == ["number-hours", "number-retyped"]
    assert of_post(config, later, "Appelle le 3919.") == ["number-hours", "number-retyped"]
    assert of_post(config, LINE, "Appelle le 3919.") == ["number-retyped"]


def test_the_hours_are_those_of_the_day(config: Config) -> None:
    before = Hours("Du lundi au samedi, de 9 h à 19 h", last=date(2026, 12, 31))
    line = replace(LINE, hours_from=date(2027, 1, 1), other_hours=(before,))
    assert of_post(config, line, "{{ helpline: 3919 }} répond 24 h/24.") == ["number-label"]
    assert of_post(config, LINE, "{{ helpline: 3919 }} répond 24 h/24.") == []


def test_an_uncertain_line_vouches_for_nothing(config: Config) -> None:
    assert of_post(config, replace(LINE, sure=False), "Appelle le 3919.") == ["number-unknown"]


def test_a_free_range_does_not_make_a_line_free_whose_record_says_that_it_is_not(config: Config) -> None:
    line = replace(LINE, number="3018", label="30 18")
    assert of_post(config, line, "{{ helpline: 3018 }} est gratuit.") == []
    assert of_post(config, replace(line, free=False), "{{ helpline: 3018 }} est gratuit.") == ["number-label"]


# What a channel adds ----


def shown(
    config: Config, html: str = "", text: str = "", body: str = "Bonjour.", alts: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    path = write(config.root, "title: Bonjour", body, "posts/x.md")
    room = library.load(config)
    post = next(post for post in room.posts if post.path == path)
    proof = Shown("newsletter", "letter", "fr", Proof(html=html, text=text, alts=alts), (post,))
    assert CHECK.proof
    return [(f.code, f.severity.value) for f in CHECK.proof(proof, Context(room, config, NOW))]


@pytest.mark.parametrize(
    ("html", "severities"),
    [
        ("<p>Appelle le <a href='tel:3919'>39&nbsp;19</a></p>", []),
        ("<p>CCAS : 01&#160;99&#160;00&#160;12&#160;34</p>", []),
        ("<p>La rédaction : 01 47 29 36 69</p>", ["warning"]),
        ("<p>La rédaction : <b>01 47</b> 29 36 69</p>", ["warning"]),
        ("<p>Violences : 01 47 29 36 69</p>", ["error"]),
        ("<p>Numéro vert : 0800 300 <b>30</b></p>", ["error"]),
        ("<td>01 47</td><td>29 36 69</td>", []),
        ("<p>Appelle le 3456</p>", ["error"]),
        ("<a href='tel:+33147293669'>Appelle</a>", ["warning"]),
        ("<a href='tel:3929'>39 19</a>", ["error"]),
        ("<img alt='Affiche : 01 47 29 36 69'>", ["warning"]),
        ("<p>01 47 29 36 69</p><p>01.47.29.36.69</p>", ["warning"]),
        ("<style>p::after{content:'01 47 29 36 69'}</style><link title='01 47 29 36 69' href='/'>", []),
        ("<style>p{color:#0147293669}</style><p>12/04/2026, 14 h 30, 92220 Bagneux</p>", []),
    ],
)
def test_templates(config: Config, html: str, severities: list[str]) -> None:
    assert shown(config, f"<html><body>{html}</body></html>") == [("number-in-template", s) for s in severities]


def test_what_an_author_wrote_is_not_told_twice(config: Config) -> None:
    body = "Le club : 01 47 29 36 69. Violences : 0800 300 30. [Appelle](tel:+33147293670)"
    html = "<p>Le club : 01 47 29 36 69. Violences : 0800 300 30.</p><a href='tel:0147293670'>x</a>"
    assert shown(config, html, "Le club : 01 47 29 36 69", body) == []
    assert shown(config, "", "Le club : 01 47 29 36 69") == [("number-in-template", "warning")]


def test_the_name_of_the_sender_is_shown_before_everything_else(config: Config) -> None:
    own = config.settings.newsletter.model_copy(update={"sender": "Violences 0800 300 30 <lettre@example.org>"})
    named = config.model_copy(update={"settings": config.settings.model_copy(update={"newsletter": own})})
    assert shown(named, "<html><body><p>Bonjour</p></body></html>") == [("number-in-template", "error")]


def test_the_words_of_a_picture_without_a_page_are_looked_at(config: Config) -> None:
    assert shown(config, alts=("Affiche : 01 47 29 36 69",)) == [("number-in-template", "warning")]
