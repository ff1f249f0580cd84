"""`veille test`: the real letter, to oneself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille_cli.output import Answer, Talk, answers, finding_data, findings_text

if TYPE_CHECKING:
    from datetime import datetime

    from veille.errors import Finding
    from veille.publishing import Delivery, Publication
    from veille_cli.wiring import Newsroom


@answers
def command(
    path: Annotated[Path, typer.Argument(metavar="PATH", help=_("A post or an edition."))],
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help=_("Your own address."))],
    *,
    talk: Talk,
) -> Answer:
    """Send the letter of one post or edition to yourself, marked [Test]. Nothing is queued or counted."""
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        delivery, told = _delivery(room, path, to)
        if told:
            talk.say(findings_text(told), "")
        publisher = room.publishers.get("newsletter")
        from veille_publishers.newsletter import Newsletter

        assert isinstance(publisher, Newsletter)
        words = publisher.send_test(delivery)
    findings = [finding_data(finding) for finding in told]
    return Answer(data={"sent": publisher.live, "detail": words, "findings": findings}, text=[words])


def _delivery(room: Newsroom, path: Path, to: str) -> tuple[Delivery, list[Finding]]:
    """The letter to oneself, and what is not good in it."""
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
    publication, told = _publication(room, path, now)
    delivery = Delivery(
        id="test",
        publication=publication,
        target="0",
        attempt=1,
        date=now,
        message_id=f"<test.{now:%Y%m%d%H%M%S%f}@{urlsplit(room.config.settings.workspace.base_url).hostname}>",
        recipient=Recipient(0, address, room.config.settings.workspace.language),
    )
    return delivery, told


def _publication(room: Newsroom, path: Path, now: datetime) -> tuple[Publication, list[Finding]]:
    """The letter as `publish` would make it now, in no ledger, and the warnings about it.

    Raises:
        ContentError: `publish` would refuse it.
    """
    from veille import checks
    from veille.blocking import blocking
    from veille.errors import ContentError, Severity
    from veille.library import softened
    from veille.planning import plan
    from veille.proofing import Proofreader, once
    from veille.publishing import Publication
    from veille.queueing import letter_of
    from veille_publishers.letter import marked

    source = room.library.find(path)
    made = plan(room.library, room.config, [], now, selection=[source], at=now)
    findings = checks.run(room.library, room.config, now)
    if stops := blocking(made.owed, room.library, findings, everything=False):
        raise ContentError(stops)
    letter = letter_of(source, room.library, room.config, now)
    rendition = room.publishers["newsletter"].render(letter)
    assert rendition is not None
    proofs = Proofreader(room.library, room.config, room.publishers, now).look(rendition, letter, source.file)
    told = once([*(f for f in findings if f.file == source.file), *softened(proofs, room.library.drafts)])
    if stops := [finding for finding in told if finding.severity is Severity.ERROR and finding in proofs]:
        raise ContentError(stops)
    publication = Publication(
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
    return publication, told
