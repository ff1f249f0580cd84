"""Too much at once on one page, as far as the times that posts state tell.

`publish` knows the rest: what waits, what left, and what each page would show (`veille.crowding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from veille import crowding
from veille.checks.rules import Check, Context, Rule, mark
from veille.contacts import CAPTIONED
from veille.crowding import Showing
from veille.errors import Finding, Severity
from veille.posts import Post

CLOSE = Rule(
    code=crowding.TOO_CLOSE,
    title=mark("Posts leave one page less than an hour apart"),
    why=mark(
        "Followers see one of them, and the page looks like a machine: the second takes the readers of the first."
    ),
    remedy=mark("Give one of them another time, or the channel regular times with `slots` in veille.toml."),
    wrong="facebook: {at: 2026-11-27 12:45}  # un autre article part à 12:30",
    right="facebook: {at: 2026-11-27 18:00}",
    severity=Severity.WARNING,
)
SIMILAR = Rule(
    code=crowding.TOO_SIMILAR,
    title=mark("Two posts on one page say nearly the same"),
    why=mark(
        "Followers take the second for a mistake, and Facebook refuses a post that repeats the one before it word for "
        "word. Texts are compared with what is queued, and with what left within 30 days: of all groups of three "
        "words that follow one another, six in ten are in both. Links and hashtags do not count."
    ),
    remedy=mark("Say what is new in the second one, under `facebook: text` or `instagram: caption`; or keep one."),
    severity=Severity.WARNING,
    source="Meta, Graph API, error 506, read 2026-09-11",
    link="https://developers.facebook.com/docs/graph-api/guides/error-handling/",
)
QUOTA = Rule(
    code=crowding.OVER_QUOTA,
    title=mark("More posts are due on Instagram than it takes in a day"),
    why=mark(
        "Instagram publishes a limited number of posts for an account in 24 hours, and refuses what comes after. "
        "A post with several pictures counts as one. Until the account has told its number, 25 is taken."
    ),
    remedy=mark("Spread them over several days, with `instagram: {at: …}`."),
    severity=Severity.WARNING,
    source="Meta, Instagram Platform, Content publishing limit, read 2026-09-11",
    link="https://developers.facebook.com/docs/instagram-platform/content-publishing",
)


def _check(context: Context) -> Iterable[Finding]:
    """Posts that state a time on a page. What left is not known here: moments that are over are left out."""
    stated = [showing for post in context.library.posts for showing in _stated(post, context)]
    return [*crowding.too_close(stated, context.config), *crowding.over_quota(stated, context.config)]


def _stated(post: Post, context: Context) -> Iterator[Showing]:
    if post.draft:
        return
    wanted = context.config.channels if post.channels is None else post.channels
    for channel in (name for name in CAPTIONED if name in wanted and name in context.config.channels):
        at = getattr(post, channel).at or post.publish_date
        if isinstance(at, datetime) and at >= context.now:
            yield Showing(
                channel, post.source, post.title, at.astimezone(UTC), file=post.file, lines=post.lines, changed=True
            )


CHECK = Check(rules=(CLOSE, SIMILAR, QUOTA), whole=_check)
