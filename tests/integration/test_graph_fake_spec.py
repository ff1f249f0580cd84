"""Meta's own SDK says which parameters and fields there are; the fake holds every request of the suite to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.graph_calls import HTTP, call, code, publish
from tests.support.graph_desk import MemoryJournal, desk
from tests.support.graph_fake import graph_fake
from tests.support.graph_process import graph_process
from tests.support.graph_spec import BY_PAGES, SDK, known_params, problems, rules
from veille.publishing import Receipt
from veille_publishers.graph import Call, access
from veille_publishers.http import session

PAGE = ("facebook", "page", "POST", "feed")

GOOD: list[tuple[tuple[str, str, str, str], dict[str, Any]]] = [
    (PAGE, {"message": "x", "published": "false", "scheduled_publish_time": "1", "fields": "id,permalink_url"}),
    (PAGE, {"attached_media": '[{"media_fbid":"1"}]', "unpublished_content_type": "SCHEDULED"}),
    (("facebook", "page", "POST", "photos"), {"source": "", "temporary": "true", "alt_text_custom": "x"}),
    (
        ("facebook", "page", "GET", "feed"),
        {"limit": "100", "after": "x", "since": "1", "until": "2", "summary": "true"},
    ),
    (("facebook", "post", "GET", ""), {"fields": "attachments{media_type,target{id}},application{id}"}),
    (("facebook", "post", "GET", "comments"), {"filter": "stream", "fields": "id,message,from,created_time"}),
    (("facebook", "user", "GET", "accounts"), {"fields": "id,name,access_token,tasks,instagram_business_account"}),
    (("facebook", "account", "POST", "media"), {"children": "1,2", "media_type": "CAROUSEL"}),
    (("facebook", "account", "POST", "media"), {"children": '["1","2"]', "is_carousel_item": "true"}),
    (("instagram", "account", "POST", "media"), {"alt_text": "x", "caption": "x", "image_url": "x"}),
    (("instagram", "account", "GET", ""), {"fields": "user_id,username,account_type"}),
    (("login", "oauth", "POST", "access_token"), {"code": "x", "redirect_uri": "x"}),
]

BAD: list[tuple[tuple[str, str, str, str], dict[str, Any], str]] = [
    (PAGE, {"mesage": "x"}, "unknown parameter: mesage"),
    (PAGE, {"published": "False"}, "published is no bool"),
    (PAGE, {"attached_media": "1,2"}, "attached_media is no list<Object>"),
    (PAGE, {"unpublished_content_type": "LATER"}, "unpublished_content_type is no"),
    (PAGE, {"fields": "id,permalink"}, "nonexisting field (permalink)"),
    (("facebook", "page", "POST", "photos"), {"alt_text": "x"}, "unknown parameter: alt_text"),
    (("facebook", "post", "POST", ""), {"link": "x"}, "unknown parameter: link"),
    (("facebook", "account", "POST", "media_publish"), {"creation_id": "x"}, "creation_id is no unsigned int"),
    (("facebook", "media", "POST", ""), {"caption": "x"}, "unknown parameter: caption"),
    (("instagram", "account", "POST", "media"), {"title": "x"}, "unknown parameter: title"),
    (("instagram", "account", "GET", "media"), {"appsecret_proof": "x"}, "graph.facebook.com only"),
    (("instagram", "media", "GET", ""), {"fields": "total_like_count"}, "nonexisting field"),
    (("instagram", "media", "DELETE", ""), {}, "no such edge"),
    (("facebook", "debug_token", "GET", ""), {"token": "x"}, "unknown parameter: token"),
    *((PAGE, {name: "1"}, f"removed in v26.0: {name}") for name in ("ids", "pretty", "debug", "date_format")),
]


@pytest.mark.parametrize(("key", "params"), GOOD, ids=str)
def test_what_the_sdk_knows(key: tuple[str, str, str, str], params: dict[str, str]) -> None:
    assert problems(key, params) == []


@pytest.mark.parametrize(("key", "params", "wanted"), BAD, ids=str)
def test_what_the_sdk_does_not_know(key: tuple[str, str, str, str], params: dict[str, str], wanted: str) -> None:
    assert wanted in " ".join(problems(key, params))


def test_the_sdk_is_asked_and_has_every_edge() -> None:
    """Numbers from Meta's own lists: 106 parameters of /feed, 27 of /media, 10 less without Facebook."""
    found = {key: rules(key) for key in [*SDK, *BY_PAGES]}
    assert None not in found.values()
    assert len(known_params("page/feed", "POST")) > 100
    facebook, instagram = (found[host, "account", "POST", "media"] for host in ("facebook", "instagram"))
    assert facebook
    assert instagram
    assert instagram.types.keys() < facebook.types.keys()


# --- every request of the suite -------------------------------------------------------------------------------


def test_a_request_that_the_sdk_would_not_send_fails_the_test_that_sent_it(tmp_path: Path) -> None:
    """Even when our client swallows the refusal, as it does for an address that cannot be read."""

    def wrong() -> None:
        with graph_fake() as fake:
            graph = access("facebook", desk(tmp_path, fake).config.channel("facebook"), session)
            made = publish(fake, "x")
            try:
                graph.call(Call("GET", f"/{made}", {"fields": "id,permalnk_url"}))
            except Exception:
                return

    with pytest.raises(AssertionError, match="permalnk_url"):
        wrong()


@pytest.mark.parametrize("channel", ["facebook", "instagram"])
def test_our_own_requests_pass(tmp_path: Path, channel: str) -> None:
    with graph_fake() as fake:
        office = desk(tmp_path, fake)
        journal = MemoryJournal(office)
        office.publisher(channel).deliver([office.delivery(channel)], journal)
        assert isinstance(journal.outcome, Receipt)
        assert fake.record()


@pytest.mark.parametrize("name", ["ids", "pretty", "debug", "date_format"])
def test_what_v26_removed_is_refused_even_by_the_lenient_fake(name: str) -> None:
    with graph_fake(strict=False, checked=False) as fake:
        assert code(call(fake, "GET", fake.page_id, **{name: "1"})) == (100, None)
        assert "id" in call(fake, "POST", f"{fake.page_id}/feed", message="x", unheard_of="1")
        headers = {"Authorization": f"Bearer {fake.page_token}", "If-None-Match": "x"}
        answer = HTTP.get(f"{fake.url}/v26.0/{fake.page_id}", headers=headers, timeout=5)
        assert answer.status_code == 400
        multi = HTTP.get(f"{fake.url}/v26.0/?ids=1,2", headers={"Authorization": "Bearer x"}, timeout=5)
        assert code(multi.json()) == (100, None)


# --- in a process of its own ----------------------------------------------------------------------------------


def test_the_fake_in_a_process_of_its_own_with_the_same_questions(tmp_path: Path) -> None:
    def work() -> None:
        with graph_process() as fake:
            headers = {"Authorization": f"Bearer {fake.page_token}"}
            feed = f"{fake.url}/v26.0/{fake.page_id}/feed"
            fake.fault("POST", "feed", "500-written")
            assert HTTP.post(feed, data={"message": "x"}, headers=headers, timeout=5).status_code == 500
            (shown,) = fake.visible_posts()
            assert (shown["message"], fake.ever_visible("facebook"), fake.visible_media()) == ("x", 1, [])
            (seen,) = fake.record()
            assert (seen["params"], fake.page_token in json.dumps(seen)) == ({"message": "x"}, False)
            fake.sequence(None, "expired")
            fake.advance(hours=1)
            assert [HTTP.get(feed, headers=headers, timeout=5).status_code for _n in range(2)] == [200, 400]
            (tmp_path / "a.txt").write_text("Bonjour")
            assert HTTP.get(f"{fake.media_server_for(tmp_path)}/a.txt", timeout=5).text == "Bonjour"
            assert (fake.comments(), fake.troubles()) == ([], [])
            HTTP.post(feed, data={"mesage": "x"}, headers=headers, timeout=5)

    with pytest.raises(AssertionError, match="unknown parameter: mesage"):
        work()
