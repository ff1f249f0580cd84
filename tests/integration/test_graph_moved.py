"""The page or account in the settings changes while posts wait: they go where the settings say, and to one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.graph_desk import Desk, MemoryJournal, desk, post
from tests.support.graph_fake import GraphFake, graph_fake
from tests.support.graph_faults import EVERY
from veille.errors import OutcomeUnknown, Unavailable
from veille.publishing import Delivery, FollowUp, Receipt, Seen

OTHER = {"facebook": "100000000000099", "instagram": "178400000000099"}
SETTING = {"facebook": "VEILLE_FACEBOOK__PAGE_ID", "instagram": "VEILLE_INSTAGRAM__USER_ID"}
PUBLIC = {"facebook": "feed", "instagram": "media_publish"}
CHANNELS = sorted(OTHER)


@contextmanager
def offices(root: Path, channel: str) -> Iterator[tuple[GraphFake, Desk, Desk]]:
    """The fake, the desk as it was, and the desk after the setting was changed."""
    with graph_fake() as fake:
        yield fake, desk(root, fake), desk(root, fake, **{SETTING[channel]: OTHER[channel]})


def delivered(office: Desk, delivery: Delivery) -> tuple[MemoryJournal, Delivery]:
    """One attempt, and the delivery as the next one gets it."""
    journal = MemoryJournal(office)
    office.publisher(delivery.publication.channel).deliver([delivery], journal)
    return journal, journal.again(delivery)


def places(fake: GraphFake, channel: str) -> list[str]:
    """The pages or accounts to which public calls went."""
    paths = [one["path"].split("/") for one in fake.record() if one["method"] == "POST"]
    return [parts[-2] for parts in paths if parts[-1] == PUBLIC[channel]]


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_was_not_begun_goes_where_the_settings_say(tmp_path: Path, channel: str) -> None:
    with offices(tmp_path, channel) as (fake, before, after):
        delivered(after, before.delivery(channel))
        assert fake.record()
        assert {one["path"].split("/")[2] for one in fake.record()} == {OTHER[channel]}


def test_pictures_that_are_on_another_page_are_of_no_use(tmp_path: Path) -> None:
    with offices(tmp_path, "facebook") as (fake, before, after):
        fake.fault("POST", "photos", EVERY["html-502"], 2)
        journal, again = delivered(before, before.delivery("facebook", post(2)))
        assert isinstance(journal.outcome, Unavailable)
        assert len(again.checkpoint["photos"]) == 1
        calls = len(fake.record())
        delivered(after, again)
        assert fake.record()[calls]["path"].split("/")[2:] == [OTHER["facebook"], "photos"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_may_be_public_stays_where_it_was_begun(tmp_path: Path, channel: str) -> None:
    with offices(tmp_path, channel) as (fake, before, after):
        fake.fault("POST", PUBLIC[channel], EVERY["lost-written"])
        journal, again = delivered(before, before.delivery(channel))
        assert isinstance(journal.outcome, OutcomeUnknown)
        assert after.publisher(channel).read_back(again).seen is Seen.FOUND
        journal, again = delivered(after, again)
        assert isinstance(journal.outcome, Receipt)
        assert len(places(fake, channel)) == 1


def test_a_post_that_is_there_is_changed_there(tmp_path: Path) -> None:
    with offices(tmp_path, "facebook") as (fake, before, after):
        journal, again = delivered(before, before.delivery("facebook"))
        there = Delivery(**{**vars(again), "remote_id": journal.outcome.remote_id})
        after.publisher("facebook").follow_up(there, FollowUp.DELETE, None)  # type: ignore[attr-defined]
        assert fake.visible_posts() == []
