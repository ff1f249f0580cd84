"""The tokens of the fake Graph API: kinds, lives, scopes, what each may do, and the calls that make new ones.

Rules: "Access tokens", "Long-lived tokens", "Debugging tokens", Instagram "access_token" and "refresh_access_token"
(developers.facebook.com, read 2026-09-11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.support.graph_basics import DAY, Answer, Params, proof_of, unsupported
from tests.support.graph_faults import Refused

if TYPE_CHECKING:
    from tests.support.graph_world import World

TASKS = ("ANALYZE", "ADVERTISE", "MODERATE", "CREATE_CONTENT", "MANAGE")
PAGE_SCOPES = frozenset(
    f"pages_{name}" for name in ("show_list", "read_engagement", "manage_posts", "manage_engagement")
)
IG_SCOPES = frozenset(
    f"instagram_{name}" for name in ("basic", "content_publish", "manage_comments", "manage_contents")
)
IG_LOGIN_SCOPES = frozenset(f"instagram_business_{name}" for name in ("basic", "content_publish", "manage_comments"))
PERSONS = ("user-short", "user", "system")
LIVES: Mapping[str, timedelta | None] = {
    "user-short": timedelta(hours=1),
    "user": timedelta(days=60),
    "page": None,
    "system": None,
    "ig-short": timedelta(hours=1),
    "ig": timedelta(days=60),
}
SHOWN_TYPES = {"user-short": "USER", "user": "USER", "page": "PAGE", "system": "SYSTEM_USER"}
WORDS = {
    458: "The user has not authorized application",
    459: "The user is checkpointed and must log in at www.facebook.com",
    460: "The session has been invalidated because the user changed the password",
    463: "Session has expired",
    464: "The user is not a confirmed user",
    467: "The session is invalid because the user logged out",
    492: "The user does not have a role on the page any more",
}

# kind of node, method, edge -> code and scope; the rest needs none
NEEDS: Mapping[tuple[str, str, str], tuple[int, str]] = {
    ("user", "GET", "accounts"): (200, "pages_show_list"),
    ("page", "POST", "feed"): (200, "pages_manage_posts"),
    ("page", "POST", "photos"): (200, "pages_manage_posts"),
    ("page", "GET", "feed"): (10, "pages_read_engagement"),
    ("page", "GET", "published_posts"): (10, "pages_read_engagement"),
    ("page", "GET", "scheduled_posts"): (10, "pages_read_engagement"),
    ("post", "GET", ""): (10, "pages_read_engagement"),
    ("post", "GET", "comments"): (10, "pages_read_engagement"),
    ("post", "POST", ""): (200, "pages_manage_posts"),
    ("post", "DELETE", ""): (200, "pages_manage_posts"),
    ("post", "POST", "comments"): (200, "pages_manage_engagement"),
    ("photo", "DELETE", ""): (200, "pages_manage_posts"),
    ("comment", "DELETE", ""): (200, "pages_manage_engagement"),
    ("account", "GET", ""): (10, "instagram_basic"),
    ("account", "GET", "media"): (10, "instagram_basic"),
    ("account", "GET", "content_publishing_limit"): (10, "instagram_content_publish"),
    ("account", "POST", "media"): (10, "instagram_content_publish"),
    ("account", "POST", "media_publish"): (10, "instagram_content_publish"),
    ("container", "GET", ""): (10, "instagram_basic"),
    ("media", "GET", ""): (10, "instagram_basic"),
    ("media", "DELETE", ""): (10, "instagram_manage_contents"),
    ("media", "POST", "comments"): (10, "instagram_manage_comments"),
    ("media", "GET", "comments"): (10, "instagram_manage_comments"),
}


@dataclass
class Token:
    """An access token of a person, a system user, a page or an Instagram account.

    Args:
        kind: one of `LIVES`.
        targets: the pages and accounts that it was given for.
        subcode: why it ended; None while it is valid.
        issued: None: long ago.
        expires: None: it has no end date.
        granular: scope -> the targets that it was granted for, when these are fewer.
        parent: the token that it was made from; it ends with it.
    """

    kind: str
    targets: set[str]
    subcode: int | None = None
    user: str = ""
    scopes: frozenset[str] = PAGE_SCOPES | IG_SCOPES | IG_LOGIN_SCOPES
    issued: datetime | None = None
    expires: datetime | None = None
    data_access_expires: datetime | None = None
    tasks: tuple[str, ...] = TASKS
    granular: dict[str, set[str]] = field(default_factory=dict)
    parent: str = ""

    def grants(self, scope: str, target: str) -> bool:
        """Whether a scope was granted for a page or account."""
        return scope in self.scopes and (scope not in self.granular or target in self.granular[scope])


class Tokens(dict[str, Token]):
    """Every token by its text, and the calls about them."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._made = 0
        self.codes: dict[str, str] = {}  # log-in codes of Instagram -> account
        self.login_shape = "flat"  # or "data": Meta's pages show two shapes of one answer

    def mint(self, kind: str, targets: set[str], text: str = "", **more: Any) -> str:
        """Make a token of a kind, with the life of its kind; returns its text."""
        self._made += 1
        made = text or f"{'IG' if kind.startswith('ig') else 'EA'}AfakeFor{kind.title().replace('-', '')}{self._made}"
        now, life = self._world.clock(), LIVES[kind]
        made_of: dict[str, Any] = {"issued": now, "expires": now + life if life else None, **more}
        if kind in PERSONS[:2]:
            made_of.setdefault("data_access_expires", now + timedelta(days=90))
        self[made] = Token(kind, targets, **made_of)
        return made

    def page_token(self, parent: str, page: str) -> str:
        """The page's token out of a person's; a short one dies with its parent, which has the same end."""
        text = "EAAfakePage" + hashlib.sha256(f"{parent}{page}".encode()).hexdigest()[:20]
        if text not in self:
            of = self[parent]
            end = of.expires if of.kind == "user-short" else None
            more = {"scopes": of.scopes, "granular": of.granular, "tasks": of.tasks, "user": of.user}
            self.mint("page", {page}, text, expires=end, parent=parent, **more)
        return text

    def ended(self, text: str) -> int | None:
        """The subcode of its end, by hand, by time or with its parent; None: it is valid."""
        token = self[text]
        if token.subcode is not None:
            return token.subcode
        if token.expires and token.expires <= self._world.clock():
            return 463
        parent = self.get(token.parent)
        return parent.subcode if parent else None

    # --- may it? ------------------------------------------------------------------------------------------

    def valid(self, text: str, proof: str, host: str) -> Token:
        """The token of a call; the message repeats a malformed token, as Meta's does.

        Raises:
            Refused: none, unknown, of the other host, ended, or signed wrongly.
        """
        if not text:
            raise Refused(2500, None, "An active access token must be used to query information")
        found = self.get(text)
        if found is None or found.kind.startswith("ig") != (host == "instagram"):
            raise Refused(190, None, f"Malformed access token {text}", status=401)
        if (subcode := self.ended(text)) is not None:
            why = WORDS.get(subcode, "")
            raise Refused(190, subcode, f"Error validating access token {text}: {why}", status=401)
        self._signed(text, proof, host)
        return found

    def _signed(self, text: str, proof: str, host: str) -> None:
        secret = self._world.app_secret
        if secret and host == "facebook" and proof != proof_of(secret, text):
            words = "Invalid appsecret_proof provided in the API argument"
            raise Refused(self._world.proof_code, None, words, type="GraphMethodException")

    def allow(self, token: Token, key: tuple[str, str, str, str], target: str, node: str) -> None:
        """Refuse a call for which this token has no right.

        Args:
            target: the page or account that the node belongs to.
        """
        host, kind, method, edge = key
        if kind != "user" and not self._reaches(token, target):
            if kind in ("page", "account"):
                raise Refused(200, None, "(#200) The user hasn't authorized the application to perform this action")
            raise unsupported(method, node)
        code, scope = NEEDS.get((kind, method, edge), (0, ""))
        if host == "instagram":
            scope = scope.replace("instagram_", "instagram_business_")
        if scope and not token.grants(scope, target):
            raise Refused(code, None, f"(#{code}) Requires the permission {scope}", status=403)
        if kind in ("page", "post", "photo", "comment"):
            self._as_page(token, kind, method, edge)

    def _reaches(self, token: Token, target: str) -> bool:
        pages = self._world.pages
        linked = {pages[page].instagram for page in token.targets if page in pages}
        return target in token.targets or (token.kind == "page" and target in linked)

    def _as_page(self, token: Token, kind: str, method: str, edge: str) -> None:
        """Page tokens only; a system user may publish (not prepare) in its own name, as third parties report."""
        if token.kind != "page":
            if (kind, method, edge) == ("page", "GET", ""):
                return
            if method == "GET":
                raise Refused(210, None, "(#210) A page access token is required to request this resource")
            if method == "DELETE":
                raise Refused(200, None, "(#200) Page token is required to delete posts on page")
            if token.kind != "system" or kind != "page":
                raise Refused(200, None, "(#200) This needs the token of the page")
        wanted = "MODERATE" if (kind, edge) in (("post", "comments"), ("comment", "")) else "CREATE_CONTENT"
        if method != "GET" and wanted not in token.tasks:
            raise Refused(200, None, f"(#200) The user does not have the task {wanted} on the page", status=403)

    # --- new ones -----------------------------------------------------------------------------------------

    def exchange(self, params: Params) -> Answer:
        """GET /oauth/access_token?grant_type=fb_exchange_token: a long one for a short one, or 60 more days."""
        if params.get("grant_type") != "fb_exchange_token":
            raise Refused(100, None, "(#100) Unsupported grant_type")
        if params.get("client_id") != self._world.app_id:
            raise Refused(101, None, "Error validating application. Cannot get application info")
        self._client(params)
        old = params.get("fb_exchange_token", "")
        given = self.get(old)
        if given is None or given.kind not in PERSONS:
            raise Refused(190, None, "Invalid OAuth access token - Cannot parse access token")
        if (subcode := self.ended(old)) is not None:
            raise Refused(190, subcode, "Error validating access token: " + WORDS.get(subcode, ""))
        kind = "system" if given.kind == "system" else "user"
        life = timedelta(days=60) if kind == "user" or "set_token_expires_in_60_days" in params else None
        end = self._world.clock() + life if life else None
        text = self.mint(kind, set(given.targets), expires=end, **self._same(given))
        return {"access_token": text, "token_type": "bearer"} | ({"expires_in": int(life / _SECOND)} if life else {})

    def debug(self, params: Params, asking: str) -> Answer:
        """GET /debug_token, asked with `app-id|app-secret`; a bad token is no error but an answer."""
        if asking != f"{self._world.app_id}|{self._world.secret}":
            raise Refused(190, None, "Invalid OAuth access token signature.")
        text = params.get("input_token", "")
        token = self.get(text)
        if token is None or token.kind.startswith("ig"):
            return {"data": {"error": _inner(190, None, "Malformed access token"), "is_valid": False, "scopes": []}}
        subcode = self.ended(text)
        data: Answer = {"app_id": self._world.app_id, "application": "veille", "type": SHOWN_TYPES[token.kind]}
        data |= {"is_valid": subcode is None, "scopes": sorted(token.scopes - IG_LOGIN_SCOPES)}
        data |= {"expires_at": _unix(token.expires), "data_access_expires_at": _unix(token.data_access_expires)}
        data |= {"granular_scopes": self._granular(token), "user_id": token.user}
        if token.issued:
            data["issued_at"] = _unix(token.issued)
        if token.kind == "page":
            data["profile_id"] = min(token.targets)
        if subcode is not None:
            data["error"] = _inner(190, subcode, "Error validating access token: " + WORDS.get(subcode, ""))
        return {"data": data}

    def _granular(self, token: Token) -> list[Answer]:
        pages = self._world.pages
        accounts = token.targets - pages.keys() | {
            pages[p].instagram for p in token.targets if p in pages and pages[p].instagram
        }
        rows = []
        for scope in sorted(token.scopes - IG_LOGIN_SCOPES):
            reached = token.targets & pages.keys() if scope.startswith("pages_") else accounts
            rows.append({"scope": scope, "target_ids": sorted(token.granular.get(scope, reached))})
        return rows

    def login(self, params: Params) -> Answer:
        """POST api.instagram.com/oauth/access_token: the code of a log-in for a token of one hour."""
        good = params.get("grant_type") == "authorization_code" and params.get("client_secret") == self._world.secret
        account = self.codes.pop(params.get("code", "").removesuffix("#_"), "") if good else ""
        if not account or not params.get("redirect_uri") or params.get("client_id") != self._world.app_id:
            raise LoginRefused("Matching code was not found or was already used")
        text = self.mint("ig-short", {account}, scopes=IG_LOGIN_SCOPES, user=account)
        answer: Answer = {"access_token": text, "user_id": account, "permissions": sorted(IG_LOGIN_SCOPES)}
        if self.login_shape == "flat":
            return answer
        return {"data": [answer | {"permissions": ",".join(sorted(IG_LOGIN_SCOPES))}]}

    def lengthen(self, params: Params, token: Token) -> Answer:
        """GET graph.instagram.com/access_token?grant_type=ig_exchange_token."""
        self._client(params)
        if params.get("grant_type") != "ig_exchange_token" or token.kind != "ig-short":
            raise Refused(452, None, "Session key invalid. This could be because the session is not short-lived")
        return self._sixty_days(token)

    def refresh(self, params: Params, token: Token) -> Answer:
        """GET graph.instagram.com/refresh_access_token: at least 24 h old, not over, `instagram_business_basic`."""
        young = token.issued is not None and self._world.clock() - token.issued < DAY
        if params.get("grant_type") != "ig_refresh_token" or token.kind != "ig" or young:
            raise Refused(100, None, "(#100) The token must be long-lived and at least 24 hours old")
        if "instagram_business_basic" not in token.scopes:
            raise Refused(10, None, "(#10) Requires the permission instagram_business_basic", status=403)
        return self._sixty_days(token)

    def _sixty_days(self, token: Token) -> Answer:
        text = self.mint("ig", set(token.targets), **self._same(token))
        return {"access_token": text, "token_type": "bearer", "expires_in": 60 * 86400}

    def _same(self, token: Token) -> dict[str, Any]:
        return {"user": token.user, "scopes": token.scopes, "granular": token.granular, "tasks": token.tasks}

    def _client(self, params: Params) -> None:
        if params.get("client_secret") != self._world.secret:
            raise Refused(1, None, "Error validating client secret.")


class LoginRefused(Refused):
    """api.instagram.com has a shape of its own for errors."""

    def __init__(self, message: str) -> None:
        super().__init__(400, None, message)
        self.body = {"error_type": "OAuthException", "code": 400, "error_message": message}


_SECOND = timedelta(seconds=1)


def _unix(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0


def _inner(code: int, subcode: int | None, message: str) -> Answer:
    error: Answer = {"code": code, "message": message}
    return error | ({} if subcode is None else {"subcode": subcode})
