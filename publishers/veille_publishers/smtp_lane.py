"""One connection at work: letter after letter, each through envelope, intent, content and answer.

Between the intent of a letter and its answer the connection carries nothing else but the next envelope.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from veille.errors import PublishError
from veille.publishing import Receipt
from veille_publishers.smtp_commits import Commits
from veille_publishers.smtp_feed import Feed, Letter
from veille_publishers.smtp_replies import Gone, lost_after, lost_before, reader_refused
from veille_publishers.smtp_session import Mail, Session

MEETINGS = 3  # connections that may end in front of one letter before it is put off


class Run(Protocol):
    """What the lanes of one run share."""

    feed: Feed
    commits: Commits
    busy: int

    async def session(self) -> Session | None:
        """A connection, kept or new; None: this lane is not needed.

        Raises:
            PublishError: there is no connection at all.
        """

    def settled(self, letter: Letter, outcome: Receipt | PublishError, lost: Session | None = None) -> None:
        """A letter ended. `lost`: because this connection did, without a word of the server."""

    def refused(self) -> None:
        """The journal did not let a letter go."""

    def silent(self, session: Session) -> None:
        """A fresh connection ended at the first commands that travelled together."""

    def leave(self, session: Session) -> None:
        """This lane uses the connection no more."""


class Lane:
    """Sends letters until there are none. `letter` is the one between envelope and answer."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._feed = run.feed
        self.letter: Letter | None = None
        self.session: Session | None = None
        self.task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        try:
            while (letter := await self._feed.take()) is not None:
                if not await self._connected(letter):
                    return
                await self._chain(letter)
        finally:
            await self._leave()

    async def _connected(self, letter: Letter) -> bool:
        if isinstance(letter.mail, PublishError) or self.session is not None:
            return True
        try:
            self.session = await self._run.session()
        except PublishError as error:
            if not self._feed.closed:  # else another lane has said so already
                self._run.settled(letter, error)
            return False
        if self.session is None:
            self._feed.put_back(letter)
        return self.session is not None

    async def _chain(self, letter: Letter) -> None:
        """This letter, and those that follow it without a pause on the same connection."""
        session = self.session
        mail = self._sendable(letter)
        if session is None or mail is None:
            return
        self._run.busy += 1
        following: Letter | None = letter
        try:
            session.begin(mail)
            while following is not None:
                self.letter = following
                following = await self._step(session, following)
            await session.rest()
            self.letter = None
        finally:
            self._run.busy -= 1
        if session.wire.gone is not None:
            await self._leave()

    async def _step(self, session: Session, letter: Letter) -> Letter | None:
        """Bring a letter whose envelope is under way to its end. Returns the next whose envelope is."""
        assert isinstance(letter.mail, Mail)
        try:
            refusal = await session.answers(letter.mail)
            if refusal is None and session.wire.gone is not None:  # ready, and away already
                raise session.wire.gone
        except Gone as gone:
            self._met_the_end(session, letter, gone)
            return None
        if refusal is not None:
            self._run.settled(letter, refusal)
        elif self._feed.closed or not await self._run.commits.intend(letter):
            session.take_back()
            self._run.refused()
        else:
            return await self._content(session, letter, letter.mail)
        following = self._following() if session.wire.gone is None else None
        if following is not None:
            session.begin(_mail(following))
        return following

    async def _content(self, session: Session, letter: Letter, mail: Mail) -> Letter | None:
        try:
            await session.head(mail)
        except Gone as gone:
            early = reader_refused(gone.reply) if gone.reply is not None and gone.reply.kind == 5 else None
            said = gone.reply is not None or gone.garbage
            self._run.settled(letter, early or lost_before(gone), None if said else session)
            return None
        following = self._following()
        session.end(_mail(following) if following is not None else None)
        try:
            reply = await session.verdict()
        except Gone as gone:
            self._run.settled(letter, lost_after(gone.detail), session)
            if following is not None:  # it lost nothing, and met nothing of its own
                self._feed.put_back(following)
            return None
        outcome = Receipt(remote_id=reply.words) if reply.kind == 2 else reader_refused(reply)
        self._run.settled(letter, outcome, session if reply.code == 421 else None)
        return following

    def _met_the_end(self, session: Session, letter: Letter, gone: Gone) -> None:
        """The connection ended before it took anything of this letter: another carries it, but not for ever."""
        fresh = session.letters == 0
        if fresh and session.heard == 0 and gone.reply is None:
            self._run.silent(session)
        letter.meetings += 1
        if letter.meetings >= MEETINGS or gone.garbage or (fresh and gone.timed_out):
            self._run.settled(letter, lost_before(gone))
        else:
            self._feed.put_back(letter)

    def _following(self) -> Letter | None:
        """The next letter that this connection can carry, if one is ready."""
        while (letter := self._feed.take_now()) is not None:
            if self._sendable(letter) is not None:
                return letter
        return None

    def _sendable(self, letter: Letter) -> Mail | None:
        """The mail of a letter; what cannot be sent is settled here."""
        if isinstance(letter.mail, PublishError):
            self._run.settled(letter, letter.mail)
            return None
        refusal = self.session.refuses(letter.mail) if self.session is not None else None
        if refusal is not None:
            self._run.settled(letter, refusal)
            return None
        return letter.mail

    async def _leave(self) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        if self.letter is not None:  # stopped half-way: nothing may follow on this connection
            session.wire.lose(Gone("stopped"))
        self._run.leave(session)


def _mail(letter: Letter) -> Mail:
    assert isinstance(letter.mail, Mail)
    return letter.mail
