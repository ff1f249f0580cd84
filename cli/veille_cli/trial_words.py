"""What was queued in the sandbox of a channel that reaches people now, or the other way round: it does not leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from veille.config import Config
    from veille.outbox.report import Status
    from veille_cli.wiring import Newsroom


def switched(status: Status, config: Config) -> bool:
    """Whether its channel was switched between trial and service since it was queued."""
    return status.live != config.live(status.channel)


def only_tried(status: Status, config: Config) -> bool:
    """Whether what counts as sent was written to the sandbox, while its channel reaches people now."""
    from veille.posts import SERVICES

    by_hand = status.channel in SERVICES and any(receipt["url"] for receipt in status.receipts)  # a person said where
    return switched(status, config) and not (status.live or by_hand)


def does_not_leave(status: Status, config: Config) -> bool:
    """Whether it waits for nothing: `run` will hold it at its time."""
    return switched(status, config) and status.state in ("queued", "running", "paused")


def switched_words(statuses: Iterable[Status], room: Newsroom) -> list[RenderableType]:
    """What does not leave for that reason, and which command queues it again."""
    sentence = _(
        "! {id} does not leave: {channel} was switched between trial and service since it was queued."
        " `veille publish` queues it again"
    )
    return [
        sentence.format(id=status.id, channel=status.channel)
        for status in statuses
        if does_not_leave(status, room.config)
    ]


def tried_words(statuses: Iterable[Status], room: Newsroom) -> list[RenderableType]:
    """How a post that only the sandbox had is sent to people all the same; once, and not of old ones."""
    from veille.posts import SERVICES

    recent = room.clock() - room.config.settings.workspace.backlog
    tried = [s for s in statuses if s.channel in SERVICES and s.due >= recent and only_tried(s, room.config)]
    if not any(status.counts["sent"] for status in tried):
        return []
    return [
        _(
            "In the sandbox only: written to outbox/ before the channel was live, and seen by nobody."
            " To send such a post to people: `veille outbox retry ID`, then `veille publish`."
        )
    ]


def publish_words(name: str) -> str:
    """What is said of such a post that shall go again."""
    return _("{id} was queued in the sandbox: `veille publish` queues it for people, and asks before it does").format(
        id=name
    )
