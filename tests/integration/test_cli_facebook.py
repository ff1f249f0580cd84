"""What a person sees of posts that Facebook has: in plan, run, status and outbox; and how one is taken down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from tests.support.graph_fake import GraphFake
from tests.support.graph_faults import EVERY
from tests.support.workspace import Ran, Workspace, newsroom

pytestmark = pytest.mark.soak  # a dozen commands each: the short suite shows the same without them
ONLY = ("--channel", "facebook")


def desk(root: Path, fake: GraphFake, moment: datetime | None = None) -> Workspace:
    """A newsroom whose Facebook page alone is live; two posts, one of them with pictures."""
    workspace = newsroom(root, moment=moment)
    values = {"TRANSPORT": "graph", "API_URL": fake.url, "PAGE_ID": fake.page_id, "ACCESS_TOKEN": fake.page_token}
    values |= {"NATIVE_SCHEDULING": "true", "READBACK": "0 s"}
    workspace.env |= {f"VEILLE_FACEBOOK__{key}": value for key, value in values.items()}
    return workspace


def published(workspace: Workspace, *options: str) -> Ran:
    ran = workspace.veille("publish", "--yes", *ONLY, *options)
    assert ran.code == 0, ran
    return ran


def ran_once(workspace: Workspace, code: int = 0) -> str:
    ran = workspace.veille("run", "--once")
    assert ran.code == code, ran
    return ran.said


def edited(workspace: Workspace, old: str, new: str) -> None:
    path = workspace.root / "content/posts/soupe.md"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_posts_for_later(tmp_path: Path, fake: GraphFake) -> None:
    workspace = desk(tmp_path, fake, datetime.now(UTC) + timedelta(hours=3))
    published(workspace)
    assert "2 handed over for their time" in ran_once(workspace)
    assert fake.visible_posts() == []
    said = workspace.veille("status").out
    assert said.count("Facebook publishes it on ") == 2
    assert "also when this machine is off" in workspace.veille("outbox", "show", "p1").out
    edited(workspace, "soupe chaude à partager", "soupe froide à partager")
    assert "taken back, then scheduled anew" in published(workspace).out
    assert "1 post taken back" in ran_once(workspace)
    assert any("soupe froide" in post.message for post in fake.world.facebook.posts.values())
    cancelled = workspace.veille("outbox", "cancel", "p1")
    assert "it is deleted there, with the next `veille run`" in cancelled.out
    assert "1 post deleted there" in ran_once(workspace)
    assert len(fake.world.facebook.posts) == 1
    assert workspace.publications()[0]["state"] == "cancelled"
    assert fake.visible_posts() == []


def test_what_did_not_get_through_is_told_with_its_reason(tmp_path: Path, fake: GraphFake) -> None:
    workspace = desk(tmp_path, fake)
    refused = workspace.veille("publish", *ONLY)
    assert (refused.code, "this reaches people (facebook): confirm with --yes" in refused.said) == (2, True), refused
    assert "not understood" not in refused.said
    published(workspace)
    fake.fault("POST", "feed", EVERY["html-502"])
    assert "facebook stands still" not in ran_once(workspace, code=75)
    (line,) = [line for line in workspace.veille("status").out.splitlines() if "looked at again" in line]
    assert "on facebook: unknown whether it left, looked at again on " in line
    for edge in ("published_posts", "scheduled_posts", "feed"):
        for nth in (1, 2, 3):
            fake.fault("GET", edge, EVERY["permission"], nth)
    said = ran_once(workspace, code=1)
    assert "on facebook is held: " in said
    held = said.split(" on facebook is held")[0].rsplit(" ", 1)[-1]
    assert f"veille outbox resolve {held} --sent ADDRESS" in said
    assert f"! {held} on facebook is held: " in workspace.veille("status").out


def test_posts_that_are_public(tmp_path: Path, fake: GraphFake) -> None:
    workspace = desk(tmp_path, fake)
    published(workspace)
    ran_once(workspace)
    edited(workspace, "soupe chaude à partager", "soupe froide à partager")
    assert "its text is changed where it stands" in published(workspace).out
    (wanted,) = workspace.veille("status", "--json").data["follow_ups"]
    assert (wanted["kind"], wanted["error"]) == ("edit", "")
    assert "1 text changed where it stands" in ran_once(workspace)
    assert "soupe froide" in fake.visible_posts()[0].message
    Image.new("RGB", (400, 300), "#1a7f37").save(workspace.root / "content/media/soupe.png")
    said = workspace.veille("publish", *ONLY, "--dry-run").said
    assert "on Facebook only words can be changed, never pictures" in said
    stays = workspace.veille("outbox", "cancel", "d1")
    assert "veille outbox cancel d1 --public" in stays.out
    assert workspace.veille("outbox", "cancel", "d1", "--public").code == 2  # nobody was asked
    assert len(fake.visible_posts()) == 2
    gone = workspace.veille("outbox", "cancel", "d1", "--public", "--yes")
    assert "it is deleted there" in gone.out
    ran_once(workspace)
    assert len(fake.visible_posts()) == 1
    shown = workspace.veille("outbox", "show", "d1").out
    assert "it is deleted there: done" in shown
    assert "https://www.facebook.com/" not in shown  # nobody is sent to a post that is gone
    assert workspace.veille("outbox", "show", "p1", "--json").data["receipts"] == []


@pytest.mark.parametrize(("answer", "left"), [("n\n", 2), ("y\n", 1)])
def test_the_question_before_a_post_is_deleted(tmp_path: Path, fake: GraphFake, answer: str, left: int) -> None:
    workspace = desk(tmp_path, fake)
    published(workspace)
    ran_once(workspace)
    assert workspace.on_terminal(answer, "outbox", "cancel", "p1", "--public") == (0 if left == 1 else 130)
    ran_once(workspace)
    assert len(fake.visible_posts()) == left
