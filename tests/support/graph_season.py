"""A scheduler that dies and comes back over one Instagram account on which everything goes wrong, in one process.

The ledger, the pump, the publisher and the HTTP calls are the real ones; the account is the fake. How a scheduler dies,
and what any life is made of: `graph_life`. Nobody waits: sleeping moves the fake's clock, by which all of them live.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.support.fast_ledger import memory
from tests.support.graph_desk import Desk, desk, post
from tests.support.graph_fake import GraphFake, graph_fake
from tests.support.graph_faults import Fault
from tests.support.graph_instagram import Media
from tests.support.graph_life import FINAL, Crash, Mortal, empty_ledger, happened, scheduler, social_item
from veille.outbox import schema
from veille.outbox.actions import Actions, Answer
from veille.outbox.database import Database
from veille.outbox.deliveries import Deliveries
from veille.outbox.queue import Queue
from veille.outbox.report import Report
from veille.publishing import Rendition

CHANNEL = "instagram"
PEOPLE = 3  # times that somebody mends the access and lets the channel go on
ROUNDS = 60  # passes; a back-off of four hours gives up after 48 h


def _somebody_posts(fake: GraphFake) -> None:
    """By hand, in the app: no container of ours."""
    made, now = fake.world.new_id(), fake.world.clock()
    fake.instagram.every_media[made] = Media(made, fake.ig_user_id, "", "Bonne journée !", [""], now)


SOMEBODY_POSTS = Fault("well", written=True, change=_somebody_posts)


@dataclass
class Story:
    """What happens to one post.

    Args:
        pictures: 1, or a carousel.
        host: of the API: "facebook" or "instagram".
        second_token: whether the person's token is kept too.
        faults: of the calls in order; None: it goes well.
        public: of the calls that make it public, in order.
        kills: (kill point, which time it is passed), one scheduler each.
        edit_after: passes of the pump after which an editor publishes it with other words; 0: never.
    """

    pictures: int = 1
    host: str = "facebook"
    second_token: bool = False
    faults: Sequence[Fault | None] = ()
    public: Sequence[Fault | None] = ()
    kills: Sequence[tuple[str, int]] = ()
    edit_after: int = 0


@dataclass
class Season:
    """The life of one ledger until every delivery is at its end."""

    fake: GraphFake
    office: Desk
    database: Database
    story: Story
    schedulers: int = 0
    people: int = 0
    passes: int = 0

    def publish(self, title: str) -> None:
        """An editor queues the post, or queues it again with other words."""
        now = self.office.now()
        publisher = self.office.publisher(CHANNEL)
        item = social_item(publisher, rendition(self.story.pictures, title), self._due or now)
        self._due = item.due
        Queue(self.database).put([item], [], now)

    _due: Any = None

    def live_on(self) -> None:
        """Schedulers run, die and are started again until nothing is left to do."""
        mortal = Mortal(f"{point}:{nth}" for point, nth in self.story.kills)
        with mortal.may_die():
            while True:
                try:
                    self._schedule()
                except Crash:
                    continue
                return

    def _schedule(self) -> None:
        """One scheduler, until every delivery is at its end."""
        self.schedulers += 1
        publisher = self.office.publisher(CHANNEL)
        pump = scheduler(self.database, publisher, CHANNEL, f"w{self.schedulers}", self.office.now, self._sleep)
        while not self.over:
            self.passes += 1
            assert self.passes < ROUNDS, self.told()
            pump.once()
            if self.passes == self.story.edit_after:
                self.publish("Le repas change de salle")
            self._go_on()

    def _sleep(self, seconds: float) -> None:
        self.fake.world.clock.advance(seconds=seconds)

    def _go_on(self) -> None:
        """Time passes until something is due; where the channel stands still, somebody mends the access."""
        deliveries = Deliveries(self.database, "calendar", b"k" * 32, "example.org")
        when = deliveries.next_due()
        if when is None and not self.over:
            self._mend()
            when = deliveries.next_due()
        if when is not None:
            self._sleep(max((when - self.office.now()).total_seconds(), 0) + 0.01)
        if self.passes > ROUNDS // 2:
            mend(self.fake)

    def _mend(self) -> None:
        self.people += 1
        mend(self.fake)
        Actions(self.database).pause(CHANNEL, self.office.now(), paused=False)

    @property
    def over(self) -> bool:
        """Whether every delivery is at its end."""
        with self.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT state FROM delivery").scalars().all()
        return bool(rows) and set(rows) <= set(FINAL)

    def rows(self) -> list[Any]:
        """All that the table says about each delivery."""
        with self.database.read() as connection:
            return list(connection.execute(sa.select(schema.delivery)).all())

    def told(self) -> str:
        """The story, for whoever reads a failure."""
        lived = happened(self.fake, self.database, [row.id for row in self.rows()])
        return "\n".join(map(str, (self.story, *lived, *self.rows())))

    def check(self) -> None:
        """At most one post was ever public, and one is, unless the ledger says that it failed or waits for a person."""
        (row,) = self.rows()
        media = self.visible()
        for status in Report(self.database).publications():
            assert status.balanced, self.told()
        ours = [one for one in self.fake.instagram.every_media.values() if one.container]
        assert len(ours) <= 1, self.told()
        assert media or row.state in ("failed", "held"), self.told()
        if row.state == "sent" and row.remote_id:
            assert row.remote_id == media[0].id, self.told()

    def visible(self) -> list[Media]:
        """What a visitor sees of ours."""
        return [media for media in self.fake.visible_media() if media.container]

    def resolve(self) -> None:
        """Whoever has looked says the truth about what is held, and it comes to its end."""
        (row,) = self.rows()
        if row.state != "held":
            return
        answer = Answer.SENT if self.visible() else Answer.RETRY
        Actions(self.database).resolve(f"d{row.id}", answer, self.office.now())
        mend(self.fake)
        self.live_on()


@cache
def rendition(pictures: int, title: str) -> Rendition:
    """A post as it is queued; made once."""
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        made = desk(Path(folder)).publisher(CHANNEL).render(post(pictures, title=title))
    assert isinstance(made, Rendition)
    return made


@contextmanager
def season(story: Story) -> Iterator[Season]:
    """A workspace, an account and a ledger for one story, with the post queued."""
    with tempfile.TemporaryDirectory(dir=memory()) as folder, graph_fake() as fake, empty_ledger() as database:
        office = desk(Path(folder), fake, **_environ(fake, story))
        office.slept = _Clock(fake)
        made = Season(fake, office, database, story)
        made.publish("Un repas partagé à Bagneux")
        fake.sequence(*story.faults)
        for nth, fault in enumerate(story.public, 1):
            if fault:
                fake.fault("POST", "media_publish", fault, nth)
        yield made


class _Clock(list[float]):
    """Where the desk writes down how long somebody slept: it comes to pass."""

    def __init__(self, fake: GraphFake) -> None:
        super().__init__()
        self._fake = fake

    def append(self, seconds: float) -> None:
        self._fake.world.clock.advance(seconds=seconds)


def _environ(fake: GraphFake, story: Story) -> Mapping[str, str]:
    name = "VEILLE_INSTAGRAM__"
    if story.host == "instagram":
        return {
            f"{name}LOGIN": "instagram",
            f"{name}API_URL": fake.instagram_url,
            f"{name}ACCESS_TOKEN": fake.ig_login_token,
        }
    tokens = {f"{name}ACCESS_TOKEN": fake.page_token}
    return tokens | ({f"{name}USER_TOKEN": fake.user_token} if story.second_token else {})


def mend(fake: GraphFake) -> None:
    """Somebody logs in again, renews the access and puts the settings right; the account is as it should be."""
    world = fake.world
    for token in world.tokens.values():
        token.subcode = None
    world.app_secret, world.page_tokens_read_instagram, world.instagram_takes_header = "", True, True
    fake.instagram.quota_total, fake.instagram.polls = max(fake.instagram.quota_total, 25), 0
