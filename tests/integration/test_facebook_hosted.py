"""Posts that Facebook has: handed over for later, verified, changed, deleted. Ledger, publisher, fake."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.graph_faults import EVERY
from tests.support.graph_hosted import HOURS, NATIVE, calls, fault, long, settled
from tests.support.graph_walk import COMMENT, facebook_walk
from veille.outbox.pending import pending

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
