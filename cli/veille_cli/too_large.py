"""What `veille publish` proposes when the letter that it gathers is too large for Gmail."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from veille.i18n import gettext as _
from veille.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from veille.errors import Finding
    from veille.planning import Owed, Plan
    from veille_cli.wiring import Newsroom


def way_round(plan: Plan, findings: Sequence[Finding], room: Newsroom) -> str:
    """What to do now; "" when no gathered letter is too large, or something else has to be mended first.

    Args:
        findings: why nothing was queued.
    """
    from veille.checks.letters import LETTER_TOO_LARGE
    from veille.errors import Severity
    from veille.planning import CADENCED

    stops = [finding for finding in findings if finding.severity is Severity.ERROR]
    large = {finding.file for finding in stops if finding.code == LETTER_TOO_LARGE.code}
    gathered = [owed for owed in plan.owed if owed.channel == CADENCED and not (owed.edition or owed.post)]
    letters = [letter for letter in gathered if large & _files(letter, room)]
    broken = {finding.file for finding in stops if finding.code != LETTER_TOO_LARGE.code}
    count, files = _fewer(plan, letters, broken, large, room)
    if not count:
        return ""
    return "; ".join((_("nothing was queued"), *_others(room), _command(count, files)))


def _files(letter: Owed, room: Newsroom) -> set[str]:
    return {post.file for post in room.library.posts if post.source in letter.members}


def _others(room: Newsroom) -> list[str]:
    """What helps beside publishing fewer posts."""
    ways = [_("choose the posts of the letter by hand (veille new edition), or shorten their texts")]
    if channels := ", ".join(channel for channel in room.config.channels if channel != "newsletter"):
        ways.append(_("keep posts out of the letter: {line}").format(line=f"channels: [{channels}]"))
    return ways


def _command(count: int, files: Sequence[str]) -> str:
    words = ngettext(
        "or publish {n} new post now, which fits, and the others when this letter has left: veille publish {files}",
        "or publish {n} new posts now, which fit, and the others when this letter has left: veille publish {files}",
        count,
    )
    return words.format(n=count, files=shlex.join(files))


def _fewer(
    plan: Plan, letters: Sequence[Owed], broken: set[str], large: set[str], room: Newsroom
) -> tuple[int, list[str]]:
    """How many new posts fit into these letters, and every new file that can be published now."""
    left, count = set(broken), 0
    for letter in letters:
        fits = max(_fits(letter, broken, room), _fits(letter, broken | large, room), key=len)
        count += len(fits)
        left |= _files(letter, room) - set(fits)
    new = (owed.file for owed in plan.owed if owed.post and owed.existing is None)
    return count, [file for file in dict.fromkeys(new) if file not in left]


def _fits(letter: Owed, without: set[str], room: Newsroom) -> list[str]:
    """The files of the new posts that fit; none when the letter cannot be made."""
    from veille.errors import ContentError, RenderError
    from veille.fitting import fitting

    last = [post.source for post in room.library.posts if post.file in without]
    try:
        return [post.file for post in fitting(letter, room.library, room.config, room.publishers, last)]
    except (ContentError, RenderError):
        return []
