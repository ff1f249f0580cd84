"""The call sheet: the right messages in the right order, nothing about anybody, and it fits on two sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.content import HELPLINES, newsroom, write
from tests.support.sheets import large
from veille import checks, library
from veille.callsheet import Sheet, call_sheet, one_sentence, stops, two_sentences, week_of
from veille.config import Config
from veille.outbox.queue import Queued
from veille.two_sides import SIDES, estimated_sides, fitted, shrinking
from veille_publishers.paper import Paper

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)  # a Wednesday
DAY = date(2026, 11, 25)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = newsroom(tmp_path)
    posts = {
        "soupe": "date: 2026-11-24\ntowns: [bagneux]\npartners: [ccas-bagneux]",
        "froid": "date: 2026-11-23\nurgent: true",
        "bourse": "date: 2026-11-24\nevent: {start: 2026-11-28 14:00, end: 2026-11-28 18:00, place: Halle}",
        "draft": "date: 2026-11-24\ndraft: true",
        "over": "date: 2026-11-23\nexpiryDate: 2026-11-24",
        "past": "date: 2026-11-23\nevent: {start: 2026-11-24 14:00}",
        "pros": "date: 2026-11-24\naudience: [professionals]",
        "elsewhere": "date: 2026-11-24\ntowns: [bourg-la-reine]",
        "next": "date: 2026-11-30",
        "earlier": "date: 2026-11-22",
        "quiet": "date: 2026-11-24\nsensitive: true",
        "undated": "",
    }
    for name, front in posts.items():
        write(tmp_path, f"title: Titre {name}\n{front}", "Première phrase. Deuxième. Troisième.", f"posts/{name}.md")
    return made


def sheet(
    config: Config, queued: Sequence[Queued] = (), *, day: date = DAY, town: str = "", now: datetime = NOW
) -> Sheet:
    content = library.load(config)
    return call_sheet(content, config, queued, week=week_of(day, config), now=now, town=town)


def sources(made: Sheet) -> list[str]:
    return [message.source for message in made.messages]


def queued(source: str, day: int, channel: str = "web", **changes: object) -> Queued:
    due = datetime(2026, 11, day, 12, tzinfo=UTC)
    entry = Queued(1, source, channel, "", "post", source, source, "", due, due, 1, "", False, False, False, False, ())
    return replace(entry, **changes)  # type: ignore[arg-type]


def test_the_messages_of_a_week_urgent_first_then_what_has_a_day(config: Config) -> None:
    made = sheet(config, town="bagneux")
    assert sources(made) == ["froid", "bourse", "quiet", "soupe"]
    assert made.town == "Bagneux"
    assert made.week.first == date(2026, 11, 23)
    assert sources(sheet(config, town="bourg-la-reine")) == ["froid", "bourse", "elsewhere", "quiet"]
    assert sources(sheet(config, day=date(2026, 12, 6))) == ["next"]  # a Sunday
    assert sources(sheet(config, day=date(2026, 11, 22))) == ["earlier"]


def test_the_outbox_knows_better_than_dates(config: Config) -> None:
    entries = [
        queued("soupe", 30),  # leaves next week
        queued("undated", 26),
        queued("bourse", 26, withdrawn=True),
        queued("froid", 26, cancelled=True),
        queued("elsewhere", 26, cancelled=True, left=True),  # cancelled too late: it is out
        queued("letter", 27, "newsletter", kind="edition", members=("earlier",)),
    ]
    assert set(sources(sheet(config, entries))) == {"undated", "elsewhere", "earlier", "quiet"}
    assert sources(sheet(config, entries, day=date(2026, 11, 30))) == ["next", "soupe"]


def test_a_letter_made_by_hand_counts_where_there_is_no_outbox(config: Config, tmp_path: Path) -> None:
    write(tmp_path, "title: Lettre\npublishDate: 2026-11-27\nposts: [earlier]", name="editions/lettre.md")
    assert "earlier" in sources(sheet(config))
    write(tmp_path, "title: Lettre\npublishDate: 2026-11-27\nposts: [earlier]\ndraft: true", name="editions/lettre.md")
    assert "earlier" not in sources(sheet(config))


def test_what_was_announced_before_comes_back_in_the_week_of_its_day(config: Config, tmp_path: Path) -> None:
    write(tmp_path, "title: Fête\ndate: 2026-11-02\nevent: {start: 2026-11-29, place: Halle}", name="posts/fete.md")
    write(tmp_path, "title: Appel\ndate: 2026-11-02\ndeadline: 2026-11-30", name="posts/appel.md")
    assert sources(sheet(config, town="bagneux")) == ["froid", "bourse", "fete", "quiet", "soupe"]
    assert sources(sheet(config, day=date(2026, 12, 1))) == ["appel", "next"]
    assert sources(sheet(config, day=date(2026, 11, 17))) == ["earlier"]  # neither of them
    gone = [queued("fete", 2, withdrawn=True), queued("appel", 12)]
    assert "fete" not in sources(sheet(config, gone))


def test_what_is_said_of_a_post(config: Config) -> None:
    messages = {message.source: message for message in sheet(config, town="bagneux").messages}
    assert messages["soupe"].summary == "Première phrase. Deuxième."
    assert [c.label for c in messages["soupe"].contacts] == ["01\u00a099\u00a000\u00a012\u00a034"]
    assert messages["bourse"].when.startswith("samedi 28 novembre 2026")
    assert messages["bourse"].where == "Halle"
    assert messages["quiet"].sensitive


def test_partners_stand_once_with_their_number(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "content/partners"
    record = "name: {}\nneeds: [{}]\nphone: 01 99 00 12 {}\nverified_on: 18/11/2026\n{}"
    values = {
        "both": ("Les deux", "health, food", 35, "towns: [bagneux]\n"),
        "far": ("Loin", "food", 36, "towns: [bourg-la-reine]\n"),
        "gone": ("Fermé", "food", 37, "valid_until: 2026-11-20\n"),
    }
    for name, fields in values.items():
        (folder / f"{name}.yaml").write_text(record.format(*fields), encoding="utf-8")
    groups = sheet(config, town="bagneux").groups
    assert [[contact.name for contact in group.people] for group in groups] == [["CCAS de Bagneux"], ["Les deux"]]
    assert [group.others for group in groups] == [("Les deux",), ()]


def test_help_lines_that_nobody_is_sure_of_stay_away(config: Config, tmp_path: Path) -> None:
    more = (
        HELPLINES
        + HELPLINES.partition("\n")[2].replace("39 19", "31 33").replace("Femmes Info", "autres")
        + ("    confidence: uncertain\n")
    )
    (tmp_path / "content/helplines.yaml").write_text(more, encoding="utf-8")
    write(tmp_path, 'title: Numéros\ndate: 2026-11-24\nhelplines: ["3919", "3133"]', name="posts/numbers.md")
    made = sheet(config)
    assert [line.label for line in made.helplines] == ["39\u00a019"]
    numbers = next(message for message in made.messages if message.source == "numbers")
    assert [contact.label for contact in numbers.contacts] == ["39\u00a019"]


def test_errors_block_where_they_would_be_shown(config: Config, tmp_path: Path) -> None:
    def found(town: str) -> set[str]:
        content = library.load(config)
        made = call_sheet(content, config, (), week=week_of(DAY, config), now=NOW, town=town)
        return {finding.file for finding in stops(made, content, checks.run(content, config, NOW))}

    assert found("bagneux") == set()
    write(tmp_path, "title: Titre elsewhere\ndate: 2026-11-24\ntowns: [bourg-la-reine]\npartners: [nobody]",
          name="posts/elsewhere.md")  # fmt: skip
    assert found("bagneux") == set()
    assert found("bourg-la-reine") == {"content/posts/elsewhere.md"}
    (tmp_path / "content/partners/broken.yaml").write_text("name: Sans date\n", encoding="utf-8")
    assert found("bagneux") == {"content/partners/broken.yaml"}  # it would be missing, and nobody would notice


# the page


def test_the_page_and_its_text(config: Config) -> None:
    made, paper = sheet(config, town="bagneux"), Paper(config)
    html, text = paper.call_sheet(made), paper.call_sheet_text(made)
    for said in (html, text):
        assert said.index("Titre froid") < said.index("Titre bourse") < said.index("Titre soupe")
        assert "39" in said
        assert "Write neither names nor situations on this page." in said
        care = said.index("Ask first whether they can talk freely.")
        assert said.index("Titre quiet") < care < said.index("Titre soupe")
    assert "<script" not in html
    assert "<input" not in html
    assert not {"\u00a0", "\u202f"} & set(text)
    assert "  " not in text
    assert "CCAS de Bagneux 01 99 00 12 34" in text


def test_a_week_without_messages_still_has_its_numbers(config: Config) -> None:
    made = sheet(config, day=date(2027, 2, 1), now=datetime(2027, 2, 1, 8, tzinfo=UTC))
    assert made.messages == ()
    text = Paper(config).call_sheet_text(made)
    assert "Nothing new this week." in text
    assert "39 19" in text


# making it fit


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return newsroom(tmp_path_factory.mktemp("room"))


@settings(max_examples=12, deadline=None)
@given(messages=st.integers(1, 60), partners=st.integers(0, 120))
def test_nothing_is_lost_without_a_word(empty: Config, messages: int, partners: int) -> None:
    whole = large(sheet(empty), messages, partners)
    made = fitted(whole, lambda tried: estimated_sides(tried) <= SIDES)
    assert estimated_sides(made) <= SIDES
    titles = [message.title for message in whole.messages]
    assert [m.title for m in made.messages] + list(made.omitted) == titles
    assert all(message.urgent for message in made.messages[:2])
    assert sum(len(group.people) for group in made.groups) + made.unlisted == partners
    if made.omitted or made.unlisted:
        assert made.shortened
    html = Paper(empty).call_sheet(made)
    assert all(title in html for title in titles)


def test_shorter_comes_before_fewer(config: Config) -> None:
    steps = list(shrinking(large(sheet(config), 6, 40)))
    assert [step.shortened for step in steps[:3]] == [False, True, True]
    assert [sum(bool(m.summary) for m in step.messages) for step in steps[:5]] == [6, 6, 4, 2, 0]
    assert steps[3].messages[0].summary  # urgent ones keep theirs longest
    assert [len(step.messages) for step in steps[:7]] == [6] * 7
    assert [step.unlisted for step in steps[:7]] == [0, 0, 0, 0, 0, 20, 30]
    assert [len(step.messages) for step in steps[7:]] == [5, 4, 3, 2, 1]
    sizes = [estimated_sides(step) for step in steps]
    assert sizes[0] > sizes[1] > sizes[-1]


def test_sentences() -> None:
    text = "Rendez-vous à 14 h. Viens ! « Oui. » Et l’art. 3 aussi."
    assert two_sentences(text) == "Rendez-vous à 14 h. Viens !"
    assert one_sentence(text, 100) == "Rendez-vous à 14 h."
    assert one_sentence("Une phrase bien trop longue pour la place", 20) == "Une phrase bien…"
    assert two_sentences("") == one_sentence("", 10) == ""
