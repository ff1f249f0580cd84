"""What is done with a post that is on Instagram: its first comment, once; its end; and nothing to its words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.graph_desk import Desk, MemoryJournal, desk, login_desk, post
from tests.support.graph_fake import GraphFake
from tests.support.graph_faults import FAULTS, error
from veille.errors import OutcomeUnknown, Rejected
from veille.publishing import Delivery, FollowUp, Receipt, RemotePublisher


def out(office: Desk) -> tuple[RemotePublisher, Delivery]:
    """A post that is out, as the ledger knows it."""
    publisher = office.publisher("instagram")
    assert isinstance(publisher, RemotePublisher)
    delivery = office.delivery("instagram", post(1, instagram_comment="Inscriptions : https://relais.example.org"))
    journal = MemoryJournal(office)
    publisher.deliver([delivery], journal)
    assert isinstance(journal.outcome, Receipt)
    return publisher, replace(journal.again(delivery), remote_id=journal.outcome.remote_id)


@pytest.mark.parametrize("host", ["facebook", "instagram"])
@pytest.mark.parametrize("name", ["lost-written", "reset", "code-2-written", "html-502"])
def test_the_first_comment_is_made_once(tmp_path: Path, fake: GraphFake, host: str, name: str) -> None:
    office = login_desk(tmp_path, fake) if host == "instagram" else desk(tmp_path, fake)
    publisher, delivery = out(office)
    fake.fault("POST", "comments", FAULTS[name])
    begun = office.now()
    with pytest.raises(OutcomeUnknown):
        publisher.follow_up(delivery, FollowUp.COMMENT, None)
    if not FAULTS[name].written:
        with pytest.raises(OutcomeUnknown):
            publisher.follow_up(delivery, FollowUp.COMMENT, begun, again=False)
    publisher.follow_up(delivery, FollowUp.COMMENT, begun)
    assert [comment.message for comment in fake.comments()] == ["Inscriptions : https://relais.example.org"]


def test_a_comment_that_may_not_be_made_stops_nothing(office: Desk, fake: GraphFake) -> None:
    publisher, delivery = out(office)
    fake.fault("POST", "comments", error(10))
    with pytest.raises(Rejected) as caught:
        publisher.follow_up(delivery, FollowUp.COMMENT, None)
    assert "permission" in caught.value.message


@pytest.mark.parametrize("gone", [False, True])
def test_a_post_is_deleted_also_when_it_is_gone_already(office: Desk, fake: GraphFake, gone: bool) -> None:
    publisher, delivery = out(office)
    if gone:
        publisher.follow_up(delivery, FollowUp.DELETE, None)
    publisher.follow_up(delivery, FollowUp.DELETE, datetime.now().astimezone() if gone else None)
    assert fake.visible_media() == []


@pytest.mark.parametrize("fault", [error(-1, 2207073), error(100, 33), error(200)])
def test_a_post_that_may_not_be_deleted_stops_nothing(office: Desk, fake: GraphFake, fault: Any) -> None:
    publisher, delivery = out(office)
    fake.fault("DELETE", "*", fault)
    with pytest.raises(Rejected) as caught:
        publisher.follow_up(delivery, FollowUp.DELETE, None)
    assert "delete" in str(caught.value.hint)
    assert len(fake.visible_media()) == 1


def test_without_a_page_only_the_app_deletes(tmp_path: Path, fake: GraphFake) -> None:
    publisher, delivery = out(login_desk(tmp_path, fake))
    with pytest.raises(Rejected):
        publisher.follow_up(delivery, FollowUp.DELETE, None)
    assert not [call for call in fake.calls if call.method == "DELETE"]


def test_words_that_are_public_stay(office: Desk) -> None:
    publisher, delivery = out(office)
    assert not publisher.editable(delivery.publication.rendition, office.publication("instagram").rendition)
    with pytest.raises(Rejected):
        publisher.follow_up(delivery, FollowUp.EDIT, None)
