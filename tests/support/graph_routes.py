"""From a request to the room of the fake that answers it: whose node, which edge, what the token may do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.support.graph_basics import Answer, Params, select, unsupported
from tests.support.graph_faults import Refused
from tests.support.graph_instagram import Instagram
from tests.support.graph_spec import Key, problems, rules
from tests.support.graph_tokens import Token
from tests.support.graph_wire import Seen
from tests.support.graph_world import World

Handler = Callable[["Call"], Answer | list[Answer]]


@dataclass(frozen=True)
class Call:
    """A request whose node is found and whose token may."""

    key: Key
    node: str
    params: Params
    files: dict[str, bytes]
    token: Token
    text: str  # of the token
    late: str = ""  # a field that does not exist: noticed when the new object is read

    @property
    def fields(self) -> str:
        """What is to be read."""
        return self.params.get("fields", "id")


class Routes:
    """The edges of both hosts. Keeps what the SDK would not have sent, for the test to see."""

    def __init__(self, world: World, instagram: Instagram) -> None:
        self._world = world
        self._instagram = instagram
        self.misuses: list[str] = []

    def answer(self, seen: Seen, url: str) -> Answer:
        """Carry out a request.

        Args:
            url: of the host, for `next` links.

        Raises:
            Refused: as Meta refuses it.
        """
        self._world.facebook.settle_time()
        if seen.etag:
            self._misuse([f"{seen.path}: removed in v26.0: If-None-Match"])
        if (seen.host, seen.method, seen.path) in _ABOUT_TOKENS:
            return self._about_tokens(_ABOUT_TOKENS[seen.host, seen.method, seen.path], seen)
        version, node, edge = self._parts(seen)
        about = ("facebook", node, seen.method, edge)
        if seen.host == "facebook" and node in ("oauth", "debug_token") and rules(about):
            return self._about_tokens(about, seen)
        call = self._allowed(seen, node, edge)
        made = HANDLERS[call.key[1:]](self, call)
        if call.late:  # what was written stays
            raise Refused(100, None, f"(#100) {call.late}")
        return self._listed(seen, f"{url}/{version}/{node}/{edge}", made) if isinstance(made, list) else made

    def _parts(self, seen: Seen) -> tuple[str, str, str]:
        parts = [part for part in seen.path.split("/") if part]
        if not parts or not re.fullmatch(r"v\d+\.\d+", parts[0]):
            raise Refused(2500, None, "Unversioned call")
        if "ids" in seen.params:
            self._misuse([f"{seen.path}: removed in v26.0: ids"])
        if seen.host == "login" or not 2 <= len(parts) <= 3:
            raise Refused(2500, None, "Unknown path components")
        return parts[0], parts[1], parts[2] if len(parts) == 3 else ""

    def _allowed(self, seen: Seen, node: str, edge: str) -> Call:
        text = "" if self._header_is_ignored(seen) else seen.token
        token = self._world.tokens.valid(text, seen.proof, seen.host)
        node, kind, target = self._find(node, seen.host, token)
        key = (seen.host, kind, seen.method, edge)
        if kind and rules(key) is None:
            self.misuses.append(f"{seen.method} {seen.path}: no such edge of {kind} on this host")
            raise Refused(2500, None, f"Unknown path components: /{edge}") if edge else unsupported(seen.method, node)
        if not kind:
            raise unsupported(seen.method, node)
        self._world.tokens.allow(token, key, target, node)
        if self._is_outage(key, token):
            raise unsupported(seen.method, node)
        late = self._check(key, seen)
        return Call(key, node, seen.params, seen.files, token, seen.token, late)

    def _header_is_ignored(self, seen: Seen) -> bool:
        return seen.host == "instagram" and seen.token_in == "header" and not self._world.instagram_takes_header

    def _is_outage(self, key: Key, token: Token) -> bool:
        hidden = key[1] in ("container", "media") and key[2] == "GET"
        return hidden and token.kind == "page" and not self._world.page_tokens_read_instagram

    def _find(self, node: str, host: str, token: Token) -> tuple[str, str, str]:
        """The node's id, its kind and the page, account or person that it belongs to; no kind: it is not there."""
        world, pages, instagram = self._world, self._world.facebook, self._instagram
        if node == "me":
            node = min(token.targets) if token.kind in ("page", "ig", "ig-short") else token.user
        if node in instagram.accounts:
            return node, "account", node
        if found := instagram.containers.get(node):
            return node, "container", found.account
        if media := instagram.media.get(node):
            return node, "media", media.account
        if host == "instagram":
            return node, "", ""
        if node in world.pages:
            return node, "page", node
        if node in world.persons and node == token.user:
            return node, "user", node
        if post := pages.posts.get(node):
            return node, "post", post.page
        if photo := pages.photos.get(node):
            return node, "photo", photo.page
        if comment := pages.comments.get(node):
            return node, "comment", pages.posts[comment.on].page
        return node, "", ""

    def _check(self, key: Key, seen: Seen) -> str:
        """Refuse what the SDK would not send; returns what is noticed only after a write."""
        params = seen.params | ({"appsecret_proof": ""} if seen.proof else {}) | dict.fromkeys(seen.files, "")
        found = problems(key, params)
        late = [one for one in found if "nonexisting" in one] if seen.method == "POST" else []
        self.misuses += [f"{seen.method} {seen.path}: {one}" for one in late]
        self._misuse([f"{seen.method} {seen.path}: {one}" for one in found if one not in late])
        return late[0] if late else ""

    def _misuse(self, found: list[str]) -> None:
        self.misuses += found
        if found and (self._world.strict or any("removed" in one or "nonexisting" in one for one in found)):
            raise Refused(100, None, f"(#100) {found[0].partition(': ')[2]}")

    def _about_tokens(self, key: Key, seen: Seen) -> Answer:
        """The calls that make and examine tokens; the app's own secret is in them."""
        self._check(key, seen)
        tokens = self._world.tokens
        match key[1]:
            case "debug_token":
                return tokens.debug(seen.params, seen.token)
            case "oauth" if key[0] == "login":
                return tokens.login(seen.params)
            case "oauth":
                return tokens.exchange(seen.params)
        token = tokens.valid("" if self._header_is_ignored(seen) else seen.token, "", "instagram")
        act = tokens.lengthen if key[1] == "access_token" else tokens.refresh
        return act(seen.params, token)

    def _listed(self, seen: Seen, url: str, rows: list[Answer]) -> Answer:
        """One page of a list; `next` holds the token, as Meta's does."""
        limit = int(seen.params.get("limit", 25))
        if not 1 <= limit <= 100:
            raise Refused(100, None, "(#100) limit must be 1 to 100")
        place = re.fullmatch(r"QVFI(\d+)", seen.params.get("after", "QVFI0"))
        if not place:
            raise Refused(100, None, "(#100) Invalid cursor")
        start = int(place[1])
        end = start if self._world.empty_pages and "after" not in seen.params else start + limit
        paging: dict[str, Any] = {"cursors": {"before": f"QVFI{start}", "after": f"QVFI{end}"}}
        if end < len(rows):
            paging["next"] = f"{url}?access_token={quote(seen.token)}&after=QVFI{end}"
        return {"data": rows[start:end], "paging": paging}

    # --- the rooms ----------------------------------------------------------------------------------------

    def page(self, call: Call) -> Answer:
        """GET /{page}: also its token, for a person or system user who may have it."""
        info = self._world.pages[call.node]
        token = call.text if call.token.kind == "page" else self._world.tokens.page_token(call.text, call.node)
        account = {"id": info.instagram} if info.instagram else None
        values = {"id": call.node, "name": info.name, "access_token": token, "instagram_business_account": account}
        return select(values, call.fields)

    def accounts(self, call: Call) -> list[Answer]:
        """GET /{user}/accounts: the pages that the token was given for, each with its token and tasks."""
        world, rows = self._world, []
        for page in sorted(call.token.targets & world.pages.keys()):
            info = world.pages[page]
            values: dict[str, Any] = {"id": page, "name": info.name, "category": "Non-profit organisation"}
            values |= {"access_token": world.tokens.page_token(call.text, page), "tasks": list(call.token.tasks)}
            values["instagram_business_account"] = {"id": info.instagram} if info.instagram else None
            rows.append(select(values, call.params.get("fields", "access_token,category,name,id,tasks")))
        return rows

    def add_photo(self, call: Call) -> Answer:
        """POST /{page}/photos."""
        self._as_itself(call)
        return self._world.facebook.add_photo(call.node, call.params, call.files)

    def add_post(self, call: Call) -> Answer:
        """POST /{page}/feed."""
        self._as_itself(call)
        return self._world.facebook.add_post(call.node, call.params)

    def _as_itself(self, call: Call) -> None:
        if call.token.kind != "page" and call.params.get("published") == "false":
            raise Refused(200, None, "(#200) Unpublished posts must be posted to a page as the page itself")

    def posts(self, call: Call) -> list[Answer]:
        """The three lists of a page."""
        return self._world.facebook.list_posts(call.node, call.key[3], call.fields)

    def post(self, call: Call) -> Answer:
        """One post: read, changed, deleted, commented on."""
        pages, post = self._world.facebook, self._world.facebook.posts[call.node]
        match call.key[2:]:
            case "GET", "":
                return pages.view_post(post, call.fields)
            case "POST", "":
                return pages.update_post(post, call.params)
            case "DELETE", "":
                return pages.delete_post(post)
        return pages.add_comment(post, call.params, min(call.token.targets))

    def comments(self, call: Call) -> list[Answer]:
        """GET /{post}/comments."""
        pages = self._world.facebook
        return pages.list_comments(pages.posts[call.node], call.fields)

    def small(self, call: Call) -> Answer:
        """A photo or a comment: read or deleted."""
        pages, reads = self._world.facebook, call.key[2] == "GET"
        if call.key[1] == "photo":
            photo = pages.photos[call.node]
            return pages.view_photo(photo, call.fields) if reads else pages.delete_photo(photo)
        comment = pages.comments[call.node]
        return pages.view_comment(comment, call.fields) if reads else pages.delete_comment(comment)

    def user(self, call: Call) -> Answer:
        """GET /me of a person."""
        return select({"id": call.node, "name": self._world.persons[call.node]}, call.params.get("fields", "id,name"))

    def media(self, call: Call) -> Answer:
        """One post on Instagram: read, changed, deleted, commented on."""
        instagram, media = self._instagram, self._instagram.media[call.node]
        match call.key[2:]:
            case "GET", "":
                return instagram.view(media, call.fields, call.key[0])
            case "POST", "":
                return instagram.update(media, call.params)
            case "DELETE", "":
                return instagram.delete(media)
        return instagram.add_comment(media, call.params)

    def container(self, call: Call) -> Answer:
        """GET /{container}."""
        return self._instagram.look(self._instagram.containers[call.node], call.fields)

    def account(self, call: Call) -> Answer | list[Answer]:
        """An Instagram account and its edges."""
        instagram = self._instagram
        match call.key[2:]:
            case "POST", "media":
                return instagram.add_container(call.node, call.params)
            case "POST", "media_publish":
                return instagram.publish(call.node, call.params)
            case "GET", "media":
                return instagram.listed(call.node, call.params, call.key[0])
            case "GET", "content_publishing_limit":
                return instagram.limit(call.node, call.params)
        return instagram.view_account(call.node, call.fields, call.key[0])

    def media_comments(self, call: Call) -> list[Answer]:
        """GET /{media}/comments."""
        return self._instagram.list_comments(self._instagram.media[call.node], call.fields)


_ABOUT_TOKENS: Mapping[tuple[str, str, str], Key] = {
    ("instagram", "GET", "/access_token"): ("instagram", "access_token", "GET", ""),
    ("instagram", "GET", "/refresh_access_token"): ("instagram", "refresh_access_token", "GET", ""),
    ("login", "POST", "/oauth/access_token"): ("login", "oauth", "POST", "access_token"),
}
_LISTS = ("feed", "published_posts", "scheduled_posts")
HANDLERS: Mapping[tuple[str, str, str], Any] = {
    ("user", "GET", ""): Routes.user,
    ("user", "GET", "accounts"): Routes.accounts,
    ("page", "GET", ""): Routes.page,
    ("page", "POST", "feed"): Routes.add_post,
    ("page", "POST", "photos"): Routes.add_photo,
    **{("page", "GET", edge): Routes.posts for edge in _LISTS},
    **{("post", method, ""): Routes.post for method in ("GET", "POST", "DELETE")},
    ("post", "POST", "comments"): Routes.post,
    ("post", "GET", "comments"): Routes.comments,
    **{(kind, method, ""): Routes.small for kind in ("photo", "comment") for method in ("GET", "DELETE")},
    **{("account", "GET", edge): Routes.account for edge in ("", "media", "content_publishing_limit")},
    **{("account", "POST", edge): Routes.account for edge in ("media", "media_publish")},
    ("container", "GET", ""): Routes.container,
    **{("media", method, ""): Routes.media for method in ("GET", "POST", "DELETE")},
    ("media", "POST", "comments"): Routes.media,
    ("media", "GET", "comments"): Routes.media_comments,
}
