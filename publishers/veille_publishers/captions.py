"""What Instagram refuses, said before anything is queued.

Meta, "IG User: media" (developers.facebook.com/docs/instagram-platform/…/ig-user/media, read 2026-09-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from veille.errors import Finding
from veille.i18n import gettext as _
from veille.rendering import RenderedPost
from veille_publishers import social

MOST_UNITS = 2200  # UTF-16 units of a caption
MOST_HASHTAGS = 30
MOST_MENTIONS = 20


def findings(post: RenderedPost, caption: str) -> Iterator[Finding]:
    """Everything that Instagram would refuse."""
    yield from _too_much(post, "instagram.caption", caption)
    yield from _too_much(post, "instagram.comment", post.instagram_comment)  # no page says its limits: the caption's
    if not post.instagram_pictures:
        yield _finding(
            post, "image", _("Instagram needs a picture"), "no-picture", _("add image.src, or leave out instagram")
        )


def _too_much(post: RenderedPost, field: str, text: str) -> Iterator[Finding]:
    counts = (
        (social.units(text), MOST_UNITS, "caption-too-long", _("{number} characters; Instagram takes {most}")),
        (
            len(re.findall(r"#\w+", text)),
            MOST_HASHTAGS,
            "too-many-hashtags",
            _("{number} hashtags; Instagram takes {most}"),
        ),
        (
            len(re.findall(r"(?<![\w.@])@\w+", text)),
            MOST_MENTIONS,
            "too-many-mentions",
            _("{number} mentions; Instagram takes {most}"),
        ),
    )
    for number, most, code, words in counts:
        if number > most:
            message = words.format(number=number, most=most)
            yield _finding(post, field, message, code, _("shorten {field}").format(field=field))


def _finding(post: RenderedPost, field: str, message: str, code: str, hint: str) -> Finding:
    return Finding(file=post.source, line=None, field=field, message=message, hint=hint, code=code)
