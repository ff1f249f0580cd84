"""What Meta's own SDK knows: the parameters, their types and the fields of every edge that we use.

The SDK (`facebook-business`) is asked, not copied. A few names are Meta's by its documentation only and are listed
here: the tokens' endpoints, `tasks`, `attachments`, multipart `source` (developers.facebook.com, read 2026-09-11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from facebook_business.adobjects.comment import Comment
from facebook_business.adobjects.contentpublishinglimitresponse import ContentPublishingLimitResponse
from facebook_business.adobjects.igcomment import IGComment
from facebook_business.adobjects.igmedia import IGMedia
from facebook_business.adobjects.igmediaforigonlyapi import IGMediaForIGOnlyAPI
from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.iguserforigonlyapi import IGUserForIGOnlyAPI
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from facebook_business.adobjects.photo import Photo
from facebook_business.adobjects.shadowigmediabuilder import ShadowIGMediaBuilder
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from tests.support.graph_basics import Params, top_names

Key = tuple[str, str, str, str]  # host, kind of node, method, edge

EVERYWHERE = {"access_token", "appsecret_proof", "fields", "summary", "locale"}
EVERYWHERE |= {"limit", "after", "before", "since", "until"}  # paging
REMOVED = {"ids", "pretty", "debug", "date_format"}  # since v26.0, for all versions since 2026-10-27

_FACEBOOK: Mapping[tuple[str, str, str], tuple[Any, str, Any]] = {
    ("user", "GET", ""): (User, "api_get", User),
    ("user", "GET", "accounts"): (User, "get_accounts", Page),
    ("page", "GET", ""): (Page, "api_get", Page),
    ("page", "POST", "feed"): (Page, "create_feed", PagePost),
    ("page", "POST", "photos"): (Page, "create_photo", Photo),
    ("page", "GET", "feed"): (Page, "get_feed", PagePost),
    ("page", "GET", "published_posts"): (Page, "get_published_posts", PagePost),
    ("page", "GET", "scheduled_posts"): (Page, "get_scheduled_posts", PagePost),
    ("post", "GET", ""): (PagePost, "api_get", PagePost),
    ("post", "POST", ""): (PagePost, "api_update", PagePost),
    ("post", "DELETE", ""): (PagePost, "api_delete", PagePost),
    ("post", "POST", "comments"): (PagePost, "create_comment", Comment),
    ("post", "GET", "comments"): (PagePost, "get_comments", Comment),
    ("photo", "GET", ""): (Photo, "api_get", Photo),
    ("photo", "DELETE", ""): (Photo, "api_delete", Photo),
    ("comment", "GET", ""): (Comment, "api_get", Comment),
    ("comment", "DELETE", ""): (Comment, "api_delete", Comment),
    ("account", "GET", ""): (IGUser, "api_get", IGUser),
    ("account", "POST", "media"): (IGUser, "create_media", ShadowIGMediaBuilder),
    ("account", "POST", "media_publish"): (IGUser, "create_media_publish", IGMedia),
    ("account", "GET", "media"): (IGUser, "get_media", IGMedia),
    ("account", "GET", "content_publishing_limit"): (
        IGUser,
        "get_content_publishing_limit",
        ContentPublishingLimitResponse,
    ),
    ("container", "GET", ""): (ShadowIGMediaBuilder, "api_get", ShadowIGMediaBuilder),
    ("media", "GET", ""): (IGMedia, "api_get", IGMedia),
    ("media", "POST", ""): (IGMedia, "api_update", IGMedia),
    ("media", "DELETE", ""): (IGMedia, "api_delete", IGMedia),
    ("media", "POST", "comments"): (IGMedia, "create_comment", IGComment),
    ("media", "GET", "comments"): (IGMedia, "get_comments", IGComment),
}

_ONLY: Mapping[Any, Any] = {IGUser: IGUserForIGOnlyAPI, IGMedia: IGMediaForIGOnlyAPI}  # graph.instagram.com
_NOT_THERE = {("media", "DELETE", "")}  # Facebook Login only

SDK: Mapping[Key, tuple[Any, str, Any]] = {
    **{("facebook", *key): value for key, value in _FACEBOOK.items()},
    **{
        ("instagram", *key): (_ONLY.get(node, node), name, _ONLY.get(answer, answer))
        for key, (node, name, answer) in _FACEBOOK.items()
        if key[0] in ("account", "container", "media") and key not in _NOT_THERE
    },
}

# Not in the SDK, or by another way than its own: by Meta's documentation.
BY_PAGES: Mapping[Key, Mapping[str, str]] = {
    ("facebook", "oauth", "GET", "access_token"): {
        **dict.fromkeys(("grant_type", "client_id", "client_secret", "fb_exchange_token"), "string"),
        "set_token_expires_in_60_days": "bool",
    },
    ("facebook", "debug_token", "GET", ""): {"input_token": "string"},
    ("instagram", "access_token", "GET", ""): {"grant_type": "string", "client_secret": "string"},
    ("instagram", "refresh_access_token", "GET", ""): {"grant_type": "string"},
    ("login", "oauth", "POST", "access_token"): dict.fromkeys(
        ("client_id", "client_secret", "grant_type", "redirect_uri", "code"), "string"
    ),
}
_MORE_PARAMS: Mapping[Key, Mapping[str, str]] = {("facebook", "page", "POST", "photos"): {"source": "file"}}
_MORE_FIELDS: Mapping[tuple[str, str], set[str]] = {
    ("user", "accounts"): {"tasks"},
    **{("page", edge): {"attachments"} for edge in ("feed", "published_posts", "scheduled_posts")},
    ("post", ""): {"attachments"},
}


@dataclass(frozen=True)
class Rules:
    """What may be sent to one edge."""

    types: Mapping[str, str]
    enums: Mapping[str, Collection[str]] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()


@cache
def rules(key: Key) -> Rules | None:
    """The rules of an edge; None when there is no such edge."""
    if key in BY_PAGES:
        return Rules(BY_PAGES[key])
    if key not in SDK:
        return None
    node, name, answer = SDK[key]
    nobody = FacebookAdsApi(FacebookSession())  # `pending`: the request is built and not sent
    checker = getattr(node("1", api=nobody), name)(pending=True)._param_checker
    fields = {value for name, value in vars(answer.Field).items() if not name.startswith("_")}
    more = _MORE_FIELDS.get((key[1], key[3]), set())
    return Rules(
        {**checker._type_check_info, **_MORE_PARAMS.get(key, {})}, checker._enum_data, frozenset(fields | more)
    )


def known_params(edge: str, method: str = "POST") -> frozenset[str]:
    """The parameters that may be sent to an edge of graph.facebook.com: "page/feed", "ig/media", "post/comments".

    Raises:
        LookupError: there is no such edge.
    """
    kind, _slash, name = edge.partition("/")
    known = rules(("facebook", "account" if kind == "ig" else kind, method, name))
    if known is None:
        raise LookupError(edge)
    return frozenset(known.types) | EVERYWHERE


def problems(key: Key, params: Params) -> list[str]:
    """What the SDK would not have sent: empty for a good request."""
    known = rules(key)
    if known is None:
        return [f"no such edge: {key}"]
    found = [f"removed in v26.0: {name}" for name in params if name in REMOVED]
    names = params.keys() - REMOVED - known.types.keys() - EVERYWHERE
    if key[0] == "instagram" and "appsecret_proof" in params:
        found.append("appsecret_proof is documented for graph.facebook.com only")
    found += [f"unknown parameter: {name}" for name in sorted(names)]
    for name, kind in known.types.items():
        if name in params and not fits(params[name], kind, known.enums):
            found.append(f"{name} is no {kind}")
    found += [f"Tried accessing nonexisting field ({name})" for name in _unknown_fields(known, params)]
    return found


def _unknown_fields(known: Rules, params: Params) -> list[str]:
    return [name for name in top_names(params.get("fields", "")) if known.fields and name not in known.fields]


def fits(text: str, kind: str, enums: Mapping[str, Collection[str]]) -> bool:
    """Whether a value on the wire is of a type as the SDK names it."""
    if kind in enums:
        return text in enums[kind]
    patterns = {"bool": "true|false", "unsigned int": r"\d+", "int": r"-?\d+", "float": r"-?\d+(\.\d+)?"}
    if kind in patterns:
        return re.fullmatch(patterns[kind], text) is not None
    if kind == "list<string>" and not text.startswith("["):
        return bool(text)  # Meta shows `children=1,2` too
    wanted = list if kind.startswith("list") else dict if kind in ("map", "Object") else None
    return wanted is None or isinstance(_parsed(text), wanted)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
