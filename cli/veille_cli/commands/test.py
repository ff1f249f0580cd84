"""`veille test`: the real letter, to oneself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille_cli.output import Answer, answers

if TYPE_CHECKING:
    from datetime import datetime

    from veille.publishing import Delivery, Publication
    from veille_cli.wiring import Newsroom


@answers
def command(
    path: Annotated[Path, typer.Argument(metavar="PATH", help=_("A post or an edition."))],
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help=_("Your own address."))],
) -> Answer:
    """Send the letter of one post or edition to yourself, marked [Test]. Nothing is queued or counted."""
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        delivery = _delivery(room, path, to)
        publisher = room.publishers.get("newsletter")
        from veille_publishers.newsletter import Newsletter

        assert isinstance(publisher, Newsletter)
        words = publisher.send_test(delivery)
    return Answer(data={"sent": publisher.live, "detail": words}, text=[words])


def _delivery(room: Newsroom, path: Path, to: str) -> Delivery:
    from urllib.parse import urlsplit

    from veille.errors import VeilleError
    from veille.publishing import Delivery, Recipient
    from veille.subscribers import normalise

    try:
        address = normalise(to)
    except ValueError as error:
        raise VeilleError(_("this is not an e-mail address"), hint=str(error)) from None
    if "newsletter" not in room.config.channels:
        raise VeilleError(_("this newsroom has no newsletter"), hint=_("write [newsletter] in veille.toml"))
    now = room.clock()
    return Delivery(
        id="test",
        publication=_publication(room, path, now),
        target="0",
        attempt=1,
        date=now,
        message_id=f"<test.{now:%Y%m%d%H%M%S%f}@{urlsplit(room.config.settings.workspace.base_url).hostname}>",
        recipient=Recipient(0, address, room.config.settings.workspace.language),
    )


def _publication(room: Newsroom, path: Path, now: datetime) -> Publication:
    """The letter as `publish` would make it now, in no ledger."""
    from veille import checks
    from veille.errors import ContentError
    from veille.planning import plan
    from veille.publishing import Publication
    from veille.queueing import blocking, letter_of
    from veille_publishers.letter import marked

    source = room.library.find(path)
    made = plan(room.library, room.config, [], now, selection=[source], at=now)
    findings = checks.run(room.library, room.config, now)
    if stops := blocking(made, room.library, findings, everything=False):
        raise ContentError(stops)
    rendition = room.publishers["newsletter"].render(letter_of(source, room.library, room.config, now))
    assert rendition is not None
    return Publication(
        id="test",
        source=source.source,
        channel="newsletter",
        occurrence="test",
        title=source.title,
        slug=f"test-{source.slug}",
        due=now,
        generation=1,
        rendition=replace(rendition, payload=marked(rendition.payload, "[Test] ")),
    )
