"""The mail that asks a reviewer: what readers would see on each channel, and what the checks say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from veille.i18n import gettext as _
from veille.i18n import short, speaking
from veille.planning import CADENCED
from veille.posts import SERVICES, Post
from veille_publishers.notices import Notice, cid_of

if TYPE_CHECKING:
    from veille.editions import Edition
    from veille.errors import Finding
    from veille.publishing import File, Proof, Rendition
    from veille.reviewers import Person
    from veille_cli.wiring import Newsroom


def notices(
    room: Newsroom, source: Post | Edition, people: Sequence[Person], findings: Sequence[Finding]
) -> list[Notice]:
    """One mail for each of these people, in the newsroom's language.

    Raises:
        ContentError, RenderError: it cannot be shown.
    """
    with speaking(short(room.config.settings.workspace.language)):
        renditions = _renditions(room, source)
        return [_notice(room, source, person, findings, renditions, n) for n, person in enumerate(people, 1)]


def _renditions(room: Newsroom, source: Post | Edition) -> dict[str, Rendition]:
    """As readers would see it today: with its day, which an approval leaves out."""
    return room.approvals.renditions(source, with_day=True)


def _notice(
    room: Newsroom,
    source: Post | Edition,
    person: Person,
    findings: Sequence[Finding],
    renditions: dict[str, Rendition],
    number: int,
) -> Notice:
    from veille.rendering.templating import Templates

    templates = Templates(room.config)
    proofs = {name: room.publishers[name].proof(rendition) for name, rendition in renditions.items()}
    letter = proofs.get(CADENCED)
    subject = _("To be read: {title}").format(title=source.title)
    if any(post.sensitive for post in room.approvals.members(source)):  # it shows on a locked screen
        subject = _("To be read before it leaves")
    values = {
        "title": source.title,
        "author": source.author,
        "lang": source.lang,
        "channels": list(renditions),
        "greeting": _("Hello {name},").format(name=person.called),
        "command": f"veille approve {shlex.quote(source.file)} --as {shlex.quote(person.called)}",
        "findings": findings,
        "captions": list(_captions(renditions, proofs)),
        "letter": letter is not None,
        "text": letter.text if letter else _text(source, proofs),
        "subject": subject,
    }
    html = _html(templates, values, letter)
    files = {file.name: file for rendition in renditions.values() for file in rendition.files}
    html, shown = _with_pictures(html, files, room.config.settings.workspace.base_url)
    return Notice(
        name=f"approval-{source.slug}-{number}",
        to=person.written,
        subject=subject,
        text=templates.render("mail/approval.txt.j2", **values),
        html=html,
        files=shown,
    )


def _captions(renditions: dict[str, Rendition], proofs: dict[str, Proof]) -> Iterator[dict[str, Any]]:
    for name, label in SERVICES.items():
        if name not in renditions:
            continue
        pictures = zip(renditions[name].files, proofs[name].alts, strict=False)
        yield {
            "label": label,
            "text": proofs[name].text,
            "pictures": [{"src": cid_of(file.name), "alt": alt} for file, alt in pictures],
        }


def _text(source: Post | Edition, proofs: dict[str, Proof]) -> str:
    """Without a letter: the body as it was written."""
    words = [proof.text for proof in proofs.values() if proof.text and proof.html]
    return "\n\n".join(dict.fromkeys([*words, source.body]))


def _html(templates: Any, values: dict[str, Any], letter: Proof | None) -> str:
    """What is asked, above the letter as it would leave."""
    from markupsafe import Markup

    asked = templates.render("mail/approval.html.j2", **values)
    if letter is None:
        content = Markup(asked)  # noqa: S704 (escaped by the template)
        page: str = templates.render("mail/page.html.j2", subject=values["subject"], content=content)
        return page
    return re.sub(r"<body[^>]*>", lambda match: match[0] + asked, letter.html, count=1)


def _with_pictures(html: str, files: dict[str, File], base_url: str) -> tuple[str, tuple[File, ...]]:
    """Pictures come with the mail: on the site they stand only once it is published."""
    for name in files:
        html = html.replace(f"{base_url}/media/{name}", cid_of(name))
    return html, tuple(file for name, file in files.items() if cid_of(name) in html)
