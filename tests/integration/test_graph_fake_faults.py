"""Every fault of the list can be injected at any call, and one after the other; the fake keeps what was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.graph_calls import HTTP, attached, call, code, container, photo, publish, schedule
from tests.support.graph_desk import picture
from tests.support.graph_fake import GraphFake, graph_fake
from tests.support.graph_faults import EVERY, FAULTS, REFUSALS, STOPPERS, Fault, error


@pytest.fixture
def fake() -> Iterator[GraphFake]:
    with graph_fake(checked=False) as running:
        yield running


@pytest.fixture
def url(fake: GraphFake, tmp_path: Path) -> str:
    (tmp_path / "a.jpg").write_bytes(picture().content)
    return f"{fake.media_server_for(tmp_path)}/a.jpg"


def post(fake: GraphFake, message: str = "x") -> requests.Response | None:
    """A post; None when no answer came."""
    headers = {"Authorization": f"Bearer {fake.page_token}", "Connection": "close"}
    address = f"{fake.url}/v26.0/{fake.page_id}/feed"
    try:
        return HTTP.post(address, data={"message": message}, headers=headers, timeout=5)
    except requests.RequestException:
        return None


def is_error(answer: requests.Response | None) -> bool:
    if answer is None or answer.status_code != 200:
        return True
    try:
        return "id" not in answer.json()
    except ValueError:
        return True


LATE = "late-written"  # the tests of our client wait for it


@pytest.mark.parametrize("name", sorted({*FAULTS, *STOPPERS, *REFUSALS} - {LATE}))
def test_a_fault_spoils_one_call_and_no_other(fake: GraphFake, name: str) -> None:
    fault = (FAULTS | STOPPERS | REFUSALS)[name]
    fake.sequence(None, fault)
    answers = [post(fake, str(number)) for number in range(3)]
    assert [is_error(answer) for answer in answers] == [False, True, False]
    assert [shown.message for shown in fake.visible_posts()] == (["0", "1", "2"] if fault.written else ["0", "2"])


def test_a_sequence_of_faults_ends_with_posts_that_nobody_was_told_of(fake: GraphFake) -> None:
    names = ("500-written", "lost-written", "html-502", "throttle", "spam-written", "truncated-written")
    fake.sequence(*(EVERY[name] for name in names))
    answers = [post(fake) for _name in names]
    assert all(is_error(answer) for answer in answers)
    assert len(fake.visible_posts()) == 4
    with pytest.raises(AssertionError, match="4 visible"):
        fake.expect("facebook")


def test_a_throttle_says_how_long_in_a_header_and_comes_as_400(fake: GraphFake) -> None:
    fake.sequence(EVERY["throttle"])
    answer = post(fake)
    assert answer is not None
    (entry,) = json.loads(answer.headers["X-Business-Use-Case-Usage"])["1001"]
    assert (answer.status_code, entry["estimated_time_to_regain_access"]) == (400, 19)


def test_the_use_of_the_limits_may_be_told_with_every_answer(fake: GraphFake) -> None:
    fake.usage["X-App-Usage"] = '{"call_count":81}'
    answer = post(fake)
    assert answer is not None
    assert answer.headers["X-App-Usage"] == '{"call_count":81}'


def test_a_fault_of_one_edge_waits_for_it(fake: GraphFake) -> None:
    fake.fault("POST", "feed", error(2), nth=2)
    fake.fault("GET", "*", error(100, 33))
    made = publish(fake, "x")
    assert code(call(fake, "GET", made)) == (100, 33)
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="y")) == (2, None)


# --- what becomes of the world --------------------------------------------------------------------------------


def container_codes(fake: GraphFake, url: str, polls: int) -> list[Any]:
    made = container(fake, url)
    read = [call(fake, "GET", made, fake.ig_token, fields="status_code,status") for _n in range(polls)]
    return [look["status_code"] for look in read]


def test_a_container_that_is_slow_fails_or_ends(fake: GraphFake, url: str) -> None:
    fake.sequence(EVERY["in-progress-3"])
    assert container_codes(fake, url, 4) == ["IN_PROGRESS"] * 3 + ["FINISHED"]
    fake.instagram.polls = 0
    fake.sequence(EVERY["container-error-2207082"])
    assert container_codes(fake, url, 1) == ["ERROR"]
    fake.sequence(None, None, EVERY["day-passes"])
    assert container_codes(fake, url, 2) == ["FINISHED", "EXPIRED"]


def test_a_publishing_step_after_a_day_or_beyond_the_quota(fake: GraphFake, url: str) -> None:
    edge = f"{fake.ig_user_id}/media_publish"
    fake.sequence(None, EVERY["day-passes"], None, EVERY["quota-0"])
    for wanted in ((24, 2207008), (9, 2207042)):
        assert code(call(fake, "POST", edge, creation_id=container(fake, url))) == wanted
    assert fake.visible_media() == []


@pytest.mark.parametrize("total", [25, 50, 100])
def test_the_quota_is_what_the_account_says(fake: GraphFake, total: int) -> None:
    fake.sequence(EVERY[f"quota-{total}"])
    limit = call(fake, "GET", f"{fake.ig_user_id}/content_publishing_limit", fields="config")
    assert limit["data"][0]["config"]["quota_total"] == total


@pytest.mark.parametrize("subcode", [458, 459, 460, 463, 464, 467, 492])
def test_a_token_ends_between_two_calls(fake: GraphFake, subcode: int) -> None:
    fake.sequence(None, EVERY[f"token-{subcode}"])
    publish(fake, "x")
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="y")) == (190, subcode)
    assert code(call(fake, "GET", fake.page_id)) == (190, subcode)
    assert len(fake.visible_posts()) == 1


def test_photos_vanish_between_two_calls(fake: GraphFake) -> None:
    fake.sequence(None, EVERY["day-passes"])
    refused = call(fake, "POST", f"{fake.page_id}/feed", message="x", attached_media=attached(photo(fake)))
    assert code(refused) == (100, None)


def test_reads_lag_and_a_page_is_empty(fake: GraphFake) -> None:
    fake.sequence(EVERY["lag-90"])
    made = publish(fake, "x")
    assert call(fake, "GET", f"{fake.page_id}/feed")["data"] == []
    fake.sequence(EVERY["five-minutes-pass"], EVERY["empty-page"])
    assert [row["id"] for row in call(fake, "GET", f"{fake.page_id}/feed")["data"]] == [made]
    answer = call(fake, "GET", f"{fake.page_id}/published_posts")
    assert (answer["data"], "next" in answer["paging"]) == ([], True)


def test_the_same_text_and_a_window_that_is_closed(fake: GraphFake) -> None:
    fake.sequence(None, EVERY["same-text"])
    publish(fake, "x")
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="x")) == (506, None)
    fake.sequence(EVERY["no-window"])
    with pytest.raises(KeyError, match="id"):
        schedule(fake, "y")
    assert len(fake.world.posts) == 1


@pytest.mark.parametrize(("name", "wanted"), [("other-secret", 100), ("other-secret-104", 104)])
def test_the_secret_of_the_app_changes(fake: GraphFake, name: str, wanted: int) -> None:
    fake.sequence(EVERY[name])
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="x", appsecret_proof="0")) == (wanted, None)


def test_the_remaining_switches(fake: GraphFake) -> None:
    """Each is shown at work in the tests of its room; here, that the name turns it."""
    before = _state(fake)
    names = ("new-id-when-published", "page-token-reads-nothing", "header-ignored", "captions-hidden")
    for name in (*names, "delete-refused", "clock-ahead", "in-progress-long", "container-error-2207026", "lag-20"):
        fake.sequence(EVERY[name])
        call(fake, "GET", fake.page_id)
        after = _state(fake)
        assert after != before, name
        before = after


def _state(fake: GraphFake) -> str:
    plain = (bool, int, str)
    world = {name: str(value) for name, value in vars(fake.world).items() if isinstance(value, plain)}
    instagram = {name: value for name, value in vars(fake.instagram).items() if isinstance(value, plain)}
    return json.dumps([world, instagram, str(fake.world.lag), str(fake.world.skew)])


def test_a_change_may_come_with_a_spoilt_answer(fake: GraphFake) -> None:
    late = EVERY["lag-400"].change
    fake.sequence(Fault("lost", written=True, change=late))
    assert post(fake) is None
    assert (len(fake.visible_posts()), call(fake, "GET", f"{fake.page_id}/feed")["data"]) == (1, [])
