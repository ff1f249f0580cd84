"""Posts with the same words on one page: which of them is ours, and which is nobody's guess."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.graph_desk import post
from tests.support.graph_faults import EVERY
from tests.support.graph_hosted import HOURS, NATIVE, fault, long, settled
from tests.support.graph_walk import COMMENT, facebook_walk
from veille.outbox.pending import pending
from veille_publishers.facebook import Facebook


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
        walk.once()
        if mended:
            wrong[0] = timedelta()
        for _look in range(12):
            walk.fake.world.clock.advance(minutes=15)
            walk.once()
        assert (walk.row().state, len(walk.mine)) == ("sent", 1)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("On mange\u200b ensemble mardi \u2764\ufe0f", "On mange ensemble mardi \u2764"),
     ("Mardi… on mange ensemble !", "Mardi... on mange ensemble!"),
     ("\u2066Rendez-vous mardi soir\u2069 à l\u2019accueil", "Rendez-vous mardi soir à l'accueil")],
)  # fmt: skip
def test_what_facebook_does_to_signs_that_nobody_sees_makes_no_second_post(ours: str, theirs: str) -> None:
    with facebook_walk(pictures=0, comment=COMMENT) as walk:
        walk.text = ours
        fault(walk, "POST", "feed", "lost-written")
        walk.fake.fault("POST", "comments", EVERY["lost-written"])
        walk.publish()
        walk.once()
        (made,) = walk.mine
        made.message = made.message.replace(ours, theirs)
        walk.live()
        assert (walk.row().state, len(walk.mine), len(made.comments)) == ("sent", 1, 1)


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
