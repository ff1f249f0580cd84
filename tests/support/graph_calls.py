"""Plain HTTP calls to the fake Graph API, for tests of the fake itself: neither our client nor Meta's SDK."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.support.graph_desk import picture
from tests.support.graph_fake import GraphFake

HTTP = requests.Session()
HTTP.trust_env = False


def call(fake: GraphFake, method: str, path: str, token: str = "", host: str = "", **params: Any) -> dict[str, Any]:
    """One call below the version, with the page's token or the account's unless another is given."""
    token = token or (fake.ig_token if path.startswith(fake.ig_user_id) else fake.page_token)
    return bare(method, f"{host or fake.url}/v26.0/{path}", token, **params)


def bare(method: str, url: str, token: str = "", **params: Any) -> dict[str, Any]:
    """One call to an address; the token in the header."""
    place = {"data": params} if method == "POST" else {"params": params}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = HTTP.request(method, url, headers=headers, timeout=5, **place)  # type: ignore[arg-type]
    values = answer.json()
    assert ("error" in values or "error_message" in values) is (answer.status_code != 200)
    return dict(values)


def code(answer: dict[str, Any]) -> tuple[int, int | None]:
    """Code and subcode of a refusal."""
    return answer["error"]["code"], answer["error"].get("error_subcode")


def publish(fake: GraphFake, message: str, **params: Any) -> str:
    """A post on the page, now or as the parameters say; its id."""
    return str(call(fake, "POST", f"{fake.page_id}/feed", message=message, **params)["id"])


def schedule(fake: GraphFake, message: str, minutes: float = 60, **params: Any) -> str:
    """A post that Facebook is to publish by itself; its id."""
    at = unix(fake, minutes)
    more = {"published": "false", "scheduled_publish_time": at, "unpublished_content_type": "SCHEDULED"}
    return publish(fake, message, **more | params)


def unix(fake: GraphFake, minutes: float) -> int:
    """A time from now on, by the fake's clock, in unix seconds."""
    return int(fake.world.clock().timestamp() + minutes * 60)


def photo(fake: GraphFake, **params: str) -> str:
    """An unpublished photo; its id."""
    files = {"source": ("a.jpg", picture().content, "image/jpeg")}
    headers = {"Authorization": f"Bearer {fake.page_token}"}
    url = f"{fake.url}/v26.0/{fake.page_id}/photos"
    answer = HTTP.post(url, headers=headers, data={"published": "false", **params}, files=files, timeout=5).json()
    return str(answer["id"])


def attached(*ids: str) -> str:
    """`attached_media` as Meta's SDK writes it."""
    return json.dumps([{"media_fbid": one} for one in ids], separators=(",", ":"))


def container(fake: GraphFake, url: str, token: str = "", host: str = "", **params: Any) -> str:
    """A container of an Instagram post; its id."""
    return str(call(fake, "POST", f"{fake.ig_user_id}/media", token, host, image_url=url, **params)["id"])
