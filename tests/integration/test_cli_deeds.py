"""What a person does with posts on a bad day, and what `status` and `outbox` say: no word is wrong, no way ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.graph_fake import GraphFake, graph_fake
from tests.support.graph_faults import EVERY
from tests.support.running import Running
from tests.support.workspace import Workspace, go_live, newsroom
from veille.outbox import schema

ONLY = ("-c", "facebook")
FILE = "content/posts/soupe.md"


def _published(root: Path, *, live: bool) -> Workspace:
    """One post for Facebook, queued."""
    workspace = newsroom(root / "essai")
    (workspace.root / "content/editions/lettre-1.md").unlink()
    (workspace.root / "content/posts/velo.md").unlink()
    with graph_fake() as fake:
        made = Workspace(workspace.root, dict(workspace.env))
        if live:
            go_live(made, "smtp://127.0.0.1:9?tls=none", fake)
        with _running(made) as desk:
            said(desk, "publish", *ONLY, "--yes")
    return workspace


@contextmanager
def _running(workspace: Workspace, **env: str) -> Iterator[Running]:
    running = Running(workspace.root, workspace.env | env)
    yield running
    running.room.close()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A post that waits for people."""
    return _published(tmp_path_factory.mktemp("published"), live=True)


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A post that waits in the sandbox."""
    return _published(tmp_path_factory.mktemp("tried"), live=False)


@contextmanager
def office(template: Workspace, folder: Path, fake: GraphFake | None, **env: str) -> Iterator[Running]:
    workspace = template.copy(folder / "essai")
    if fake:
        go_live(workspace, "smtp://127.0.0.1:9?tls=none", fake)
        workspace.env |= {"VEILLE_INSTAGRAM__MEDIA": "outbox/media", "VEILLE_FACEBOOK__READBACK": "30 s, 2 min, 5 min"}
    with _running(workspace, **env) as running:
        yield running


@pytest.fixture
def desk(published: Workspace, tmp_path: Path, fake: GraphFake) -> Iterator[Running]:
    with office(published, tmp_path, fake) as running:
        yield running


def said(desk: Running, *words: str, code: int = 0) -> str:
    """What a command says, in one line; afterwards a moment has passed."""
    got, text = desk.ask(*words)
    desk.now = max(desk.now, datetime.now(UTC))
    assert got == code, text
    return " ".join(text.split())


def data(desk: Running) -> dict[str, Any]:
    """The post as other programs read it."""
    (publication,) = json.loads(desk.asked("status", "--json").stdout)["data"]["publications"]
    assert isinstance(publication, dict)
    return publication


# --- taken down -------------------------------------------------------------------------------------------------


def test_a_post_that_was_deleted_is_not_shown_as_one_that_stands(desk: Running, fake: GraphFake) -> None:
    desk.run()
    assert "✓ done 1 sent Une soupe" in said(desk, "status")
    said(desk, "outbox", "cancel", "p1", "--public", "--yes")
    desk.run()
    assert fake.visible_posts() == []
    for words in (said(desk, "status"), said(desk, "outbox", "list")):
        assert "– deleted 1 deleted there Une soupe" in words
    assert "1 of those sent was deleted since" in said(desk, "status")
    assert "– deleted · 1 deleted there" in said(desk, "outbox", "show", "p1")
    assert (data(desk)["counts"]["sent"], data(desk)["deleted"]) == (1, 1)  # it was seen
    assert "copy" in said(desk, "outbox", "retry", "p1")


def test_a_channel_that_left_the_settings_is_no_defect(desk: Running) -> None:
    desk.run()
    settings = desk.root / "veille.toml"
    settings.write_text(settings.read_text("utf-8").replace("[facebook]\n", ""), encoding="utf-8")
    for name in [name for name in desk.env if name.startswith("VEILLE_FACEBOOK__")]:
        del desk.env[name]
    assert "delete it there: https://www.facebook.com/" in said(desk, "outbox", "cancel", "p1", "--public", code=1)
    for words in (("cancel", "p1"), ("resolve", "d1", "--cancel"), ("retry", "p1"), ("show", "p1")):
        assert "https://www.facebook.com/" in said(desk, "outbox", *words)


# --- between trial and service ------------------------------------------------------------------------------------


def test_what_waited_in_the_sandbox_leaves_for_people_only_when_somebody_says_so(
    tried: Workspace, tmp_path: Path, fake: GraphFake
) -> None:
    with office(tried, tmp_path, fake) as desk:
        for words in (said(desk, "status"), said(desk, "outbox", "list"), said(desk, "outbox", "show", "p1")):
            assert "! does not leave" in words
        for words in (said(desk, "status"), said(desk, "outbox", "show", "p1")):
            assert "p1 does not leave: facebook was switched" in words
            assert "`veille publish` queues it again" in words
        assert desk.run().switched == ["p1"]
        for words in (said(desk, "status"), said(desk, "outbox", "show", "p1"), said(desk, "outbox", "show", "d1")):
            assert "p1 is held: its channel was switched" in words
            assert "nobody can know" not in words
        for command in (("retry", "p1"), ("resolve", "d1", "--retry")):
            assert "`veille publish` queues it for people" in said(desk, "outbox", *command)
            assert desk.run().switched == ["p1"]
        assert fake.visible_posts() == []
        said(desk, "publish", *ONLY, code=2)  # it asks
        said(desk, "publish", *ONLY, "--yes")
        assert "○ queued 1 ready" in said(desk, "status")
        desk.run()
        assert len(fake.visible_posts()) == 1
        assert data(desk)["live"] is True


def test_what_only_the_sandbox_had_can_still_be_sent_to_people(
    tried: Workspace, tmp_path: Path, fake: GraphFake
) -> None:
    with office(tried, tmp_path, None) as desk:
        desk.run()
        assert "✓ done 1 sent" in said(desk, "status")
        assert "nobody has seen it" in said(desk, "outbox", "retry", "p1")
    workspace = Workspace(desk.root, desk.env)
    go_live(workspace, "smtp://127.0.0.1:9?tls=none", fake)
    desk.again(**workspace.env | {"VEILLE_INSTAGRAM__MEDIA": "outbox/media"})
    words = said(desk, "status")
    assert "1 in the sandbox only" in words
    assert "`veille outbox retry ID`, then `veille publish`" in words
    assert "Nothing is owed" in said(desk, "publish", *ONLY, "--yes")  # nothing of a trial leaves by going live
    assert "`veille publish` queues it for people" in said(desk, "outbox", "retry", "p1")
    desk.run()
    assert fake.visible_posts() == []
    said(desk, "publish", *ONLY, "--yes")
    desk.run()
    assert len(fake.visible_posts()) == 1
    assert "✓ done 1 sent" in said(desk, "status")
    assert "d1 is out" in said(desk, "outbox", "retry", "p1")  # and never again
    desk.room.close()


def test_what_a_person_posted_from_the_sandbox_is_not_posted_again_once_it_is_live(
    tried: Workspace, tmp_path: Path, fake: GraphFake
) -> None:
    with office(tried, tmp_path, None) as desk:
        said(desk, "outbox", "resolve", "d1", "--sent", "https://www.facebook.com/123")
    workspace = Workspace(desk.root, desk.env)
    go_live(workspace, "smtp://127.0.0.1:9?tls=none", fake)
    desk.again(**workspace.env | {"VEILLE_INSTAGRAM__MEDIA": "outbox/media"})
    assert "✓ done 1 sent" in said(desk, "status")
    assert "d1 is out: https://www.facebook.com/123" in said(desk, "outbox", "retry", "p1")
    said(desk, "publish", *ONLY, "--yes")
    desk.run()
    assert fake.visible_posts() == []
    desk.room.close()


# --- nobody knows -------------------------------------------------------------------------------------------------


def test_each_command_says_what_helps_while_nobody_knows_whether_it_is_out(desk: Running, fake: GraphFake) -> None:
    fake.fault("POST", "feed", EVERY["reset"])
    desk.run()
    for command in (("retry", "d1"), ("retry", "p1")):
        words = said(desk, "outbox", *command)
        assert "unknown whether it left, looked at again on" in words
        assert "`veille outbox resolve d1 --sent ADDRESS`, --retry or --cancel" in words
    assert "nobody knows yet whether it is out" in said(desk, "outbox", "cancel", "d1")
    for _look in range(3):
        desk.later(minutes=5)
        desk.run()
    assert fake.visible_posts() == []
    assert "– cancelled" in said(desk, "status")
    assert "`veille outbox retry d1` brings it back" in said(desk, "outbox", "cancel", "d1")


def test_what_facebook_may_have_for_later_is_said_to_whoever_drops_it(
    published: Workspace, tmp_path: Path, fake: GraphFake
) -> None:
    with office(published, tmp_path, fake) as desk:
        values = {"state": "held", "last_code": "outcome-unknown", "intent_at": desk.now - timedelta(days=1)}
        with desk.room.database.write() as connection:  # handed over ahead; no look said what became of it
            connection.execute(sa.update(schema.delivery).values(**values))
        assert "Facebook may still have d1 for its time" in said(desk, "outbox", "resolve", "d1", "--cancel")
        assert desk.row().state == "cancelled"


def test_what_was_put_off_is_tried_now_or_was_posted_by_hand(desk: Running, fake: GraphFake) -> None:
    fake.fault("POST", "photos", EVERY["html-502"])
    desk.run()
    words = said(desk, "outbox", "resolve", "d1", "--retry")
    assert "d1 is tried again by itself on" in words
    assert "at once with `veille outbox retry d1`" in words
    assert "d1 leaves with the next `veille run`" in said(desk, "outbox", "retry", "d1")
    assert "1 resolved" in said(desk, "outbox", "resolve", "d1", "--sent", "https://www.facebook.com/123")
    desk.run()
    assert fake.visible_posts() == []
    assert "d1 is out: https://www.facebook.com/123" in said(desk, "outbox", "retry", "p1")


def test_dropped_too_soon_it_is_looked_for_all_the_same(desk: Running, fake: GraphFake) -> None:
    fake.fault("POST", "feed", EVERY["lost-written"])
    desk.run()
    words = said(desk, "outbox", "resolve", "d1", "--cancel")  # it is out, and nobody sees it yet
    assert "if it is, it stays public; then: veille outbox cancel d1 --public" in words
    desk.later(minutes=5)
    desk.run()
    assert desk.row().state == "sent"
    assert "d1 stays public on facebook" in said(desk, "outbox", "cancel", "d1")


def test_a_post_that_may_be_out_is_deleted_as_soon_as_it_is_found(desk: Running, fake: GraphFake) -> None:
    fake.fault("POST", "feed", EVERY["lost-written"])
    desk.run()
    said(desk, "outbox", "cancel", "d1", "--public", code=2)  # it asks
    assert "and deleted there if it is out" in said(desk, "outbox", "cancel", "d1", "--public", "--yes")
    desk.later(minutes=5)
    desk.run()
    desk.later(minutes=1)
    desk.run()
    assert fake.visible_posts() == []
    assert "– deleted 1 deleted there" in said(desk, "status")


def test_a_post_that_was_not_out_leaves_when_it_is_wanted_again(desk: Running, fake: GraphFake) -> None:
    fake.fault("POST", "feed", EVERY["reset"])
    desk.run()
    said(desk, "outbox", "cancel", "d1", "--public", "--yes")
    for _look in range(3):
        desk.later(minutes=5)
        desk.run()
    assert desk.row().state == "cancelled"
    said(desk, "outbox", "retry", "d1")
    for _look in range(3):
        desk.later(minutes=5)
        desk.run()
    assert len(fake.visible_posts()) == 1  # and stays


def test_what_a_person_posted_is_for_that_person_to_delete(desk: Running) -> None:
    said(desk, "outbox", "resolve", "d1", "--sent", "https://www.facebook.com/123")
    words = said(desk, "outbox", "cancel", "d1", "--public", "--yes", code=1)
    assert "delete it there: https://www.facebook.com/123" in words


# --- each state, each command -------------------------------------------------------------------------------------


def test_a_post_that_was_refused_says_why_and_what_now(desk: Running, fake: GraphFake) -> None:
    fake.fault("POST", "feed", EVERY["invalid"])
    desk.run()
    for words in (said(desk, "status"), said(desk, "outbox", "show", "p1"), said(desk, "outbox", "show", "d1")):
        assert "! d1 on facebook failed: Meta does not accept the content of this post" in words
        assert "`veille outbox retry d1`" in words
        assert "`veille outbox resolve d1 --sent ADDRESS`" in words
    assert "1 cancelled" in said(desk, "outbox", "cancel", "d1")
    assert "failed:" not in said(desk, "status")
    assert "d1 leaves with the next `veille run`" in said(desk, "outbox", "retry", "d1")
    desk.run()
    assert len(fake.visible_posts()) == 1


def test_what_stands_still_says_so_to_every_command(desk: Running, fake: GraphFake) -> None:
    fake.fault("POST", "feed", EVERY["blocked"])
    desk.run()
    for command in (("retry", "d1"), ("resolve", "d1", "--retry"), ("show", "d1"), ("show", "p1")):
        assert "`veille outbox resume facebook` lets it go on" in said(desk, "outbox", *command)
    said(desk, "outbox", "resume", "facebook")
    said(desk, "outbox", "pause", "p1")
    assert "`veille outbox resume p1` lets it go on" in said(desk, "outbox", "retry", "d1")
    said(desk, "outbox", "resume", "p1")
    desk.run()
    assert "d1 is out: https://" in said(desk, "outbox", "pause", "p1")  # there is nothing to pause
    assert "✓ done 1 sent" in said(desk, "status")


def test_what_is_taken_back_is_not_announced(published: Workspace, tmp_path: Path, fake: GraphFake) -> None:
    with office(published, tmp_path, fake, VEILLE_FACEBOOK__NATIVE_SCHEDULING="true") as desk:
        with desk.room.database.write() as connection:
            later = desk.now + timedelta(hours=3)
            connection.execute(sa.update(schema.publication).values(due_at=later))
            connection.execute(sa.update(schema.delivery).values(due_at=later))
        desk.run()
        assert "Facebook publishes it on" in said(desk, "status")
        with desk.room.database.write() as connection:
            connection.execute(sa.update(schema.publication).values(due_at=desk.now))
        assert "Facebook was to publish it on" in said(desk, "outbox", "retry", "d1")
        with desk.room.database.write() as connection:
            connection.execute(sa.update(schema.publication).values(due_at=later))
        assert "handed over anew after `resume`" in said(desk, "outbox", "pause", "p1")
        assert "Facebook publishes it on" not in said(desk, "status")
        desk.run()
        assert "‖ paused 1 ready" in said(desk, "status")
        said(desk, "outbox", "resume", "p1")
        desk.run()
        assert "it is deleted there, with the next" in said(desk, "outbox", "resolve", "d1", "--cancel")
        assert "Facebook publishes it on" not in said(desk, "status")
        desk.run()
        assert fake.world.facebook.posts == {}
        assert "– cancelled" in said(desk, "status")
