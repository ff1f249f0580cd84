"""A thin client of Meta's Graph API: one call, one answer, or one of our errors.

No retries here: a POST without an answer may have been carried out, and the Graph API has no idempotency key.
Version in the path, form encoding, ids as strings, the token in the Authorization header (or, if a setting says so, as
a parameter), and never in what is logged or said.
Meta, "Graph API overview" and "Secure requests" (developers.facebook.com/docs/graph-api, read 2026-09-11).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from veille.errors import NotAuthorised, OutcomeUnknown, PublishError, Unavailable
from veille.i18n import gettext as _
from veille.publishing import File
from veille_publishers import graph_errors
from veille_publishers.http import body_of, never_sent, redact

MOST_PAGES = 50  # of a list; a page or account never has that many posts since yesterday
PAGE_PARAMS = ("after", "until", "offset", "__paging_token")  # where a list goes on: Meta, "Paginated Results"
NO_PROOF_HOSTS = ("graph.instagram.com",)  # no page of Meta documents appsecret_proof there
SECRET_PARAMS = ("access_token", "client_secret", "fb_exchange_token", "input_token")  # of the calls about tokens


@dataclass(frozen=True)
class Call:
    """One request, without host, version and token.

    Args:
        path: below the version: "/1234/feed".
        params: strings, numbers, booleans, lists and mappings as Python values.
        file: the name of the rendition's file that travels as multipart `source`.
        publishing: after this call something may be public.
        answers: what the answer to a write must hold, or nobody knows whether it was carried out.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    publishing: bool = False
    answers: str = "id"

    def to_json(self, version: str) -> dict[str, Any]:
        """The request as a person may read it, and as it goes out but for the token."""
        shown = {"method": self.method, "path": f"/{version}{self.path}", "parameters": encode(self.params)}
        return {**shown, "file": self.file} if self.file else shown


def encode(params: Mapping[str, Any]) -> dict[str, str]:
    """Values as Meta's own SDK sends them: true/false, compact JSON for lists and mappings."""
    return {name: _encode(value) for name, value in params.items()}


def is_id(value: Any) -> bool:
    """Whether this may be an id of Meta's: it becomes part of a path."""
    number = isinstance(value, int) and not isinstance(value, bool)
    return number or (isinstance(value, str) and re.fullmatch(r"\w{1,200}", value, re.ASCII) is not None)


def web_address(value: Any) -> str:
    """An address of Meta's as people are shown it; "" for anything else: it comes into terminals and mails."""
    fine = isinstance(value, str) and value.isprintable() and re.fullmatch(r"https://\S{1,2000}", value)
    return str(value) if fine else ""


def _plain(text: str) -> str:
    """Words of Meta's on one line, without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _next_page(paging: Any) -> dict[str, str]:
    """What to ask for the next page; empty when there is none. Pages go by a cursor, on some lists by time.

    Raises:
        Unavailable: there is more, and nobody can say where.
    """
    if not paging or (isinstance(paging, dict) and not paging.get("next")):
        return {}
    following, cursors = (paging.get("next"), paging.get("cursors")) if isinstance(paging, dict) else ("", None)
    cursor = cursors.get("after") if isinstance(cursors, dict) else None
    if cursor and isinstance(cursor, str):
        return {"after": cursor}
    # This address holds the token: nothing of it is taken but what is named here.
    told: list[tuple[str, str]] = []
    with suppress(ValueError):
        told = parse_qsl(urlsplit(following).query) if isinstance(following, str) else []
    if after := {name: value for name, value in told if name in PAGE_PARAMS}:
        return after
    raise Unavailable(_("Meta's list does not end"), detail="paging")


def _encode(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def proof(app_secret: str, token: str) -> str:
    """`appsecret_proof`: HMAC-SHA-256 of the token under the app secret, hexadecimal (Meta, "Secure requests")."""
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Graph:
    """The Graph API for one access.

    Args:
        http: the HTTP session.
        url: "https://graph.facebook.com", or a fake's address.
        version: "v26.0"; "" for the few addresses that have none.
        token: the access; never shown.
        app_secret: signs each call when given; never shown.
        in_query: the token is a parameter of each call (in the form of a POST), as Meta's own SDK does; else a header.
        heard: told of the headers of every answer.
    """

    http: requests.Session = field(repr=False)
    url: str
    version: str
    token: str = field(repr=False)
    app_secret: str = field(default="", repr=False)
    in_query: bool = False
    heard: Callable[[Mapping[str, str]], None] = field(default=lambda _headers: None, repr=False, compare=False)

    def call(self, call: Call, content: File | None = None) -> dict[str, Any]:
        """Send one request.

        Args:
            content: the bytes of `call.file`.

        Returns:
            The JSON object that Meta answered, with an `id` as text when it was a POST.

        Raises:
            Unavailable: nothing public can have happened; later. `RateLimited` when Meta says so.
            OutcomeUnknown: a publishing call left and its outcome is not known.
            NotAuthorised: the access, a permission or the account needs a person.
            Rejected: Meta refuses this content.
        """
        try:
            answer = self._send(call, content)
            body = body_of(answer)
        except requests.RequestException as error:
            raise self._no_answer(call, error) from None
        finally:
            self.http.close()  # its idle connections: see _send
        self.heard(answer.headers)
        return self._read(call, answer, body)

    def pages(self, call: Call) -> Iterator[list[dict[str, Any]]]:
        """Read a list, page by page, newest first as Meta gives it.

        Raises:
            PublishError: as `call`; also when the list does not end.
        """
        after: dict[str, Any] = {}
        for _page in range(MOST_PAGES):
            body = self.call(Call(call.method, call.path, {**call.params, **after}))
            rows = body.get("data")
            if not isinstance(rows, list) or not all(isinstance(row, dict) and is_id(row.get("id")) for row in rows):
                raise Unavailable(_("Meta's answer is not a list"), detail="no data")
            yield rows
            after = _next_page(body.get("paging"))
            if not after:
                return
        raise Unavailable(_("Meta's list does not end"), detail=f"{MOST_PAGES} pages")

    def _send(self, call: Call, content: File | None) -> requests.Response:
        params = encode(call.params)
        # A connection kept from the last call may be dead: then nobody knows whether this one arrived.
        headers = {"Connection": "close"}
        if self.token and self.in_query:
            params["access_token"] = self.token
        elif self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.app_secret and urlsplit(self.url).hostname not in NO_PROOF_HOSTS:
            params["appsecret_proof"] = proof(self.app_secret, self.token)
        files = {"source": (content.name, content.content, content.media_type)} if content else None
        in_query = call.method != "POST"
        return self.http.request(
            call.method,
            "/".join(filter(None, (self.url.rstrip("/"), self.version, call.path.lstrip("/")))),
            params=params if in_query else None,
            data=None if in_query else params,
            files=files,
            headers=headers,
            allow_redirects=False,
            stream=True,
        )

    def _no_answer(self, call: Call, error: requests.RequestException) -> PublishError:
        kind = type(error).__name__  # never the text: it holds the address
        if never_sent(error):
            return Unavailable(
                _("Meta cannot be reached"),
                hint=_("check the network and api_url; it is tried again"),
                detail=kind,
                about_us=True,
            )
        if call.publishing:
            return OutcomeUnknown(
                _("the request left and no answer came"),
                hint=_("nothing to do: veille looks at the page before it tries again"),
                detail=kind,
            )
        return Unavailable(_("Meta gave no answer"), detail=kind, about_us=True)

    def _read(self, call: Call, answer: requests.Response, body: bytes) -> dict[str, Any]:
        try:
            values = json.loads(body)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise self._unclear(call, f"HTTP {answer.status_code}, not JSON")
        if isinstance(values.get("error"), dict):
            raise self._refused(call, values["error"], answer)
        if answer.status_code != 200:
            raise self._unclear(call, f"HTTP {answer.status_code}")
        if call.method != "GET" and not values.get(call.answers):
            raise self._unclear(call, f"HTTP 200 without {call.answers}")
        if not values.get("id"):
            return values
        if not is_id(values["id"]):
            raise self._unclear(call, "HTTP 200, and its id is none")
        return {**values, "id": str(values["id"])}

    def _unclear(self, call: Call, detail: str) -> PublishError:
        if call.publishing:
            return OutcomeUnknown(
                _("Meta's answer does not say whether it was published"),
                hint=_("nothing to do: veille looks at the page before it tries again"),
                detail=detail,
            )
        return Unavailable(_("Meta gave no usable answer"), detail=detail, about_us=True)

    def _refused(self, call: Call, error: Mapping[str, Any], answer: requests.Response) -> PublishError:
        rule = graph_errors.rule_for(error, answer.status_code)
        secrets = [str(call.params.get(name, "")) for name in SECRET_PARAMS]
        app = self.token.split("|")  # an app's token is its id and its secret
        secrets += [proof(self.app_secret, self.token)] if self.app_secret else []
        said = redact(str(error.get("message", "")), self.token, *app, self.app_secret, *secrets)
        codes = f"code {str(error.get('code'))[:20]}, subcode {str(error.get('error_subcode'))[:20]}"
        return graph_errors.refused(
            rule,
            publishing=call.publishing,
            detail=_plain(f"{codes}: {said[:200]} (trace {str(error.get('fbtrace_id', '-'))[:40]})"),
            wait=graph_errors.wait_from(answer.headers.get("X-Business-Use-Case-Usage")),
        )


def access(channel: str, settings: Any, http: Callable[[], requests.Session]) -> Graph:
    """The Graph API as the settings of `facebook` or `instagram` say.

    Raises:
        NotAuthorised: there is no access yet.
    """
    return _with_token(channel, "access_token", settings, http)


def second_access(channel: str, settings: Any, http: Callable[[], requests.Session]) -> Graph | None:
    """The same with the token of the person behind the page, for reads that Meta refuses to the page; None: not kept.

    Since 2026-05 page tokens get 100/33 where user tokens see an object, and nobody at Meta says which is right.
    """
    return _with_token(channel, "user_token", settings, http) if settings.user_token else None


def _with_token(channel: str, key: str, settings: Any, http: Callable[[], requests.Session]) -> Graph:
    secret = getattr(settings, key)
    token = secret.get_secret_value() if secret else ""
    if not re.fullmatch(r"[!-~]+", token):  # anything else could not travel in a header
        words = _("{setting} is not an access token") if token else _("{setting} is missing")
        raise NotAuthorised(
            words.format(setting=f"{channel}.{key}"),
            hint=_("connect it with `veille connect {channel}`, or set {name} (or {name}_FILE)").format(
                channel=channel, name=f"VEILLE_{channel}__{key}".upper()
            ),
        )
    signs = settings.app_secret and getattr(settings, "login", "facebook") == "facebook"
    app_secret = settings.app_secret.get_secret_value() if signs else ""
    return Graph(http(), settings.api_url, settings.api_version, token, app_secret, settings.in_query)
