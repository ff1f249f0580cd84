"""Preparing an Instagram post: containers that nobody sees, children first, until one can be published.

Meta, "Content publishing" and "IG Container" (developers.facebook.com/docs/instagram-platform, read 2026-09-11): poll
at most for five minutes, pictures are usually ready within seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import requests

from veille.errors import OutcomeUnknown, PublishError, Rejected, Unavailable
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.publishing import Delivery, Journal
from veille.timetable import Clock
from veille_publishers import graph_errors, media_check
from veille_publishers.graph import Call
from veille_publishers.instagram_account import HIDDEN, USELESS, Account, Status
from veille_publishers.instagram_calls import child_calls, container_call
from veille_publishers.instagram_kept import Kept
from veille_publishers.media_store import MediaStore
from veille_publishers.social import file_named

POLLS = (3, 5, 10, 20, 30, 60)  # seconds before each look at containers; then every minute
PATIENCE = 300  # seconds in all, for what this attempt made; other channels wait meanwhile
AGAIN = 60  # seconds in all, for what an earlier attempt made and kept
MOST_FAILED = 2  # of what was prepared; then a person must look at the pictures


@dataclass(frozen=True)
class Room:
    """What preparing needs of the world.

    Args:
        http: makes the session that looks at pictures from outside; None: nobody looks.
        sleep: waits that many seconds, or until a stop is asked for.
    """

    account: Account
    store: MediaStore
    http: Callable[[], requests.Session] | None
    clock: Clock
    sleep: Callable[[float], object]


class Preparation:
    """One attempt to get a container that can be published. Every id is kept before the next call."""

    def __init__(self, room: Room, delivery: Delivery, journal: Journal, kept: Kept) -> None:
        self._room = room
        self._delivery = delivery
        self._journal = journal
        self._rendition = delivery.publication.rendition
        self._patience = float(AGAIN)
        self.kept = kept

    def ready(self) -> str:
        """The id of a container that can be published now.

        Raises:
            Unavailable: not now; what was made is kept, and used next time.
            Rejected: Instagram refuses the pictures or the words, or could not use them again and again.
            OutcomeUnknown: it is public already, or may be.
            NotAuthorised: the access needs a person.
        """
        self._drop_useless()
        if not self.kept.container:
            self._make()
        self._wait([self.kept.container])
        return self.kept.container

    def _drop_useless(self) -> None:
        """Forget what an earlier attempt made and Instagram will never publish."""
        found = [(one, self._room.account.status(one).code) for one in self.kept.ids]
        tried = self._delivery.intent_at is not None and self.kept.container
        if tried and found[0][1] == HIDDEN:
            raise OutcomeUnknown(_("Instagram does not show us whether this post is public"), detail="container hidden")
        useless = [one for one, code in found if code in (*USELESS, HIDDEN)]
        if useless:
            self._drop(useless)

    def _drop(self, useless: Sequence[str]) -> None:
        for one in useless:
            self.kept = self.kept.without(one)
        failed = self.kept.failed + 1
        if failed > MOST_FAILED:
            self._keep(self.kept.counted(0))  # if a person asks for it, it begins anew
            raise Rejected(
                _("Instagram could not use what we prepared, several times"),
                hint=_("look at the pictures; then `veille outbox retry`, with its number, tries once more"),
            )
        self._keep(self.kept.counted(failed))

    def _make(self) -> None:
        """Make the container, its children first."""
        urls = self._pictures()
        account = self._room.account.id
        self._patience = PATIENCE
        for number, call in enumerate(child_calls(account, self._rendition, urls)):
            if not self.kept.children[number]:
                self._keep(self.kept.with_child(number, self._made(call), self._room.clock()))
        self._wait(self.kept.children)
        call = container_call(account, self._rendition, urls, self.kept.children)
        self._keep(self.kept.with_container(self._made(call), self._room.clock()))

    def _pictures(self) -> list[str]:
        """The public addresses of the pictures, which are there when this returns."""
        urls = []
        for picture in self._rendition.payload["pictures"]:
            file, url = file_named(self._rendition, picture["file"]), self._room.store.url(picture["file"])
            self._room.store.put(file)
            if self._room.http:
                media_check.check(self._room.http(), url, file)
            urls.append(url)
        return urls

    def _made(self, call: Call) -> str:
        failpoint("instagram.before-container")
        container = str(self._room.account.graph.call(call)["id"])
        failpoint("instagram.after-container")
        return container

    def _keep(self, kept: Kept) -> None:
        self._journal.checkpoint(self._delivery, kept.to_json())
        self.kept = kept
        failpoint("instagram.after-checkpoint")

    def _wait(self, containers: Sequence[str]) -> None:
        """Look at containers until all are ready. Those that are not stay kept, and are looked at later."""
        left, last = list(containers), Status("")
        for seconds in self._pauses() if left else ():
            self._room.sleep(seconds)
            waiting = []
            for one in left:
                last = self._room.account.status(one)
                if not self._is_ready(one, last):
                    waiting.append(one)
            left = waiting
            if not left or self._journal.stopping():
                break
        if left:
            raise self._not_ready(last)

    def _pauses(self) -> Iterator[float]:
        for wanted in chain(POLLS, repeat(POLLS[-1])):
            seconds = min(float(wanted), self._patience)
            if not seconds:
                return
            self._patience -= seconds
            yield seconds

    def _is_ready(self, container: str, status: Status) -> bool:
        if status.code == "PUBLISHED":
            raise OutcomeUnknown(_("Instagram says that this post is public already"))
        if status.code in USELESS:
            self._drop([container])
            raise graph_errors.refused(graph_errors.rule_in(status.words), publishing=False, detail=status.words)
        return status.code == "FINISHED"

    def _not_ready(self, last: Status) -> PublishError:
        """Hidden to both tokens for five minutes is no flaw of the moment: a person must look at the access."""
        if last.refusal is not None and not self._journal.stopping():
            return last.refusal
        return Unavailable(_("Instagram is still preparing the post"), detail=last.words)
