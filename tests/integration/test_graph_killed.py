"""Killed between any two effects and started again: one visible post, and the ledger knows it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support import warm_veille
from tests.support.graph_desk import desk
from tests.support.graph_fake import GraphFake
from tests.support.graph_faults import FAULTS
from tests.support.graph_worker import work
from tests.support.workspace import clean_environment
from veille.failpoints import NAMES

pytestmark = pytest.mark.slow

GENERAL = ("claim.after", "intent.after", "settle.before", "settle.after")
SECOND = {"facebook": "facebook.after-photo:2", "instagram": "instagram.after-container:3"}
POINTS = [
    (channel, point)
    for channel in ("facebook", "instagram")
    for point in (*GENERAL, *(name for name in NAMES if name.startswith(channel)), SECOND[channel])
]
PUBLIC = {"facebook": "feed", "instagram": "media_publish"}


@pytest.fixture
def environ(tmp_path: Path, fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    desk(tmp_path)
    media = tmp_path / "outbox" / "media"
    media.mkdir(parents=True)
    common = {"TRANSPORT": "graph", "API_URL": fake.url, "READBACK": "0 s, 0 s, 0 s"}
    facebook = common | {"PAGE_ID": fake.page_id, "ACCESS_TOKEN": fake.page_token}
    instagram = common | {"USER_ID": fake.ig_user_id, "ACCESS_TOKEN": fake.ig_token}
    instagram["MEDIA"] = "outbox/media"
    instagram["MEDIA_BASE_URL"] = fake.media_server_for(media)
    for section, keys in (("FACEBOOK", facebook), ("INSTAGRAM", instagram)):
        for key, value in keys.items():
            monkeypatch.setenv(f"VEILLE_{section}__{key}", value)
    return dict(os.environ)


def killed_at(point: str, root: Path, channel: str, environ: dict[str, str]) -> None:
    variables = {name: value for name, value in environ.items() if name.startswith("VEILLE_")}
    command = ["-m", "tests.support.graph_worker", str(root), channel, "2"]
    env = clean_environment(root, variables | {"VEILLE_FAILPOINT": point})
    code, _out, err = warm_veille.run(command, Path(__file__).parents[2], env, timeout=60)
    assert code == -signal.SIGKILL, err


def visible(fake: GraphFake, channel: str) -> int:
    return len(fake.visible_posts() if channel == "facebook" else fake.visible_media())


@pytest.mark.parametrize(("channel", "point"), POINTS)
def test_killed_once(tmp_path: Path, fake: GraphFake, environ: dict[str, str], channel: str, point: str) -> None:
    killed_at(point, tmp_path, channel, environ)
    assert work(tmp_path, channel, 2) == {"sent": 1}
    assert visible(fake, channel) == 1


@pytest.mark.parametrize("channel", PUBLIC)
@pytest.mark.parametrize("fault", ["lost-written", "code-2", "500-written"])
def test_killed_and_then_the_answer_is_lost(
    tmp_path: Path, fake: GraphFake, environ: dict[str, str], channel: str, fault: str
) -> None:
    """Two bad things in one day: at most one post, and when there is none, the ledger holds it."""
    killed_at("intent.after", tmp_path, channel, environ)
    fake.fault("POST", PUBLIC[channel], FAULTS[fault])
    counts = work(tmp_path, channel, 2)
    assert visible(fake, channel) == (1 if FAULTS[fault].written else 0)
    assert counts == ({"sent": 1} if FAULTS[fault].written else {"held": 1})


@pytest.mark.parametrize("channel", PUBLIC)
def test_a_look_that_fails_ends_with_a_person(
    tmp_path: Path, fake: GraphFake, environ: dict[str, str], channel: str
) -> None:
    fake.fault("POST", PUBLIC[channel], FAULTS["lost-written"])
    for nth in range(1, 20):
        for edge in ("published_posts", "feed", "media"):
            fake.fault("GET", edge, FAULTS["html-502"], nth)
    if channel == "instagram":  # the container answers too: PUBLISHED would be proof enough
        for nth in range(4, 20):
            fake.fault("GET", "*", FAULTS["not-found"], nth)
    assert work(tmp_path, channel, 2) == {"held": 1}
    assert visible(fake, channel) == 1


def test_the_same_work_twice_publishes_once(tmp_path: Path, fake: GraphFake, environ: dict[str, str]) -> None:
    for _time in range(2):
        assert work(tmp_path, "facebook", 2) == {"sent": 1}
    assert visible(fake, "facebook") == 1


@pytest.mark.parametrize("point", ["instagram.after-checkpoint", "instagram.after-publish"])
def test_killed_over_an_account_without_a_page(
    tmp_path: Path, fake: GraphFake, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    own = {"LOGIN": "instagram", "API_URL": fake.instagram_url, "ACCESS_TOKEN": fake.ig_login_token}
    for key, value in own.items():
        monkeypatch.setenv(f"VEILLE_INSTAGRAM__{key}", value)
    fake.instagram.shows_captions = False
    killed_at(point, tmp_path, "instagram", dict(os.environ))
    assert work(tmp_path, "instagram", 2) == {"sent": 1}
    assert visible(fake, "instagram") == 1
    assert len(fake.instagram.containers) == 3  # two pictures and their post: what was kept is used
