"""Records of partners and help lines: what they may say, what is shown on which day, who is told what is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.content import PARTNER, newsroom, write
from tests.support.desk import Desk
from veille import checks, confirming, contacts, library
from veille.config import Config
from veille.errors import ContentError, Finding, Severity, VeilleError
from veille.outbox import schema
from veille.outbox.mentions import Mentions, Where
from veille.partners import HelpLine, Hours
from veille.reading.contact import read_helplines, read_partner
from veille.rendering import render_post
from veille.rendering.contacts import directory, help_table, of_day

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)  # a Wednesday, 9 h in Paris
CHECKED = "verified_on: 2026-11-18, source: x, for_whom: Pour toi."
PERIODS = """\
    hours:
      - {horaires: le jour, until: 2026-11-30}
      - {hours: jour et nuit, from: 2026-12-01}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def lines(config: Config, *records: str) -> dict[str, HelpLine]:
    """Write help lines; those that are right."""
    path = config.root / "content/helplines.yaml"
    path.write_text("helplines:\n" + "".join(f"  - {record}\n" for record in records), encoding="utf-8")
    found, wrong = read_helplines(path, config)
    assert wrong == ()
    return {line.number: line for line in found}


def wrong_line(config: Config, record: str) -> tuple[str | None, str]:
    """Field and code of what is wrong with one help line."""
    path = config.root / "content/helplines.yaml"
    path.write_text(f"helplines:\n  - {record}\n", encoding="utf-8")
    (finding,) = read_helplines(path, config)[1]
    return finding.field, finding.code


def record(number: str, more: str = "hours: jour et nuit") -> str:
    return f"{{number: {number}, name: Ligne, {CHECKED}, {more}}}"


def partner(config: Config, more: str = "") -> None:
    (config.root / "content/partners/ccas-bagneux.yaml").write_text(PARTNER + more, encoding="utf-8")


def found(config: Config, code: str, now: datetime = NOW) -> list[Finding]:
    """What the checks say, of one code."""
    return [finding for finding in checks.run(library.load(config), config, now) if finding.code == code]


# ---- records


def test_a_partner_has_languages_access_and_an_end(config: Config) -> None:
    partner(config, "langues: arabe, EN, lsf\naccessible: true\nvérifié par: l'accueil\nvalable jusqu'au: 31/01/2027\n")
    made = read_partner(config.root / "content/partners/ccas-bagneux.yaml", config)
    assert (made.languages, made.accessible, made.verified_by) == (("ar", "en", "lsf"), True, "l'accueil")
    assert (made.valid_until, made.lines["valid_until"]) == (date(2027, 1, 31), 8)


@pytest.mark.parametrize("more", ["languages: [patois]\n", "accessible: oui\n", "valid_until: soon\n"])
def test_wrong_words_in_a_partner(config: Config, more: str) -> None:
    partner(config, more)
    with pytest.raises(ContentError) as caught:
        read_partner(config.root / "content/partners/ccas-bagneux.yaml", config)
    assert [finding.line for finding in caught.value.findings] == [5]


def test_a_help_line_has_hours_by_period(config: Config) -> None:
    line = lines(config, f"number: 39 19\n    name: Ligne\n    verified_on: 2026-11-18\n    source: x\n"
                         f"    for_whom: Toi\n    confiance: incertaine\n{PERIODS}")["3919"]  # fmt: skip
    assert (line.hours, line.hours_from, line.sure) == ("jour et nuit", date(2026, 12, 1), False)
    assert line.other_hours == (Hours("le jour", None, date(2026, 11, 30)),)
    assert [line.hours_on(date(2026, month, 1)) for month in (11, 12)] == ["le jour", "jour et nuit"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("hours: []", ("helplines.1.hours", "wrong-value")),
        ("hours: [{hours: a, until: 2026-01-01}]", ("helplines.1.hours", "hours")),
        ("hours: [{hours: a}, {hours: b, from: 2026-01-01}]", ("helplines.1.hours", "hours")),
        ("hours: [{hours: a, until: 2026-02-01}, {hours: b, from: 2026-02-01}]", ("helplines.1.hours", "hours")),
        ("hours: a, confidence: perhaps", ("helplines.1.confidence", "unknown-word")),
        ("hours: a, voice: false", ("helplines.1", "reach")),
        ("hours: a, valid_from: 2026-02-01, valid_until: 2026-01-01", ("helplines.1", "hours")),
    ],
)
def test_wrong_help_lines(config: Config, more: str, expected: tuple[str, str]) -> None:
    assert wrong_line(config, record("15", more)) == expected


def test_what_cannot_be_called_has_no_telephone_link() -> None:
    line = HelpLine("114", "114", "SMS", "Toi", "24 h/24", date(2026, 11, 18), "x", voice=False, sms=True)
    assert line.href == "sms:114"
    assert replace(line, sms=False).href == ""


# ---- what is shown on a day


def test_the_day_on_which_it_is_shown_decides(config: Config) -> None:
    long = f"number: 15\n    name: Ligne\n    emergency: true\n    {CHECKED.replace(', ', chr(10) + '    ')}\n{PERIODS}"
    ending = record("17", "hours: a, emergency: true, valid_until: 2026-11-30")
    doubtful = record("18", "hours: a, emergency: true, confidence: uncertain")
    lines(config, long, ending, doubtful, record("19"))
    shelf = library.load(config)
    november, december = date(2026, 11, 30), date(2026, 12, 1)
    assert [c.label for c in help_table(shelf, november)] == ["15", "17"]
    assert [(c.label, c.hours) for c in help_table(shelf, december)] == [("15", "jour et nuit")]
    assert directory(shelf, november)["helpline:15"].hours == "le jour"
    assert of_day(shelf, november) == of_day(shelf, date(2026, 1, 1)) != of_day(shelf, december)

    path = write(config.root, "title: a\npublishDate: 2026-12-02\nhelplines: [15]", "{{ helpline: 15 }}")
    made = render_post(library.load(config).find(path), shelf, config, now=NOW)  # type: ignore[arg-type]
    assert "jour et nuit" in made.html
    assert [c.hours for c in (*made.contacts, *made.helplines)] == ["jour et nuit"] * 2


def test_pages_follow_the_hours_of_the_day_without_an_edit(tmp_path: Path) -> None:
    desk = Desk(tmp_path, NOW, "[checks]\n")
    lines(desk.config, f"number: 39 19\n    name: Ligne\n    {CHECKED.replace(', ', chr(10) + '    ')}\n{PERIODS}")
    desk.post("a", "channels: [web, facebook]\nhelplines: [3919]")
    try:
        desk.publish()
        desk.run()
        assert not desk.publish().changed
        desk.ledger.now = NOW + timedelta(days=7)
        changed = {(line.owed.channel, str(line.change)) for line in desk.publish().changes}
        assert changed == {("web", "rewrite")}
    finally:
        desk.ledger.database.close()


# ---- checks


def test_uncertain_lines_cannot_be_named(config: Config) -> None:
    lines(config, record("15", "hours: a, confidence: uncertain, emergency: true"))
    write(config.root, "title: a\nhelplines:\n  - 15", "Un.\n\nAppelle le\n{{ helpline: 15 }} vite.", "posts/a.md")
    block, front, body = sorted(found(config, "contact-uncertain"), key=lambda f: (f.file, f.line))
    assert (block.file, block.line, block.severity) == ("content/helplines.yaml", 2, Severity.WARNING)
    assert (front.where, front.field, front.severity) == ("content/posts/a.md:4", "helplines", Severity.ERROR)
    assert (body.where, body.excerpt) == ("content/posts/a.md:10:1", "Appelle le {{ helpline: 15 }} vite.")


@pytest.mark.parametrize(
    ("record_", "day", "wrong"),
    [
        ("valid_until: 2026-12-01", "2026-12-01", False),
        ("valid_until: 2026-12-01", "2026-12-02", True),
        ("valid_from: 2026-12-01", "2026-11-30", True),
        ("valid_from: 2026-12-01", "2026-12-01", False),
        ("valid_until: 2026-11-24", "2026-11-01", True),  # on the page today
    ],
)
def test_what_is_over_on_the_day_cannot_be_named(config: Config, record_: str, day: str, *, wrong: bool) -> None:
    lines(config, record("15", f"hours: a, {record_}"), record("17"))
    write(config.root, f"title: a\npublishDate: {day}", "{{ helpline: 15 }} {{ helpline: 17 }}", "posts/a.md")
    assert [f.where for f in found(config, "contact-expired")] == ["content/posts/a.md:6:1"] * wrong
    if record_.startswith("valid_until"):
        partner(config, record_ + "\n")
        write(config.root, f"title: a\npublishDate: {day}\npartners: [ccas-bagneux]", name="posts/a.md")
        assert [f.where for f in found(config, "contact-expired")] == ["content/posts/a.md:4"] * wrong


def test_an_edition_that_leaves_too_late_for_a_contact(config: Config) -> None:
    partner(config, "valid_until: 2026-12-01\n")
    write(config.root, "title: a\npartners: [ccas-bagneux]", name="posts/a.md")
    write(config.root, "title: n\nposts: [a]\npublishDate: 2026-12-02", name="editions/n.md")
    (finding,) = found(config, "contact-expired")
    assert (finding.where, finding.severity) == ("content/editions/n.md:3", Severity.ERROR)
    partner(config, "valid_until: 2026-11-20\n")  # over on the post's own day too: told there, once
    assert [f.file for f in found(config, "contact-expired")] == ["content/posts/a.md"]


def test_a_letter_that_leaves_after_a_contact_ended_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, NOW)  # a Wednesday; the letter leaves on Friday
    try:
        desk.post("a", "channels: [newsletter, web]\npartners: [ccas-bagneux]")
        partner(desk.config, "valid_until: 2026-11-26\n")
        assert found(desk.config, "contact-expired") == []
        with pytest.raises(ContentError) as caught:
            desk.publish()
        assert {(f.file, f.code) for f in caught.value.findings} == {("content/posts/a.md", "contact-expired")}
        partner(desk.config, "valid_until: 2026-11-27\n")
        assert desk.publish().changed
    finally:
        desk.ledger.database.close()


def test_hours_that_are_others_when_the_letter_leaves_are_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, NOW)  # a Wednesday; the letter leaves on Friday
    try:
        day = "{hours: du lundi au samedi de 9 h à 19 h, from: 2026-11-27}"
        lines(desk.config, record("39 19", f"hours: [{{hours: '24 h/24, 7 j/7', until: 2026-11-26}}, {day}]"))
        path = desk.post("a", "channels: [newsletter]\n", "{{ helpline: 3919 }} répond 24 h/24.")
        assert found(desk.config, "number-label") == []
        with pytest.raises(ContentError) as caught:
            desk.publish()
        assert {(f.where, f.code) for f in caught.value.findings} == {("content/posts/a.md:6:1", "number-label")}
        path.write_text(path.read_text(encoding="utf-8").replace(" 24 h/24", ""), encoding="utf-8")
        assert desk.publish().changed
    finally:
        desk.ledger.database.close()


def test_what_nobody_confirmed_is_said_once_and_only_when_it_is_shown(config: Config) -> None:
    late = NOW + timedelta(days=84)  # verified on 18 November: 91 days
    site, config = config, config.model_copy(update={"channels": ("newsletter",)})
    assert found(site, "contact-stale", late - timedelta(days=1)) == []
    assert "content/partners/ccas-bagneux.yaml" in [f.file for f in found(site, "contact-stale", late)]
    assert found(config, "contact-stale", late - timedelta(days=1)) == []
    write(config.root, "title: draft\ndraft: true\npartners: [ccas-bagneux]", name="posts/draft.md")
    write(config.root, "title: over\nexpiryDate: 2026-12-01\npartners: [ccas-bagneux]", name="posts/over.md")
    assert [f.file for f in found(config, "contact-stale", late)] == ["content/helplines.yaml"]
    write(config.root, "title: a", "{{ partner: ccas-bagneux }}", "posts/a.md")
    write(config.root, "title: b", "Voir {{partner:ccas-bagneux}}.", "posts/b.md")
    block, record_ = found(config, "contact-stale", late)
    assert (record_.where, record_.severity) == ("content/partners/ccas-bagneux.yaml:4", Severity.WARNING)
    assert "91" in record_.message
    assert "confirm 3919" in (block.hint or "")
    assert len(found(config, "contact-stale", NOW - timedelta(days=30))) == 2  # verified in the future
    assert len(found(site, "contact-stale", late)) == 2
    partner(site, "valid_until: 2026-12-31\n")  # the directory leaves it out
    write(config.root, "title: a", name="posts/a.md")
    write(config.root, "title: b", name="posts/b.md")
    assert [f.file for f in found(site, "contact-stale", late)] == ["content/helplines.yaml"]


# ---- what a publication carries


def test_what_a_text_shows_of_a_contact(config: Config) -> None:
    partner(config, "hours: le lundi\nsms: 06 39 98 12 34\n")
    body = "Appelle {{ partner: ccas-bagneux }} ou viens.\n\n{{ helpline: 3919 }}\n\n`{{ helpline: 15 }}`"
    path = write(config.root, "title: a", body, "posts/a.md")
    shelf = library.load(config)
    post = shelf.find(path)
    carried = contacts.Carrying(shelf, NOW.date()).of([post], table=False)
    assert carried == {"a": {
        "partner:ccas-bagneux": {"name": "CCAS de Bagneux", "phone": "01 99 00 12 34", "sms": "06 39 98 12 34"},
        "helpline:3919": {"name": "Violences Femmes Info", "phone": "39 19", "hours": "24 h/24, 7 j/7"},
    }}  # fmt: skip
    assert contacts.from_json(contacts.to_json(carried)) == carried
    caption = "Appelle CCAS de\u00a0Bagneux (01\u00a099\u00a000\u00a012\u00a034). 3919 raisons !"
    assert contacts.in_caption(carried, caption) == {
        "a": {"partner:ccas-bagneux": {"name": "CCAS de Bagneux", "phone": "01 99 00 12 34"}}
    }
    assert contacts.in_caption(carried, "Va au CCAS de Bagneux.") == {}
    assert contacts.in_caption(carried, "CCAS de Bagneux, dossier 01 99 00 12 345") == {}


def test_a_post_that_is_kept_in_a_letter_keeps_what_it_shows(tmp_path: Path) -> None:
    desk = Desk(tmp_path, NOW)
    try:
        for name in ("a", "b"):
            desk.post(name, "channels: [newsletter]\npartners: [ccas-bagneux]")
        desk.publish()
        partner(desk.config, "hours: le mardi\n")
        record_file = desk.root / "content/partners/ccas-bagneux.yaml"
        record_file.write_text(record_file.read_text().replace("12 34", "12 35"), encoding="utf-8")
        desk.publish(desk.post("b", "channels: [newsletter]\npartners: [ccas-bagneux]"))
        (bearer,) = [b for b in Mentions(desk.ledger.database).of("partner:ccas-bagneux") if b.channel == "newsletter"]
        assert {source: shown["phone"][-2:] for source, shown in bearer.carried.items()} == {"a": "34", "b": "35"}
        assert (bearer.where, bearer.named) == (Where.QUEUED, True)
        assert Mentions(desk.ledger.database).of("partner:ccas") == []
    finally:
        desk.ledger.database.close()


def test_a_letter_whose_readers_are_being_counted_cannot_change_any_more(tmp_path: Path) -> None:
    desk = Desk(tmp_path, NOW)
    try:
        desk.post("a", "channels: [newsletter]\npartners: [ccas-bagneux]")
        desk.publish()
        (letter,) = [entry.id for entry in desk.ledger.queue.all() if entry.channel == "newsletter"]
        with desk.ledger.database.write() as connection:
            frozen = sa.update(schema.publication).where(schema.publication.c.id == letter)
            connection.execute(frozen.values(audience_at=NOW))
        (bearer,) = [b for b in Mentions(desk.ledger.database).of("partner:ccas-bagneux") if b.channel == "newsletter"]
        assert bearer.where == Where.SENT
    finally:
        desk.ledger.database.close()


# ---- confirming


@pytest.mark.parametrize(
    ("text", "by", "expected"),
    [
        ("verified_on: 2026-01-02 # tel\nneeds: [food]\nname: a\n", "", "verified_on: 2026-11-25 # tel\n"),
        ("name: a\nneeds: food\nverified_on: '2/1/2026'", "x # y",
         "verified_on: '25/11/2026'\nverified_by: \"x # y\"\n"),
        ("\ufeffverified_on: 2026-01-02\r\nverified_by:   l'accueil   # oui\r\nname: a\r\nneeds: food\r\n", "Moi",
         "\ufeffverified_on: 2026-11-25\r\nverified_by:   \"Moi\"   # oui\r\n"),
        ("name: a\nneeds: food\nVérifié par: \"x, y\"\nverified_on: 2026-01-02\n", "z",
         "Vérifié par: \"z\"\nverified_on: 2026-11-25\n"),
    ],
)  # fmt: skip
def test_a_confirmation_touches_two_values_and_nothing_else(config: Config, text: str, by: str, expected: str) -> None:
    path = config.root / "content/partners/essai.yaml"
    path.write_bytes(text.encode())
    made = confirming.confirmed(read_partner(path, config), config, NOW.date(), by)
    assert expected in made.content.decode()
    changed = [line for line in made.content.decode().splitlines() if line not in text.splitlines()]
    assert len(changed) == 1 + bool(by)


@pytest.mark.parametrize(
    "text", ["{name: a, needs: food, verified_on: 2026-01-02}", "name: a\nneeds: food\nverified_on:\n  2026-01-02"]
)
def test_a_layout_that_only_a_person_should_edit(config: Config, text: str) -> None:
    path = config.root / "content/partners/essai.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(VeilleError) as caught:
        confirming.confirmed(read_partner(path, config), config, NOW.date())
    assert "verified_on: 2026-11-25" in (caught.value.hint or "")


def test_a_help_line_is_confirmed_among_others(config: Config) -> None:
    first, second = (
        f"number: {n}\n    name: L\n    for_whom: T\n    hours: h\n    verified_on: 2026-01-02\n    source: x\n"
        for n in (15, 17)
    )
    line = lines(config, first, second)["17"]
    made = confirming.confirmed(line, config, NOW.date(), "moi").content.decode()
    assert made.count("verified_on: 2026-01-02\n") == 1
    assert made.endswith('    verified_on: 2026-11-25\n    verified_by: "moi"\n    source: x\n\n')
    with pytest.raises(VeilleError, match="no partner or help line 18"):
        confirming.find(library.load(config), "18")


def test_the_ninetieth_day_is_the_last_good_one_everywhere(config: Config) -> None:
    write(config.root, "title: a", "{{ partner: ccas-bagneux }} {{ helpline: 3919 }}", "posts/a.md")
    shelf, every = library.load(config), timedelta(days=90)
    last = datetime(2027, 2, 16, 22, 59, tzinfo=UTC)  # one minute to midnight in Paris; verified on 18 November
    for now, told in ((last, 0), (last + timedelta(minutes=1), 2)):
        day = now.astimezone(config.zone).date()
        assert len(confirming.due(shelf, day, every)) == told
        assert len(found(config, "contact-stale", now)) == told
        assert len(found(config, "number-record-old", now)) == told // 2  # a partner is told of once, at its record


def test_who_is_due(config: Config) -> None:
    partner(config, "valid_until: 2026-12-05\n")
    shelf, every = library.load(config), timedelta(days=90)
    assert [(d.id, d.left) for d in confirming.due(shelf, NOW.date(), every)] == [("ccas-bagneux", 10)]
    assert confirming.due(shelf, date(2026, 11, 20), every) == []
    later = confirming.due(shelf, date(2027, 2, 17), every)
    assert [(d.id, d.age) for d in later] == [("ccas-bagneux", 91), ("3919", 91)]  # what is over comes first
