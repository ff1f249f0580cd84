"""`veille approve`: a colleague agrees to what readers would see, or is asked to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille_cli.output import PARTLY, Answer, Talk, answers, findings_text

if TYPE_CHECKING:
    from veille.editions import Edition
    from veille.errors import Finding
    from veille.posts import Post
    from veille.reviewers import Person
    from veille_cli.wiring import Newsroom


@answers
def command(
    path: Annotated[Path, typer.Argument(metavar="PATH", help=_("A post or an edition."))],
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", help=_("Who approves: your own name, and not the author's."))
    ] = "",
    ask: Annotated[
        bool, typer.Option("--ask", help=_("Send the reviewers what readers would see, and ask them."))
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=_("Do not ask."))] = False,
    *,
    talk: Talk,
) -> Answer:
    """Approve exactly what readers would see of a post or an edition. Any later change needs a new approval."""
    from veille_cli.wiring import newsroom

    if bool(name) == ask:
        raise typer.BadParameter(_("say who approves (--as NAME), or ask for it (--ask)"), param_hint="--as")
    with newsroom() as room:
        source = room.library.find(path)
        _refuse_draft(source)
        return _asked(room, source, talk) if ask else _approved(room, source, name, talk, yes=yes)


def _approved(room: Newsroom, source: Post | Edition, name: str, talk: Talk, *, yes: bool) -> Answer:
    from veille.errors import ContentError, Severity
    from veille.outbox.audit import Event
    from veille_cli.wiring import account

    desk = room.approvals
    person = desk.reviewer(source, name)
    findings = _findings(room, source)
    if errors := [finding for finding in findings if finding.severity is Severity.ERROR]:
        raise ContentError(errors)
    channels, digest = [*desk.renditions(source)], desk.digest(source)
    data = {"source": source.source, "file": source.file, "who": person.called, "channels": channels, "digest": digest}
    before = desk.approval(source, digest)
    if before is not None and before.who == person.called:
        return Answer(data=data, text=[_("{who} has approved exactly this already.").format(who=before.who)])
    if findings:
        talk.say(findings_text(findings), "")
    _confirm(source, channels, person, talk, yes=yes)
    room.audit.record(
        Event.APPROVED, at=room.clock(), source=source.source, who=person.called, account=account(), digest=digest
    )
    return Answer(data=data, text=_approved_words(source, channels, person))


def _approved_words(source: Post | Edition, channels: list[str], person: Person) -> list[str]:
    done = _("{who} approved “{title}” as it is now, for {channels}.")
    return [
        done.format(who=person.called, title=source.title, channels=", ".join(channels)),
        _("Any change to the text, its pictures or its contacts needs a new approval."),
    ]


def _confirm(source: Post | Edition, channels: list[str], person: Person, talk: Talk, *, yes: bool) -> None:
    """Ask on a terminal; a program answers for itself."""
    if yes or not talk.interactive:
        return
    talk.say(
        _("“{title}” ({file}), by {author}").format(title=source.title, file=source.file, author=source.author),
        _("Channels: {channels}").format(channels=", ".join(channels)),
        _("Look at it: veille preview {file}").format(file=source.file),
        "",
    )
    question = _("{who}, do you approve exactly this? [y/N]").format(who=person.called)
    talk.agree(question, "")


def _findings(room: Newsroom, source: Post | Edition) -> list[Finding]:
    """What the checks say of it, errors and warnings, on every channel."""
    from veille import checks, proofing
    from veille.blocking import blocking
    from veille.planning import plan

    now = room.clock()
    found = checks.run(room.library, room.config, now)
    made = plan(room.library, room.config, [], now, selection=[source], at=now)
    stops = blocking(made.owed, room.library, found, everything=False)
    own = [finding for finding in found if finding.file == source.file]
    proofs = proofing.of_source(source, room.library, room.config, room.publishers, now)
    return list(dict.fromkeys([*stops, *own, *proofs]))


def _refuse_draft(source: Post | Edition) -> None:
    from veille.errors import ContentError, Finding

    if source.draft:
        message = _("this is still a draft: nobody approves what is not finished")
        hint = _("write `draft: false` when it is; nothing leaves before somebody approves it")
        raise ContentError([Finding(source.file, source.lines.get("draft"), "draft", message, hint, "draft")])


# Asking ----


def _asked(room: Newsroom, source: Post | Edition, talk: Talk) -> Answer:
    """One mail to each reviewer who may approve it."""
    from veille.errors import PublishError
    from veille.outbox.audit import Event
    from veille_cli.approval_mail import notices
    from veille_cli.wiring import account

    people = _addressed(room, source)
    mails = notices(room, source, people, _findings(room, source))
    asked: list[str] = []
    failed: list[PublishError] = []
    with talk.progress(_("sending"), len(people)) as progress:
        for count, (person, mail) in enumerate(zip(people, mails, strict=True)):
            try:
                talk.say(f"{person.called}: {room.notices.send(mail)}")
                asked.append(person.called)
            except PublishError as error:  # the others are asked all the same
                failed.append(error)
                talk.say(f"✗ {person.called}: {error.message}")
            progress(count + 1)
    if not asked:
        raise failed[0]
    words = ", ".join(asked)
    room.audit.record(Event.ASKED, at=room.clock(), source=source.source, account=account(), text=words)
    return Answer(
        data={"source": source.source, "file": source.file, "asked": asked},
        text=[_("Asked to approve “{title}”: {names}.").format(title=source.title, names=words)],
        exit_code=PARTLY if failed else 0,
        errors=[{"code": e.code, "message": e.message, "file": None, "line": None, "hint": e.hint} for e in failed],
    )


def _addressed(room: Newsroom, source: Post | Edition) -> list[Person]:
    """The reviewers who did not write it and have an address.

    Raises:
        ConfigError: there is none.
    """
    from veille.errors import ConfigError

    people = room.approvals.asked(source)
    reachable = [person for person in people if person.address]
    if reachable:
        return reachable
    if people or not room.config.settings.approval.reviewers:
        raise ConfigError(
            _("nobody can be asked: veille.toml gives no reviewer's e-mail address"),
            hint=_('write reviewers = ["Camille Exemple <camille@example.org>"] under [approval]'),
        )
    raise ConfigError(
        _("nobody can be asked: every reviewer wrote it ({author})").format(author=source.author),
        hint=_("add a colleague to reviewers under [approval] in veille.toml"),
    )
