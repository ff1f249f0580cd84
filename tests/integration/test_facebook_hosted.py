"""Posts that Facebook has: handed over for later, verified, changed, commented on, deleted. Ledger, publisher, fake."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.graph_desk import post
from tests.support.graph_faults import EVERY, FAULTS, Fault
from tests.support.graph_walk import COMMENT, Walk, facebook_walk
from veille.outbox.pending import pending
from veille_publishers.facebook import Facebook

HOURS = timedelta(hours=3)
NATIVE = {"NATIVE_SCHEDULING": "true"}


def long(*values: object) -> Any:
    """A case of the long suite: the same claim once more."""
    return pytest.param(*values, marks=pytest.mark.soak)


def calls(walk: Walk, method: str, end: str) -> list[dict[str, Any]]:
    """The requests so far to paths that end so."""
    return [one for one in walk.fake.record() if one["method"] == method and one["path"].endswith(end)]


def fault(walk: Walk, method: str, edge: str, name: str, *more: int) -> None:
    """Let the first call of this kind go wrong, and those with these numbers."""
    for nth in (1, *more):
        walk.fake.fault(method, edge, EVERY[name], nth)


def settled(walk: Walk) -> tuple[str, str]:
    """Run a little: what the ledger says."""
    walk.live(walk.now() + timedelta(minutes=1))
    row = walk.row()
    return row.state, row.last_code


# --- handed over ahead ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pictures", [long(0), 2])
def test_a_post_is_handed_over_for_its_time_and_leaves_while_this_machine_is_off(pictures: int) -> None:
    with facebook_walk(pictures=pictures, comment=COMMENT, settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        assert settled(walk) == ("scheduled", "")
        assert walk.mine == []
        (feed,) = calls(walk, "POST", "/feed")
        assert feed["params"]["published"] == "false"
        assert feed["params"]["unpublished_content_type"] == "SCHEDULED"
        assert feed["params"]["scheduled_publish_time"] == str(int(walk.due.timestamp()))
        assert [one["params"]["temporary"] for one in calls(walk, "POST", "/photos")] == ["true"] * pictures
        walk.fake.world.clock.advance(hours=30)  # nobody runs anything
        (post,) = walk.mine
        assert post.comments == []
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"
        assert [one.message for one in walk.mine[0].comments] == [COMMENT]


@pytest.mark.parametrize("wait", [timedelta(minutes=19), long(timedelta(days=30))])
def test_outside_the_window_we_keep_it(wait: timedelta) -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=wait)
        assert settled(walk) == ("ready", "")
        assert walk.fake.record() == []
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"


@pytest.mark.soak
def test_what_was_never_meant_for_people_is_not_handed_over() -> None:
    """Queued for the sandbox, then the channel went live: nobody confirmed it."""
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        with walk.database.write() as connection:
            connection.exec_driver_sql("UPDATE publication SET live = 0")
        assert settled(walk) == ("ready", "")
        assert walk.fake.record() == []


@pytest.mark.parametrize("name", ["window", long("dead-link")])
def test_a_time_that_facebook_refuses_is_ours_to_keep(name: str) -> None:
    with facebook_walk(pictures=0, settings=NATIVE) as walk:
        fault(walk, "POST", "feed", name)
        walk.publish(wait=HOURS)
        assert settled(walk) == ("ready", "at-its-time")
        walk.live(walk.due - timedelta(minutes=1))
        assert len(calls(walk, "POST", "/feed")) == 1  # not asked again and again
        assert walk.mine == []
        walk.live()
        walk.judge()
        (post,) = walk.mine
        assert post.created >= walk.due - timedelta(seconds=1)


def test_a_window_that_passes_while_photos_go_up_is_ours_to_keep() -> None:
    with facebook_walk(pictures=2, settings=NATIVE) as walk:
        walk.fake.sequence(None, EVERY["five-minutes-pass"])
        walk.publish(wait=timedelta(minutes=22))
        assert settled(walk) == ("ready", "at-its-time")
        assert calls(walk, "POST", "/feed") == []
        walk.live()
        walk.judge()
        assert len(walk.mine) == 1


@pytest.mark.parametrize("name", ["lost-written", long("code-2-written"), long("html-502")])
def test_an_answer_that_is_lost_while_nothing_is_public(name: str) -> None:
    with facebook_walk(settings=NATIVE) as walk:
        fault(walk, "POST", "feed", name)
        walk.publish(wait=HOURS)
        walk.live(walk.now() + timedelta(minutes=10))
        assert walk.row().state == "scheduled"
        assert len(walk.fake.world.facebook.posts) == 1
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"


@pytest.mark.soak
def test_lists_that_cannot_be_read_for_a_while_hold_nothing_that_has_time() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        fault(walk, "POST", "feed", "lost-written")
        fault(walk, "GET", "scheduled_posts", "html-502", *range(2, 8))
        walk.publish(wait=HOURS)
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"


@pytest.mark.parametrize("late", [long(False), True])
def test_another_id_when_it_became_public(late: bool) -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.fake.world.new_id_when_published = True
        walk.publish(wait=HOURS)
        if late:
            walk.fake.world.lag = timedelta(seconds=90)
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"


@pytest.mark.soak
def test_what_is_not_there_at_its_time_waits_for_a_person() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        settled(walk)
        (post,) = walk.fake.world.facebook.posts.values()
        walk.fake.world.facebook.delete_post(post)  # somebody, on the page
        walk.live()
        assert (walk.row().state, walk.mine) == ("held", [])
        assert "not there" in walk.row().last_error
        assert walk.actions.retry("p1", walk.now()) == 0  # only after a look: resolve


@pytest.mark.soak
def test_a_page_that_cannot_be_read_at_its_time_is_looked_at_for_hours() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        settled(walk)
        fault(walk, "GET", "*", "html-502", *range(2, 9))
        walk.live(walk.due + timedelta(hours=1))
        assert walk.row().state == "scheduled"
        assert walk.row().last_error
        walk.live()
        assert walk.row().state == "sent"


@pytest.mark.soak
def test_days_of_trouble_before_its_time_do_not_fail_it() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        fault(walk, "POST", "photos", "html-502", *range(2, 40))
        walk.publish(wait=timedelta(days=6))
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"


# --- it changes -----------------------------------------------------------------------------------------------


def test_what_facebook_holds_is_taken_back_and_handed_over_anew() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        settled(walk)
        walk.edit(text="Mercredi plutôt", pictures=2, later=timedelta(hours=1))
        assert settled(walk) == ("scheduled", "")
        (post,) = walk.fake.world.facebook.posts.values()
        assert (post.message.splitlines()[0], len(post.photos)) == ("Mercredi plutôt", 2)
        assert post.scheduled
        assert abs(post.scheduled - walk.due) < timedelta(seconds=1)
        walk.live()
        walk.judge()


def test_what_became_public_before_we_came_is_changed_where_it_stands() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        settled(walk)
        walk.edit(text="Mercredi plutôt")
        walk.fake.world.clock.advance(hours=4)
        walk.live()
        walk.judge()
        assert walk.mine[0].message.startswith("Mercredi plutôt")
        assert walk.fake.ever_visible("facebook") == 1


def test_other_pictures_of_what_became_public_wait_for_a_person() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        settled(walk)
        walk.edit(text="Mercredi plutôt", pictures=2)
        walk.fake.world.clock.advance(hours=4)
        walk.live()
        (wanted,) = pending(walk.database)
        assert (wanted.kind.value, wanted.due) == ("edit", None)
        assert "veille outbox cancel p1 --public" in wanted.hint
        assert walk.fake.ever_visible("facebook") == 1


@pytest.mark.soak
def test_shortly_before_its_time_nothing_can_be_taken_back() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        settled(walk)
        walk.fake.world.frozen_before = timedelta(minutes=3)
        walk.live(walk.due - timedelta(minutes=2))
        walk.edit(text="Mercredi plutôt")
        walk.live()
        walk.judge()
        assert walk.mine[0].message.startswith("Mercredi plutôt")


@pytest.mark.parametrize("name", ["lost-written", long("html-502"), long("throttle")])
def test_new_words_of_a_public_post(name: str) -> None:
    with facebook_walk() as walk:
        walk.publish()
        settled(walk)
        walk.edit(text="Mercredi plutôt")
        fault(walk, "POST", "*", name)
        walk.live()
        walk.judge()
        assert walk.mine[0].message.startswith("Mercredi plutôt")
        assert pending(walk.database) == []


@pytest.mark.parametrize("change", [long({"pictures": 2}), {"text": "Mercredi plutôt", "pictures": 2}])
def test_other_pictures_cannot_follow(change: dict[str, Any]) -> None:
    with facebook_walk() as walk:
        walk.publish()
        settled(walk)
        walk.edit(**change)
        assert walk.told[-1] == "publish: too-late"
        walk.live()
        walk.judge()


def test_a_post_that_somebody_deleted_there_stops_nothing() -> None:
    with facebook_walk() as walk:
        walk.publish()
        settled(walk)
        walk.fake.world.facebook.delete_post(walk.mine[0])
        walk.edit(text="Mercredi plutôt")
        walk.live()
        (wanted,) = pending(walk.database)
        assert (wanted.due, walk.report.stops()) == (None, [])
        assert "no longer on the page" in wanted.error


# --- it is not wanted any more ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [long(""), "lost-written", long("html-502"), long("not-found-written")])
def test_what_facebook_holds_is_deleted_when_it_is_cancelled(name: str) -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        settled(walk)
        walk.cancel()
        if name:
            fault(walk, "DELETE", "*", name)
        walk.live()
        walk.judge()
        assert walk.row().state == "cancelled"
        assert walk.fake.ever_visible("facebook") == 0
        assert walk.report.publication("p1").state == "cancelled"


@pytest.mark.soak
def test_a_cancelled_one_comes_back_by_hand() -> None:
    with facebook_walk(comment=COMMENT, settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        settled(walk)
        walk.cancel()
        settled(walk)
        walk.actions.retry("p1", walk.now())
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"


def test_cancelled_while_nobody_knew_whether_facebook_holds_it() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        fault(walk, "POST", "feed", "lost-written")
        walk.publish(wait=HOURS)
        walk.live(walk.now() + timedelta(seconds=1))
        assert walk.row().state == "unknown"
        walk.cancel()
        walk.live()
        assert walk.row().state == "cancelled"
        assert walk.fake.ever_visible("facebook") == 0


def test_a_public_post_is_deleted_on_demand_only() -> None:
    with facebook_walk(comment=COMMENT) as walk:
        walk.publish()
        settled(walk)
        walk.cancel()
        settled(walk)
        assert len(walk.mine) == 1
        walk.cancel(public=True)
        fault(walk, "DELETE", "*", "lost-written")
        walk.live()
        walk.judge()
        assert (walk.mine, walk.row().state, walk.row().last_code) == ([], "sent", "deleted")
        walk.edit(text="Mercredi plutôt")
        assert walk.told[-1] in ("publish: too-late", "publish: same")
        assert pending(walk.database) == []


# --- the first comment ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lost-written", *map(long, ("code-2", "html-502-written", "throttle", "500"))])
@pytest.mark.parametrize("lag", [long(0), 90])
def test_one_first_comment_whatever_meta_answers(name: str, lag: int) -> None:
    with facebook_walk(comment=COMMENT) as walk:
        walk.fake.world.lag = timedelta(seconds=lag)
        fault(walk, "POST", "comments", name)
        walk.publish()
        walk.live()
        walk.judge()
        assert [one.message for one in walk.mine[0].comments] == [COMMENT]
        assert pending(walk.database) == []


def test_a_comment_that_nobody_saw_twice_waits_for_a_person() -> None:
    with facebook_walk(comment=COMMENT) as walk:
        fault(walk, "POST", "comments", "code-2", 2)
        walk.publish()
        walk.live()
        (wanted,) = pending(walk.database)
        assert (wanted.due, walk.row().state) == (None, "sent")
        assert "veille outbox retry d1" in wanted.hint
        walk.actions.retry("d1", walk.now())
        walk.live()
        assert [one.message for one in walk.mine[0].comments] == [COMMENT]


@pytest.mark.soak
def test_comments_that_cannot_be_read_are_not_written_again() -> None:
    with facebook_walk(comment=COMMENT) as walk:
        fault(walk, "POST", "comments", "lost-written")
        fault(walk, "GET", "comments", "html-502", *range(2, 5))
        walk.publish()
        walk.live()
        walk.judge()
        assert pending(walk.database) == []


def test_a_page_that_may_not_comment_has_its_post_all_the_same() -> None:
    with facebook_walk(comment=COMMENT) as walk:
        fault(walk, "POST", "comments", "permission-200")
        walk.publish()
        walk.live()
        assert (walk.row().state, len(walk.mine), walk.report.stops()) == ("sent", 1, [])
        (wanted,) = pending(walk.database)
        assert wanted.due is None
        assert "pages_manage_engagement" in wanted.hint


# --- whose post is it? ------------------------------------------------------------------------------------------


def test_of_two_with_the_same_words_one_that_is_found_is_not_found_twice() -> None:
    """Both answers are lost, and both are looked for in one go: one was carried out, the other was not."""
    with facebook_walk(pictures=0) as walk:
        fault(walk, "POST", "feed", "lost-written")
        walk.fake.fault("POST", "feed", EVERY["html-502"], 2)
        walk.publish()
        walk.twin()
        walk.live()
        first, second = walk.row(1), walk.row(2)
        assert (first.state, second.state, len(walk.mine)) == ("sent", "sent", 2)
        assert first.remote_id != second.remote_id


@pytest.mark.parametrize(("hours", "mended"), [(0.1, False), (2, True), long(-2, True)])
def test_a_clock_that_is_wrong_makes_no_second_post(hours: float, mended: bool) -> None:
    """As after a start: local time is taken for UTC, a post leaves, its answer is lost, and the clock is put right."""
    with facebook_walk(pictures=0) as walk:
        wrong = [timedelta(hours=hours)]
        true = walk.now
        walk.now = lambda: true() + wrong[0]  # type: ignore[method-assign]
        walk.publisher = Facebook(replace(walk.publisher._context, clock=walk.now))
        fault(walk, "POST", "feed", "lost-written")
        walk.publish()
        walk._round()
        if mended:
            wrong[0] = timedelta()
        for _look in range(12):
            walk.fake.world.clock.advance(minutes=15)
            walk._round()
        assert (walk.row().state, len(walk.mine)) == ("sent", 1)


def test_what_somebody_posted_by_hand_in_its_place_is_not_deleted_with_it() -> None:
    """A person deleted the waiting post there and posted the same words at once; then it is cancelled here."""
    with facebook_walk(pictures=0, settings=NATIVE) as walk:
        walk.publish(wait=HOURS)
        settled(walk)
        page = walk.fake.world.facebook
        page.delete_post(page.posts[walk.row().remote_id])
        page.someone_posts(walk.fake.page_id, str(walk.rendition.payload["message"]))
        walk.cancel()
        walk.live_with(1 + 1)
        assert (walk.row().state, len(walk.mine), pending(walk.database)) == ("cancelled", 1, [])


def test_two_posts_with_the_same_words_are_not_taken_for_each_other() -> None:
    """One waits at Facebook for tomorrow; the other's answer is lost, and it was not carried out."""
    with facebook_walk(settings=NATIVE) as walk:
        walk.publish(wait=timedelta(days=1))
        settled(walk)
        fault(walk, "POST", "feed", "html-502")
        walk.twin()
        walk.live(walk.now() + timedelta(minutes=20))
        first, second = walk.row(1), walk.row(2)
        assert (first.state, second.state) == ("scheduled", "sent")
        assert first.remote_id != second.remote_id
        assert len(walk.mine) == 1


def test_the_same_words_with_other_pictures_are_nobodys_guess() -> None:
    with facebook_walk(pictures=1) as walk:
        fault(walk, "POST", "feed", "html-502")
        walk.publish()
        walk.live(walk.now() + timedelta(seconds=1))
        page, world = walk.fake.page_id, walk.fake.world
        photos = [
            {"media_fbid": world.add_photo(page, {"published": "false"}, {"source": one.content})["id"]}
            for one in post(2).pictures
        ]
        message = walk.rendition.payload["message"]
        world.add_post(page, {"message": message, "attached_media": json.dumps(photos)})
        walk.live()
        assert walk.row().state == "held"
        assert len(walk.mine) == 1


@pytest.mark.soak
def test_the_same_words_by_another_app_are_not_ours() -> None:
    with facebook_walk(pictures=1, settings={"APP_ID": "200000000000002"}) as walk:
        walk.fake.world.shows_application = True
        fault(walk, "POST", "feed", "lost-written")
        walk.publish()
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"


@pytest.mark.soak
def test_two_of_ours_are_said() -> None:
    """Somebody posted it once more by hand, with the same picture: the oldest is ours, and a person is told."""
    with facebook_walk(pictures=0) as walk:
        fault(walk, "POST", "feed", "lost-written")
        walk.publish()
        walk.live(walk.now() + timedelta(seconds=1))
        (ours,) = walk.mine
        walk.fake.world.clock.advance(seconds=5)
        walk.fake.world.add_post(walk.fake.page_id, {"message": ours.message, "link": ours.link})
        walk.live_with(2)
        assert (walk.row().remote_id, walk.row().state) == (ours.id, "sent")
        assert "1 more post" in walk.row().last_error


# --- drafts, links, limits --------------------------------------------------------------------------------------


def test_a_page_that_shows_no_drafts_gets_the_post_in_one_call() -> None:
    with facebook_walk(settings={"DRAFT_FIRST": "true"}) as walk:
        walk.fake.fault("POST", "*", FAULTS["invalid"])
        walk.publish()
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"
        assert len(walk.fake.world.facebook.posts) == 1  # the draft is gone


@pytest.mark.soak
def test_a_draft_whose_showing_nobody_saw_is_shown_by_its_id() -> None:
    with facebook_walk(settings={"DRAFT_FIRST": "true"}) as walk:
        fault(walk, "POST", "*", "lost-written")
        walk.publish()
        walk.live()
        walk.judge()
        assert len(calls(walk, "POST", "/feed")) == 1


def test_a_link_that_does_not_open_twice_fails_the_post() -> None:
    with facebook_walk(pictures=0) as walk:
        fault(walk, "POST", "feed", "dead-link", 2)
        walk.publish()
        walk.live()
        assert (walk.row().state, walk.mine) == ("failed", [])
        assert len(calls(walk, "POST", "/feed")) == 2


@pytest.mark.soak
def test_high_use_slows_down_and_full_use_stops() -> None:
    with facebook_walk() as walk:
        walk.fake.usage["X-App-Usage"] = '{"call_count": 85, "total_time": 3, "total_cputime": 3}'
        walk.publish()
        settled(walk)
        assert walk.row().state == "sent"
        walk.twin()
        walk.live(walk.now() + timedelta(minutes=2))
        assert walk.row(2).state == "ready"
        walk.live(walk.now() + timedelta(minutes=10))
        assert walk.row(2).state == "sent"


@pytest.mark.parametrize(
    ("headers", "minutes"),
    [
        long({"X-App-Usage": '{"call_count": 100}'}, 60),
        ({"X-Business-Use-Case-Usage": '{"1": [{"type": "pages", "estimated_time_to_regain_access": 19}]}'}, 19),
    ],
)
def test_nothing_is_asked_while_all_is_used_up(headers: dict[str, str], minutes: int) -> None:
    with facebook_walk() as walk:
        walk.fake.usage |= headers
        walk.publish()
        settled(walk)
        walk.fake.usage.clear()
        before = len(walk.fake.record())
        walk.twin()
        walk.live(walk.now() + timedelta(minutes=minutes - 3))
        assert len(walk.fake.record()) == before
        walk.live(walk.now() + timedelta(minutes=10))
        assert walk.row(2).state == "sent"


@pytest.mark.soak
def test_a_throttled_look_is_no_look() -> None:
    with facebook_walk() as walk:
        fault(walk, "POST", "feed", "lost-written")
        busy = Fault(status=400, body=FAULTS["throttle"].body, headers=FAULTS["throttle"].headers)
        walk.fake.fault("GET", "scheduled_posts", busy)
        walk.publish()
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"
