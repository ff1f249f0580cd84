"""SIGKILL while Facebook is handed a post for later, when its time is verified, and around its first comment."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.test_graph_killed import killed_at
from tests.support.graph_desk import desk
from tests.support.graph_fake import GraphFake
from tests.support.graph_worker import now, work
from veille.failpoints import NAMES

pytestmark = pytest.mark.slow

COMMENT = "Inscription : 01 99 00 12 34"
HANDING = (
    "claim.after",
    "intent.after",
    "facebook.before-feed",
    "facebook.after-feed",
    "settle.before",
    "settle.after",
)
COMMENTING = tuple(name for name in NAMES if name.startswith("follow-up."))
IN_SHORT = ("facebook.after-feed",)  # the others for long


def some(*names: str) -> list[object]:
    """These points, most of them for the long suite."""
    return [pytest.param(name, marks=() if name in IN_SHORT else pytest.mark.soak) for name in names]


@pytest.fixture
def environ(tmp_path: Path, fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    desk(tmp_path)
    values = {"TRANSPORT": "graph", "API_URL": fake.url, "READBACK": "0 s, 0 s, 0 s", "NATIVE_SCHEDULING": "true"}
    values |= {"PAGE_ID": fake.page_id, "ACCESS_TOKEN": fake.page_token}
    for key, value in values.items():
        monkeypatch.setenv(f"VEILLE_FACEBOOK__{key}", value)
    monkeypatch.setenv("VEILLE_TEST_COMMENT", COMMENT)
    return dict(os.environ)


@pytest.mark.parametrize("point", some(*HANDING))
def test_killed_while_it_is_handed_over(
    tmp_path: Path, fake: GraphFake, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    _for_later(monkeypatch, environ)
    killed_at(point, tmp_path, "facebook", environ)
    assert work(tmp_path, "facebook", 2) == {"scheduled": 1}
    assert (fake.visible_posts(), len(fake.world.facebook.posts)) == ([], 1)
    _its_time_comes(fake, monkeypatch, environ)
    assert work(tmp_path, "facebook", 2) == {"sent": 1}
    fake.expect("facebook", least=1)


@pytest.mark.parametrize("point", some("settle.after", *COMMENTING))
def test_killed_when_its_time_has_come(
    tmp_path: Path, fake: GraphFake, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    _for_later(monkeypatch, environ)
    assert work(tmp_path, "facebook", 2) == {"scheduled": 1}
    _its_time_comes(fake, monkeypatch, environ)
    killed_at(point, tmp_path, "facebook", environ)
    assert work(tmp_path, "facebook", 2) == {"sent": 1}
    fake.expect("facebook", least=1)
    assert [one.message for one in fake.comments()] == [COMMENT]


def _for_later(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    due = (now() + timedelta(hours=2)).replace(microsecond=0).isoformat()
    monkeypatch.setenv("VEILLE_TEST_DUE", due)
    environ["VEILLE_TEST_DUE"] = due


def _its_time_comes(fake: GraphFake, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    later = timedelta(hours=2, minutes=5)
    fake.world.clock.offset += later
    monkeypatch.setenv("VEILLE_TEST_LATER", str(later.total_seconds()))
    environ["VEILLE_TEST_LATER"] = str(later.total_seconds())
