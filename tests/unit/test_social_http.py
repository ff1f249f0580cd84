"""The HTTP session and the wire form of a call: nothing is sent here."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.support.graph_world import known_params
from veille import __version__
from veille.errors import Unavailable
from veille_publishers.graph import Call, Graph, encode, proof
from veille_publishers.http import redact, session


def test_the_proof_is_that_of_metas_sdk() -> None:
    wanted = "e697d0006554740ddfffab3f4406f3cef626ca5483a5c58b72a31941c9f40655"
    assert proof("APPSECRET", "TOKEN") == wanted


def test_values_are_encoded_as_metas_sdk_does() -> None:
    params = {"published": False, "attached_media": [{"media_fbid": "11"}], "limit": 100, "message": "é #x"}
    assert encode(params) == {
        "published": "false",
        "attached_media": '[{"media_fbid":"11"}]',
        "limit": "100",
        "message": "é #x",
    }


def test_a_call_shows_its_file_by_name_and_its_version() -> None:
    shown = Call("POST", "/1/photos", {"published": False}, file="a.jpg").to_json("v26.0")
    assert shown == {
        "method": "POST",
        "path": "/v26.0/1/photos",
        "parameters": {"published": "false"},
        "file": "a.jpg",
    }


def test_the_session_names_us_and_reads_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    made = session()
    assert made.headers["User-Agent"] == f"veille/{__version__}"
    assert not made.merge_environment_settings("https://example.org", {}, None, None, None)["proxies"]
    assert made.get_adapter("https://example.org").max_retries.total == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(("method", "redirects"), [("POST", False), ("DELETE", False), ("GET", True)])
def test_every_request_has_time_outs_and_no_write_is_redirected(
    monkeypatch: pytest.MonkeyPatch, method: str, redirects: bool
) -> None:
    seen: dict[str, object] = {}

    def send(_self: requests.Session, _request: requests.PreparedRequest, **kwargs: object) -> requests.Response:
        seen.update(kwargs)
        return requests.Response()

    monkeypatch.setattr(requests.Session, "send", send)
    session((3, 4)).request(method, "http://127.0.0.1:1/", allow_redirects=True)
    assert (seen["timeout"], seen["allow_redirects"]) == ((3, 4), redirects)


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
@pytest.mark.parametrize("in_query", [False, True])
def test_the_token_travels_in_the_header_or_where_the_setting_says(
    monkeypatch: pytest.MonkeyPatch, method: str, in_query: bool
) -> None:
    sent: list[requests.PreparedRequest] = []

    def send(_self: requests.Session, request: requests.PreparedRequest, **_kwargs: object) -> requests.Response:
        sent.append(request)
        raise requests.ConnectTimeout(request.url)

    monkeypatch.setattr(requests.Session, "send", send)
    graph = Graph(session(), "http://127.0.0.1:1", "v26.0", "EAA+token", in_query=in_query)
    with pytest.raises(Unavailable) as refused:
        graph.call(Call(method, "/1/feed", {"message": "é"}))
    (request,) = sent
    form, query = dict(parse_qsl(str(request.body or ""))), dict(parse_qsl(urlsplit(str(request.url)).query))
    assert (request.headers.get("Authorization") == "Bearer EAA+token") is not in_query
    where = form if method == "POST" else query
    assert where == {"message": "é", **({"access_token": "EAA+token"} if in_query else {})}
    assert (query == {}) == (method == "POST")
    assert "EAA" not in f"{refused.value}{refused.value.detail}{refused.value.hint}{graph!r}"


def test_secrets_are_taken_out_of_texts() -> None:
    text = "GET /v26.0/me?fields=id&appsecret_proof=abc123&access_token=EAAx for EAAx"
    assert redact(text, "EAAx") == "GET /v26.0/me?fields=id&appsecret_proof=…&access_token=… for …"


def test_metas_sdk_is_read_for_the_parameters_of_an_edge() -> None:
    assert {"message", "attached_media", "link"} <= known_params("page/feed")
    assert "source" in known_params("page/photos")
    assert "creation_id" in known_params("ig/media_publish")
    assert "mesage" not in known_params("page/feed")
