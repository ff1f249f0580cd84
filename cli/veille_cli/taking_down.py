"""`veille outbox cancel ID --public`: what that deletes, the question before it, and what is said afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.errors import VeilleError
from veille.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from veille.outbox.report import Row, Status
    from veille_cli.output import Talk
    from veille_cli.wiring import Newsroom

FLYING = ("sending", "unknown")  # it may be out


def confirm(room: Newsroom, name: str, talk: Talk, *, yes: bool) -> None:
    """Ask before something public goes for good; refuse where it cannot be done.

    Raises:
        VeilleError: the service lets nobody delete from here.
        Abort: the person thought better of it.
    """
    status, rows = posts_of(room, name)
    out = [row for row in rows if row.state == "sent" and row.last_code != "deleted"]
    standing = [row for row in out if row.remote_id]
    flying = any(row.state in FLYING for row in rows) and _deletes(room, status.channel)
    if not (standing or flying):
        _refuse_posted_by_hand(out)
        return
    if not _deletes(room, status.channel):
        raise VeilleError(
            _("{service} deletes no posts from here").format(service=status.channel.capitalize()),
            hint=_("delete it there: {url}").format(url=", ".join(row.url for row in standing if row.url)),
        )
    if yes:
        return
    question = _("Delete “{title}” from {service}, with its comments? It cannot be undone. [y/N]")
    asked = question.format(title=status.title, service=status.channel.capitalize())
    talk.agree(asked, _("this cannot be undone: confirm with --yes"))


def _refuse_posted_by_hand(rows: Iterable[Row]) -> None:
    """What somebody put there, and said so, has no number by which it could be deleted from here.

    Raises:
        VeilleError: there is such a post.
    """
    for row in rows:
        if row.url:
            raise VeilleError(
                _("{id} was posted by hand, so that it cannot be deleted from here").format(id=row.id),
                hint=_("delete it there: {url}").format(url=row.url),
            )


def words_after(room: Newsroom, name: str, *, public: bool = False) -> list[RenderableType]:
    """What still stands and how it would go; what goes with the next `veille run`; what nobody knows yet.

    Args:
        public: what everybody sees was to be deleted.
    """
    from veille.outbox.pending import pending
    from veille_cli.hosted_words import pending_words

    status, rows = posts_of(room, name)
    wanted = pending(room.database, name)
    deleted = {one.delivery for one in wanted if one.kind.value == "delete"}
    words = pending_words(wanted, room)
    for row in rows:
        stands = row.state == "sent" and row.remote_id and row.last_code != "deleted"
        if stands and row.id not in deleted and _deletes(room, status.channel):
            sentence = _("{id} stays public on {channel}; to delete it there: veille outbox cancel {id} --public")
            words.append(sentence.format(id=row.id, channel=row.channel))
        if row.state in FLYING:
            words.append(_flying(row, public=public))
    return words


def _flying(row: Row, *, public: bool) -> RenderableType:
    if public:
        sentence = _(
            "· {id} on {channel}: nobody knows yet; it is looked for by itself, and deleted there if it is out"
        )
        return sentence.format(id=row.id, channel=row.channel)
    sentence = _(
        "· {id} on {channel}: nobody knows yet whether it is out; it is looked for by itself. If it is not, it does not"
        " leave any more, and what {channel} has for later is deleted there; if it is, it stays public; then:"
        " veille outbox cancel {id} --public"
    )
    return sentence.format(id=row.id, channel=row.channel)


def doubt_words(room: Newsroom, name: str, doubted: Iterable[str]) -> list[RenderableType]:
    """Which posts that were dropped may come out all the same, and where to look.

    Args:
        doubted: those that nobody had found when they were dropped.
    """
    from veille.posts import SERVICES

    status, rows = posts_of(room, name)
    sentence = _(
        "! {service} may still have {id} for its time: it was handed over, and nobody saw what became of it."
        " Look among the scheduled posts (Meta Business Suite, Planner), and delete it there"
    )
    doubtful = [row.id for row in rows if row.state == "cancelled" and row.id in set(doubted)]
    return [sentence.format(service=SERVICES[status.channel], id=one) for one in doubtful]


def posts_of(room: Newsroom, name: str) -> tuple[Status, list[Row]]:
    """The publication and those of its deliveries that are meant; none of a letter, a feed or the web."""
    if name.startswith("d"):
        row = room.report.delivery(name)
        rows, status = [row], room.report.publication(row.publication)
    else:
        status = room.report.publication(name)
        rows = [] if status.channel == "newsletter" else room.report.deliveries(name)
    return status, [row for row in rows if row.channel not in ("newsletter", "feed", "web")]


def _deletes(room: Newsroom, channel: str) -> bool:
    """Whether its service lets us delete posts."""
    from veille.publishing import FollowUp, RemotePublisher

    publisher = room.publishers.get(channel)  # None: it was taken out of veille.toml
    return isinstance(publisher, RemotePublisher) and publisher.live and FollowUp.DELETE in publisher.follow_ups
