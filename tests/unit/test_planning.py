"""What is owed, when, and what an editor's changes do to what waits: design sections 3, 5 and 9."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.desk import CHANNELS, Desk
from tests.support.ledger import NOW
from veille.errors import ContentError

FRIDAY = "edition-2026-11-27"


def test_publish_twice_changes_nothing(desk: Desk) -> None:
    desk.post("a")
    desk.post("b", "date: 2026-11-20")
    assert desk.publish().changes
    before = [(e, desk.ledger.publication_row(e.id)) for e in desk.ledger.queue.all()]
    desk.ledger.later(minutes=30)
    again = desk.publish()
    assert not again.changes
    assert not again.withdrawn
    assert [(e, desk.ledger.publication_row(e.id)) for e in desk.ledger.queue.all()] == before
    desk.to_friday()
    desk.run()
    desk.ledger.later(days=3)
    again = desk.publish()
    assert not again.changes
    assert not again.too_late
    assert len(desk.acts["facebook"].sent) == 2


def test_an_edit_before_leaving_is_a_new_generation_of_the_same_row(desk: Desk) -> None:
    desk.post("a", "publishDate: 2026-11-26 10:00")
    desk.publish()
    count = len(desk.ledger.queue.all())
    desk.post("a", "publishDate: 2026-11-26 12:00\nslug: autre", body="Corrigé.", title="Autre titre")
    assert {line.change for line in desk.publish().changes} == {"updated"}
    rows = desk.ledger.queue.all()
    assert len(rows) == count
    assert {entry.generation for entry in rows} == {2}
    assert desk.due("a", "facebook").hour == 12


def test_an_edit_after_leaving_rewrites_pages_and_resends_nothing(desk: Desk) -> None:
    desk.post("a")
    desk.publish()
    desk.to_friday()
    desk.run()
    desk.post("a", "slug: ailleurs", body="Corrigé.", title="Autre")
    prepared = desk.publish()
    assert {(line.owed.channel, str(line.change)) for line in prepared.lines} == {
        ("feed", "rewrite"),
        ("web", "rewrite"),
        ("facebook", "too-late"),
    }
    desk.run()
    assert len(desk.acts["facebook"].sent) == 1
    assert len(desk.acts["web"].sent) == 5  # the post and the page of its letter, twice each; once as a day began
    assert desk.mailed() == [["a"]]


def test_a_date_that_nobody_wrote_stays_the_first_one(desk: Desk) -> None:
    desk.post("a", "channels: [web]")
    desk.publish()
    dates = set()
    for day in range(3):
        desk.ledger.later(days=1)
        desk.post("a", "channels: [web]", body=f"Jour {day}.")
        (line,) = desk.publish().lines
        assert line.rendition
        dates.add(line.rendition.payload["item"]["date"])
    assert len(dates) == 1


def test_a_file_renamed_and_edited_at_once_is_asked_about(desk: Desk) -> None:
    old = desk.post("a", title="Atelier vélo géant")
    desk.publish()
    desk.to_friday()
    desk.run()
    old.unlink()
    desk.post("b", title="Atelier vélo géant", body="Un tout autre texte.")
    with pytest.raises(ContentError) as refused:
        desk.publish()
    (finding,) = refused.value.findings  # one for the file, not one for each channel
    assert finding.code == "renamed"
    desk.post("b", "id: c", title="Atelier vélo géant", body="Un tout autre texte.")
    assert any(line.change == "new" for line in desk.publish().lines)


def test_the_same_headline_again_is_no_rename_while_the_old_file_is_there(desk: Desk) -> None:
    desk.post("a", title="L'agenda")
    desk.publish()
    desk.to_friday()
    desk.run()
    desk.post("b", title="L'agenda", body="Un tout autre texte.")
    assert any(line.change == "new" for line in desk.publish().lines)


def test_a_renamed_file_is_an_error_until_it_has_an_id(desk: Desk) -> None:
    text = "Un texte qui est parti."
    old = desk.post("a", body=text)
    desk.publish()
    desk.to_friday()
    desk.run()
    old.unlink()
    desk.post("b", body="Un  texte qui\nest parti.")
    with pytest.raises(ContentError) as refused:
        desk.publish()
    assert {finding.code for finding in refused.value.findings} == {"renamed"}
    assert all("a" in (finding.hint or "") for finding in refused.value.findings)
    desk.post("b", "id: a", body=text)
    assert not any(line.owed.channel == "facebook" and line.change == "new" for line in desk.publish().lines)
    desk.run()
    assert len(desk.acts["facebook"].sent) == 1
    assert desk.mailed() == [["a"]]


@pytest.mark.parametrize("channel", ["newsletter", "facebook", "web"])
def test_a_copy_of_what_left_is_an_error_until_it_has_an_id(desk: Desk, channel: str) -> None:
    desk.post("a", f"channels: [{channel}]", body="Même texte.")
    desk.publish()
    desk.to_friday()
    desk.run()
    desk.post("b", f"channels: [{channel}]", body="Même texte.")
    with pytest.raises(ContentError):
        desk.publish()
    desk.post("b", f"channels: [{channel}]\nid: une-autre", body="Même texte.")
    assert desk.publish().changes


def test_renaming_what_still_waits_moves_it(desk: Desk) -> None:
    old = desk.post("a", "publishDate: 2026-11-26 10:00")
    desk.publish()
    old.unlink()
    desk.post("b", "publishDate: 2026-11-26 10:00", body="Le texte de a.")
    desk.publish()
    desk.to_friday()
    desk.run()
    assert [d.publication.source for d in desk.acts["facebook"].sent] == []  # overdue by then
    assert desk.state("a", "facebook") == "cancelled"
    assert desk.state("b", "facebook") == "held"
    assert desk.mailed() == [["b"]]


@pytest.mark.parametrize("change", ["delete", "draft: true", "expiryDate: 2026-11-24", "channels: [newsletter]"])
@pytest.mark.parametrize("alone", [False, True])
def test_what_is_no_longer_wanted_does_not_leave(desk: Desk, change: str, alone: bool) -> None:
    path = desk.post("a", "publishDate: 2026-11-26 10:00")
    standing = desk.post("b")
    desk.publish()
    desk.run()
    for file, front in ((path, "publishDate: 2026-11-26 10:00"), (standing, "")):
        if change == "delete":
            file.unlink()
        else:
            desk.post(file.stem, f"{front}\n{change}")
    if change == "delete":
        desk.publish()
    else:
        desk.publish(*([path, standing] if alone else []))
    desk.ledger.now = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    desk.run()
    assert desk.state("a", "facebook") == "cancelled"
    assert desk.state("a", "web") == "cancelled"
    assert [d.publication.source for d in desk.acts["facebook"].sent] == ["b"]
    last = desk.ledger.worker().standing("web", desk.ledger.now, live=False)
    assert [(p.source, p.withdrawn) for p in last if p.source in "ab"] == [("b", True)]
    assert desk.letters() == ({FRIDAY: ["b", "a"]} if "channels" in change else {}) or desk.letters() == {
        FRIDAY: ["a", "b"]
    }


def test_publish_path_leaves_other_deleted_files_alone(desk: Desk) -> None:
    gone = desk.post("a", "publishDate: 2026-11-26 10:00")
    path = desk.post("b")
    desk.publish()
    gone.unlink()
    assert not desk.publish(path).withdrawn
    assert desk.state("a", "facebook") == "queued"


def test_a_file_that_cannot_be_read_is_not_a_deleted_one(desk: Desk) -> None:
    path = desk.post("a", "publishDate: 2026-11-26 10:00")
    desk.publish()
    path.write_text("---\ntitle: [\n---\n")
    assert not desk.plan().withdrawn


def test_a_file_that_comes_back_goes_on(desk: Desk) -> None:
    path = desk.post("a", "publishDate: 2026-11-26 10:00")
    kept = path.read_text()
    desk.publish()
    path.unlink()
    desk.publish()
    path.write_text(kept)
    desk.publish()
    assert desk.state("a", "facebook") == "queued"
    desk.ledger.now = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
    desk.run()
    assert len(desk.acts["facebook"].sent) == 1
    assert desk.letters() == {FRIDAY: ["a"]}


def test_an_expiry_date_written_later_is_kept(desk: Desk) -> None:
    desk.post("a", "publishDate: 2026-11-26 10:00")
    desk.post("b")
    desk.publish()
    desk.run()
    desk.post("a", "publishDate: 2026-11-26 10:00\nexpiryDate: 2026-11-26 09:00")
    desk.post("b", "expiryDate: 2026-11-26")
    desk.publish()
    assert desk.state("a", "facebook") == "cancelled"
    desk.ledger.now = datetime(2026, 11, 26, 22, 59, tzinfo=UTC)
    desk.run()
    assert not any(page.withdrawn for page in desk.ledger.worker().standing("web", desk.ledger.now, live=False))
    desk.ledger.now = datetime(2026, 11, 26, 23, 0, tzinfo=UTC)
    desk.run()
    (page,) = [p for p in desk.ledger.worker().standing("web", desk.ledger.now, live=False) if p.source == "b"]
    assert page.withdrawn


def test_expired_at_the_due_time_is_left_out(desk: Desk) -> None:
    desk.post("a", "publishDate: 2026-11-26 10:00\nexpiryDate: 2026-11-26 10:00")
    desk.post("b", "expiryDate: 2026-11-26")  # over before Friday
    made = desk.plan()
    assert {(o.source, o.channel) for o in made.owed} == {("b", "feed"), ("b", "web"), ("b", "facebook")}
    assert {(left.title, left.channels) for left in made.left_out} == {
        ("a", ("feed", "web", "facebook", "newsletter")),
        ("b", ("newsletter",)),
    }


def test_backlog_is_seven_days_and_at_now_sends_it_anyway(desk: Desk) -> None:
    old = desk.post("vieux", "date: 2026-11-17")
    desk.post("limite", "date: 2026-11-18")  # to its end: seven days and nine hours
    made = desk.plan()
    assert {o.source for o in made.owed if o.channel == "facebook"} == {"limite"}
    assert {o.source for o in made.owed if o.channel == "web"} == {"limite", "vieux", FRIDAY}
    assert [(left.title, left.channels) for left in made.left_out] == [("vieux", ("facebook", "newsletter"))]
    desk.publish(old, at=NOW)
    desk.run()
    assert [d.publication.source for d in desk.acts["facebook"].sent] == ["vieux"]
    assert desk.mailed() == [["vieux"]]


def test_an_old_edition_made_by_hand_goes_to_the_archive_only(desk: Desk) -> None:
    desk.post("a", "date: 2025-01-10")
    desk.edition("lettre-1", ["a"], "date: 2025-01-10")
    desk.publish()
    desk.run()
    assert desk.mailed() == []
    assert desk.state("lettre-1", "web") == "done"
    path = desk.root / "content/editions/lettre-1.md"
    desk.publish(path, at=NOW)
    desk.run()
    assert desk.mailed() == [["a"]]


# slots


SLOTS = 'slots = ["12:30", "18:00"]\n'


def test_slots_next_free_urgent_first_and_stable(desk: Desk) -> None:
    desk.settings(CHANNELS + SLOTS)
    desk.post("a")
    desk.post("b")
    desk.post("z", "urgent: true")
    desk.publish()
    times = {name: f"{desk.due(name, 'facebook'):%d %H:%M}" for name in "zab"}
    assert times == {"z": "25 12:30", "a": "25 18:00", "b": "26 12:30"}
    desk.ledger.later(minutes=5)
    desk.post("c", "urgent: true")
    desk.post("b", title="autre")
    desk.publish()
    assert {name: f"{desk.due(name, 'facebook'):%d %H:%M}" for name in "zab"} == times
    assert f"{desk.due('c', 'facebook'):%d %H:%M}" == "26 18:00"


def test_a_day_without_time_is_the_first_slot_of_that_day_else_nine(desk: Desk) -> None:
    desk.settings(CHANNELS + 'slots = ["thursday 18:00", "thursday 12:30"]\n')
    desk.post("a", "publishDate: 2026-11-26")
    desk.post("b", "publishDate: 2026-11-27")
    desk.publish()
    assert f"{desk.due('a', 'facebook'):%d %H:%M}" == "26 12:30"
    assert f"{desk.due('b', 'facebook'):%d %H:%M}" == "27 09:00"
    assert f"{desk.due('a', 'web'):%d %H:%M}" == "26 09:00"


def test_a_failed_post_goes_after_an_edit_and_a_held_one_only_with_a_new_time(desk: Desk) -> None:
    from veille.errors import Rejected

    desk.post("a", "channels: [facebook]")
    desk.publish()
    desk.acts["facebook"].outcomes = [Rejected("too long")]
    desk.run()
    assert desk.ledger.counts() == {"failed": 1}
    desk.post("a", "channels: [facebook]", body="Plus court.")
    desk.publish()
    assert desk.ledger.counts() == {"ready": 1}
    desk.ledger.later(days=1)
    desk.run()
    assert desk.ledger.counts() == {"held": 1}
    desk.post("a", "channels: [facebook]", body="Encore.")
    desk.publish()
    assert desk.ledger.counts() == {"held": 1}
    desk.post("a", "channels: [facebook]\npublishDate: 2026-11-26 10:00", body="Encore.")
    desk.publish()
    assert desk.ledger.counts() == {"ready": 1}


def test_what_was_queued_in_the_sandbox_never_leaves_by_switching_a_channel(desk: Desk) -> None:
    desk.post("a")
    desk.publish()
    desk.ledger.later(days=2, hours=9)  # the letter is due
    for act in desk.acts.values():
        act.live = True
    desk.run()
    assert not any(act.sent for act in desk.acts.values())
    assert {desk.state("a", "facebook"), desk.state("a", "web"), desk.state(FRIDAY, "newsletter")} == {"held"}
    desk.publish()  # where a person confirms it
    desk.run()
    assert [len(desk.acts[name].sent) for name in ("facebook", "web", "feed")] == [1, 2, 1]
    assert desk.mailed() == [["a"]]


def test_pages_of_the_sandbox_stand_nowhere_else(desk: Desk) -> None:
    desk.post("a", "channels: [web]")
    desk.publish()
    desk.run()
    desk.acts["web"].live = True
    assert desk.ledger.worker().standing("web", desk.ledger.now, live=True) == []
    assert [str(line.change) for line in desk.publish().changes] == ["rewrite"]
    desk.run()
    assert [page.source for page in desk.ledger.worker().standing("web", desk.ledger.now, live=True)] == ["a"]


def test_what_was_queued_for_people_is_not_called_sent_by_a_sandbox(desk: Desk) -> None:
    desk.acts["facebook"].live = True
    desk.post("a", "channels: [facebook]")
    desk.publish()
    desk.acts["facebook"].live = False
    desk.run()
    assert desk.state("a", "facebook") == "held"
