"""Editions: gathered until they start, made by hand, cancelled, held; design sections 5 and 9."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.support.desk import CHANNELS, Desk
from tests.support.ledger import NOW
from veille.outbox.actions import Answer

FRIDAY, NEXT = "edition-2026-11-27", "edition-2026-12-04"


# gathered editions


def test_posts_join_the_next_edition_until_it_starts(desk: Desk) -> None:
    desk.post("a")
    desk.publish()
    desk.ledger.later(days=1)
    desk.post("b", "urgent: true")
    desk.publish()
    assert desk.letters() == {FRIDAY: ["b", "a"]}
    desk.to_friday()
    desk.run()
    desk.post("c")
    desk.publish()
    assert desk.letters() == {FRIDAY: ["b", "a"], NEXT: ["c"]}
    assert desk.mailed() == [["b", "a"]]


def test_nothing_new_no_edition(desk: Desk) -> None:
    desk.post("a")
    desk.publish()
    desk.to_friday()
    desk.run()
    desk.ledger.later(days=7)
    desk.publish()
    desk.run()
    assert list(desk.letters()) == [FRIDAY]
    assert desk.mailed() == [["a"]]


def test_publish_path_keeps_the_others_as_they_are_stored(desk: Desk) -> None:
    desk.post("a", body="Comme stocké.")
    desk.publish()
    desk.post("a", body="Pas encore relu.")
    path = desk.post("b")
    desk.publish(path)
    assert desk.letters() == {FRIDAY: ["a", "b"]}
    desk.to_friday()
    desk.run()
    (letter,) = desk.acts["newsletter"].sent
    texts = [post["text"] for post in letter.publication.rendition.payload["edition"]["posts"]]
    assert "Comme stocké" in texts[0]


def test_an_overdue_edition_is_not_robbed_by_a_later_publish(desk: Desk) -> None:
    desk.post("a")
    desk.publish()
    desk.to_friday()
    desk.ledger.later(hours=5)  # nothing ran at 17 h
    desk.post("b")
    desk.publish()
    assert desk.letters() == {FRIDAY: ["a"], NEXT: ["b"]}
    desk.run()
    assert desk.mailed() == [["a"]]


def test_a_new_cadence_moves_what_waits(desk: Desk) -> None:
    desk.post("a")
    desk.publish()
    desk.settings('[newsletter]\ncadence = "monday 8:00"\n' + CHANNELS.partition("\n")[2])
    desk.publish()
    assert desk.letters() == {"edition-2026-11-30": ["a"]}
    assert desk.state(FRIDAY, "web") == "cancelled"
    assert not desk.publish().changes


def test_at_makes_an_edition_of_its_own_that_stays(desk: Desk) -> None:
    path = desk.post("a")
    desk.post("b")
    desk.publish()
    desk.publish(path, at=NOW + timedelta(hours=3))
    own = "edition-2026-11-25-1200"
    assert desk.letters() == {FRIDAY: ["b"], own: ["a"]}
    for _ in range(2):
        assert not desk.publish().changes
    desk.post("c")
    desk.publish()
    assert desk.letters() == {FRIDAY: ["b", "c"], own: ["a"]}
    desk.ledger.later(hours=3)
    desk.run()
    desk.to_friday()
    desk.run()
    assert desk.mailed() == [["a"], ["b", "c"]]


def test_at_that_takes_the_last_post_empties_the_waiting_edition(desk: Desk) -> None:
    path = desk.post("a")
    desk.publish()
    desk.publish(path, at=NOW)
    assert desk.state(FRIDAY, "newsletter") == "cancelled"
    assert desk.state(FRIDAY, "web") == "cancelled"
    desk.run()
    desk.to_friday()
    desk.run()
    assert desk.mailed() == [["a"]]


def test_two_at_now_within_a_minute(desk: Desk) -> None:
    first, second, third = (desk.post(name) for name in "abc")
    desk.publish(first, at=desk.ledger.now)
    desk.ledger.later(seconds=5)
    desk.publish(second, at=desk.ledger.now)
    desk.run()
    desk.ledger.later(seconds=5)
    desk.publish(third, at=desk.ledger.now)
    desk.run()
    assert sorted(name for names in desk.mailed() for name in names) == ["a", "b", "c"]


def test_posts_of_a_cancelled_edition_come_with_the_next_one_unless_they_left(desk: Desk) -> None:
    desk.post("a")
    desk.publish()
    (letter,) = [s for s in desk.ledger.report.publications() if s.channel == "newsletter"]
    desk.ledger.actions.cancel(letter.id, desk.ledger.now)
    desk.publish()
    assert desk.letters() == {NEXT: ["a"]}


def test_a_half_sent_and_cancelled_edition_counts_as_sent(desk: Desk) -> None:
    desk.ledger.readers("bilal")
    desk.post("a", "channels: [newsletter]")
    desk.publish()
    desk.to_friday()

    def cancel(_delivery: object) -> None:
        desk.ledger.actions.cancel("p1", desk.ledger.now)

    desk.acts["newsletter"].after_intent = cancel
    desk.run()
    assert desk.ledger.counts("p1") == {"sent": 1, "cancelled": 1}
    desk.publish()
    assert NEXT not in desk.letters()


def test_a_held_edition_dropped_or_sent_elsewhere(desk: Desk) -> None:
    desk.post("a", "channels: [newsletter]")
    desk.publish()
    desk.to_friday()
    desk.ledger.later(days=2)
    desk.run()
    desk.publish()
    assert desk.letters() == {FRIDAY: ["a"]}  # it waits for a person
    desk.ledger.actions.resolve("p1", Answer.SENT, desk.ledger.now)
    desk.publish()
    assert desk.letters() == {FRIDAY: ["a"]}


# made by hand


def test_an_edition_made_by_hand_leaves_once_with_its_page(desk: Desk) -> None:
    for name in "ab":
        desk.post(name)
    desk.edition("lettre", ["b", "a"], "publishDate: 2026-11-26 18:00")
    desk.publish()
    assert desk.letters() == {"lettre": ["b", "a"]}
    assert desk.due("lettre", "web").hour == 18
    desk.ledger.now = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
    desk.run()
    desk.to_friday()
    desk.publish()
    desk.run()
    assert desk.mailed() == [["b", "a"]]


def test_an_edition_made_by_hand_takes_posts_out_of_the_waiting_one(desk: Desk) -> None:
    for name in "abc":
        desk.post(name)
    desk.publish()
    path = desk.edition("lettre", ["a", "b"])
    desk.publish(path)
    assert desk.letters() == {FRIDAY: ["c"], "lettre": ["a", "b"]}


def test_a_post_dropped_from_an_edition_is_gathered_at_the_same_publish(desk: Desk) -> None:
    for name in "ab":
        desk.post(name)
    desk.edition("lettre", ["a", "b"], "publishDate: 2026-11-26 18:00")
    desk.publish()
    desk.edition("lettre", ["a"], "publishDate: 2026-11-26 18:00")
    desk.publish()
    assert desk.letters() == {"lettre": ["a"], FRIDAY: ["b"]}
    assert not desk.publish().changes


def test_an_edition_whose_posts_are_all_over_does_not_leave(desk: Desk) -> None:
    desk.post("a", "expiryDate: 2026-11-24")
    desk.edition("lettre", ["a"])
    assert not desk.plan().owed


def test_an_edited_edition_that_left_changes_its_page_only(desk: Desk) -> None:
    desk.post("a")
    desk.edition("lettre", ["a"])
    desk.publish()
    desk.run()
    desk.edition("lettre", ["a"], "newsletter:\n  subject: Autre")
    changes = {(line.owed.channel, str(line.change)) for line in desk.publish().lines if line.owed.source == "lettre"}
    assert changes == {("newsletter", "too-late"), ("web", "rewrite")}
    desk.run()
    assert desk.mailed() == [["a"]]
