"""Posting by hand (`transport = "manual"`): at its time a person gets a mail with everything that the post needs.

For a team without an app at Meta. The post is rendered and checked as the real publisher does it; then somebody copies
it, and says with `veille outbox resolve` where it stands. What veille cannot do, it never counts as done.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from veille.config import Config
from veille.errors import (
    ConfigError,
    LedgerError,
    NotAuthorised,
    OutcomeUnknown,
    PublishError,
    Rejected,
    Unavailable,
    VeilleError,
)
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.i18n import short, speaking
from veille.posts import SERVICES
from veille.publishing import (
    ByHand,
    Delivery,
    File,
    Journal,
    OnUnknown,
    Outcome,
    Proof,
    Publication,
    ReadBack,
    Rendition,
    Seen,
    Source,
)
from veille.reviewers import read
from veille.timetable import in_words
from veille_publishers import social
from veille_publishers.graph_publisher import GraphPublisher
from veille_publishers.notices import Notice, Notices
from veille_publishers.registry import Context


@dataclass(frozen=True)
class Task:
    """What a person has to do.

    Args:
        text: to be copied as it stands.
        pictures: in order, each with its alternative text.
        comment: to be written below the post; "" for none.
    """

    text: str
    pictures: tuple[tuple[File, str], ...] = ()
    comment: str = ""


class ByHandPublisher(ABC):
    """Asks a person to post. A subclass names the real publisher, and the steps that lead through its screens."""

    kind: ClassVar[str]
    real: ClassVar[type[GraphPublisher]]
    on_unknown: ClassVar[OnUnknown] = OnUnknown.RESEND  # a mail may come twice; a post may not

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config
        self._real: Any = self.real(context)
        self._showcase = social.Showcase(self.kind, context.config, context.clock)
        self._notices = Notices(context.config, context.clock)
        self.live = context.config.live(self.kind)

    @abstractmethod
    def task(self, rendition: Rendition) -> Task:
        """What there is to post."""

    @abstractmethod
    def steps(self, task: Task) -> Iterator[str]:
        """How to post it, for somebody who never did."""

    def render(self, source: Source) -> Rendition | None:
        """As the real publisher: the same text, pictures and refusals."""
        made: Rendition | None = self._real.render(source)
        return made

    def proof(self, rendition: Rendition) -> Proof:
        """What people will see."""
        proof: Proof = self._real.proof(rendition)
        return proof

    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002
        """None: a person does it."""
        return ()

    def targets(self) -> Sequence[str]:
        """One, without a name: only the person must be known.

        Raises:
            ConfigError: nobody is named who could be asked.
        """
        editors(self._config, self.kind)
        return (self.real.sandbox_target,)

    def show(self, publication: Publication) -> None:
        """Write outbox/facebook/<slug>.json, and the pictures beside it."""
        self._showcase.show(publication, ())

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Ask a person for each; settle it when a mail left."""
        for delivery in deliveries:
            if not journal.intent(delivery):
                continue
            failpoint("by-hand.before-mail")
            # A mail that may be there already: whoever posted after the first must not post again after the second.
            outcome = self._ask(delivery.id, delivery.publication, again=delivery.unknowns > 0)
            failpoint("by-hand.after-mail")
            journal.settle(delivery, outcome)

    def remind(self, name: str, publication: Publication) -> None:
        """Ask once more.

        Args:
            name: the delivery: "d12".

        Raises:
            PublishError: no mail left.
        """
        outcome = self._ask(name, publication, again=True)
        if isinstance(outcome, PublishError):
            raise outcome

    def _ask(self, name: str, publication: Publication, *, again: bool = False) -> Outcome:
        """Write to each editor. Asked is who was reached: the others are not worth a second mail to that one."""
        problems: list[PublishError] = []
        words = ""
        try:
            for notice in self.mails(name, publication, again=again):
                try:
                    words = self._notices.send(notice)
                except PublishError as error:
                    problems.append(error)
        except LedgerError:
            raise
        except VeilleError as error:  # settings or a template: mended while it waits
            problems.append(Unavailable(error.message, hint=error.hint, about_us=True))
        if words:
            asked = _("waits for a person to post it")
            return ByHand(asked if self._notices.live else f"{asked}. {words}")
        return _worst(problems)

    def mails(self, name: str, publication: Publication, *, again: bool = False) -> Iterator[Notice]:
        """The mail to each editor, in the newsroom's language.

        Raises:
            ConfigError: nobody is named.
            RenderError: a template fails.
        """
        language = short(self._config.settings.workspace.language)
        for number, address in enumerate(editors(self._config, self.kind), 1):
            with speaking(language):
                notice = self._mail(name, publication, address, again=again)
            ending = f"-reminder-{number}" if again else f"-{number}"
            yield Notice(f"by-hand-{name}{ending}", address, notice.subject, notice.text, notice.html, notice.files)

    def _mail(self, name: str, publication: Publication, address: str, *, again: bool) -> Notice:
        task = self.task(publication.rendition)
        due = in_words(publication.due, self._config.zone, self._config.settings.workspace.language)
        # No title: it shows on a locked screen, and the post may be about violence at home.
        subject = _("To be posted on {place} by hand: {moment}")
        subject = _("Still to be posted on {place}: {moment}") if again else subject
        files = tuple(
            File(f"{publication.slug}-{number}.jpg", file.media_type, file.content)
            for number, (file, _alt) in enumerate(task.pictures, 1)
        )
        pictures = [{"name": file.name, "alt": alt} for file, (_file, alt) in zip(files, task.pictures, strict=True)]
        values = {
            "subject": subject.format(place=SERVICES[self.kind], moment=due),
            "greeting": _("Hello {name},").format(name=read(address).called),
            "place": SERVICES[self.kind],
            "title": publication.title,
            "again": again,
            "steps": list(self.steps(task)),
            "text_to_copy": task.text,
            "comment": task.comment,
            "pictures": pictures,
            "command": f"veille outbox resolve {name} --sent https://…",
            "cancel": f"veille outbox resolve {name} --cancel",
        }
        templates = self._context.templates
        return Notice(
            name=name,
            to=address,
            subject=str(values["subject"]),
            text=templates.render("mail/by_hand.txt.j2", **values),
            html=templates.render("mail/by_hand.html.j2", **values),
            files=files,
        )

    def rest(self) -> None:  # noqa: B027 (each mail opens and closes its own connection)
        """Nothing is kept open."""

    def read_back(self, delivery: Delivery) -> ReadBack:  # noqa: ARG002
        """Nobody can look into somebody's mailbox."""
        return ReadBack(Seen.UNREADABLE)

    def read_back_delays(self) -> Sequence[timedelta]:
        """How long to wait for an answer of the mail server before the one mail more."""
        return (self._config.settings.newsletter.resend_after,)


def editors(config: Config, channel: str) -> tuple[str, ...]:
    """Who is asked to post: `editor`, else the operators.

    Raises:
        ConfigError: nobody, or somebody without an address.
    """
    chosen = config.channel(channel).editor
    found = (chosen,) if chosen else config.settings.workspace.operators
    if not found:
        raise ConfigError(
            _('{channel} is posted by hand (transport = "manual"), and nobody is named who does it').format(
                channel=channel
            ),
            hint=_('add editor = "Camille Exemple <camille@example.org>" under [{channel}] in veille.toml').format(
                channel=channel
            ),
        )
    if nameless := [person for person in found if not read(person).address]:
        raise ConfigError(
            _("{name} has no e-mail address, and is to be asked to post on {channel}").format(
                name=nameless[0], channel=channel
            ),
            hint=_("write it as: {example}").format(example='"Camille Exemple <camille@example.org>"'),
        )
    return tuple(found)


def _worst(problems: Sequence[PublishError]) -> PublishError:
    """What decides when no mail left: a mail that may have left, before one that did not, before one that never can."""
    for error in (one for kind in (OutcomeUnknown, NotAuthorised) for one in problems if isinstance(one, kind)):
        return error
    for away in (one for one in problems if isinstance(one, Unavailable)):  # who sends one mail sees only the server
        hint = away.hint if away.about_us else _("nothing to do: it is tried again")
        return Unavailable(away.message, hint=hint, about_us=True)
    return Rejected(
        _("the mail to the person who posts by hand was refused"),
        hint=_("correct `editor` in veille.toml, then send it again"),
        detail=problems[0].detail if problems else "",
    )
