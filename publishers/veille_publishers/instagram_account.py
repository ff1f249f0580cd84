"""Reading an Instagram account: containers, posts, the day's number of posts; with either token.

Since 2026-05 a page's token gets 100/33 ("does not exist, or no permission") where the token of the person behind it
sees the object, and Meta's pages say the one and the other. So 100/33 and 10 prove nothing before both were tried, and
never that something was not published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from veille.errors import NotAuthorised, PublishError, Rejected, Unavailable
from veille_publishers import graph_errors, social
from veille_publishers.graph import Call, Graph, web_address
from veille_publishers.graph_table import Reaction
from veille_publishers.instagram_calls import comments_call, permalink_call, posts_call, quota_call, status_call

DAY = timedelta(hours=24)
ABSENT = "ABSENT"  # ours: Instagram knows this container no more
HIDDEN = "HIDDEN"  # ours: Instagram does not show it to us, which proves nothing
USELESS = ("ERROR", "EXPIRED", ABSENT)  # what a container says that will never be published

T = TypeVar("T")


@dataclass(frozen=True)
class Status:
    """How far a container is: Meta's code, or one of ours; Meta's words, and its refusal when it showed nothing."""

    code: str
    words: str = ""
    refusal: PublishError | None = None


@dataclass(frozen=True)
class Post:
    """A post of the account; `words` is None when the account does not show them to us."""

    id: str
    url: str
    at: datetime
    form: str
    words: str | None


@dataclass(frozen=True)
class Account:
    """An Instagram account as its readers may see it.

    Args:
        graph: with the token that publishes.
        other: with the other token; None: there is none.
    """

    id: str
    graph: Graph
    other: Callable[[], Graph | None]

    def ask(self, call: Call) -> dict[str, Any]:
        """Read one object.

        Raises:
            PublishError: as `Graph.call`, once both tokens were tried.
        """
        return self._either(lambda graph: graph.call(call))

    def _either(self, read: Callable[[Graph], T]) -> T:
        try:
            return read(self.graph)
        except PublishError as error:
            if not graph_errors.other_token_may_read(error):
                raise
            try:
                other = self.other()
                if other is not None:
                    return read(other)
            except Unavailable:
                raise
            except PublishError:  # the other token may be dead: what the first was told counts
                pass
            raise

    def status(self, container: str) -> Status:
        """How far a container is.

        Raises:
            PublishError: it cannot be asked now, or our access ended.
        """
        try:
            answer = self.ask(status_call(container))
        except PublishError as error:
            if graph_errors.reaction_of(error) is Reaction.NEW_CONTAINER:
                return Status(ABSENT, error.detail, error)
            if graph_errors.other_token_may_read(error):
                return Status(HIDDEN, error.detail, error)
            raise
        return Status(str(answer.get("status_code", "")), str(answer.get("status", ""))[:200])

    def posts(self, since: datetime) -> list[Post]:
        """The posts since a moment, oldest first. Reads on until every post is older.

        Raises:
            PublishError: the list cannot be read, or not to its end.
        """
        rows = self._either(lambda graph: _rows_since(graph, posts_call(self.id), since))
        shows = any("caption" in row for _at, row in rows)  # else this account never shows words
        posts = [_post(at, row, shows=shows) for at, row in rows if at >= since]
        return sorted(posts, key=lambda post: post.at)

    def permalink(self, media: str) -> str:
        """The address of a post; "" when it cannot be read: no post fails because of that."""
        try:
            return web_address(self.ask(permalink_call(media)).get("permalink"))
        except PublishError:
            return ""

    def quota(self) -> tuple[int, int] | None:
        """Posts of the last 24 hours, and how many are allowed; None when the account does not say.

        Raises:
            PublishError: it cannot be asked now, or our access ended.
        """
        try:
            rows = self.ask(quota_call(self.id)).get("data")
        except (NotAuthorised, Rejected) as error:
            if isinstance(error, Rejected) or graph_errors.other_token_may_read(error):
                return None
            raise
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], Mapping) else {}
        config = row.get("config")
        total = config.get("quota_total") if isinstance(config, Mapping) else None
        used = row.get("quota_usage")
        return (used, total) if isinstance(used, int) and isinstance(total, int) and total >= 0 else None

    def has_comment(self, media: str, text: str) -> bool:
        """Whether these words stand under a post.

        Raises:
            PublishError: the comments cannot be read.
        """
        wanted = social.fingerprint(text)
        pages = self._either(lambda graph: list(graph.pages(comments_call(media))))
        return any(social.fingerprint(str(row.get("text", ""))) == wanted for rows in pages for row in rows)


def _rows_since(graph: Graph, call: Call, since: datetime) -> list[tuple[datetime, Mapping[str, Any]]]:
    found: list[tuple[datetime, Mapping[str, Any]]] = []
    for rows in graph.pages(call):
        times = [social.moment(row.get("timestamp")) for row in rows]
        found += zip(times, rows, strict=True)
        if times and max(times) < since:
            break
    return found


def _post(at: datetime, row: Mapping[str, Any], *, shows: bool) -> Post:
    words = str(row.get("caption", "")) if shows else None
    return Post(str(row["id"]), web_address(row.get("permalink")), at, str(row.get("media_type", "")), words)


def opens(posts: Sequence[Post], used: int, total: int, now: datetime) -> timedelta:
    """How long until the account may post again: as many posts as are too many must be a day old.

    Args:
        posts: of the last 24 hours, oldest first, made by whatever app.
        used: as the account counts them.
    """
    must_age = max(used - total + 1, 1)
    if not posts:
        return timedelta(hours=1)
    oldest = posts[min(must_age, len(posts)) - 1]
    return max(oldest.at + DAY - now, timedelta(minutes=1)) + timedelta(seconds=30)
