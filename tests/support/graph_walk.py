"""A life of one Facebook post: a real ledger, the real publisher, the fake of Meta, and every mishap in between.

    with facebook_walk(settings={"NATIVE_SCHEDULING": "true"}) as walk:
        walk.fake.sequence(*faults)
        walk.crash_at("facebook.after-feed:1", "settle.before:2")
        walk.publish()
        walk.live()
        walk.judge()

How it dies, and what any life is made of: `graph_life`. Time is the fake's, moved forward to whatever comes next.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.support.fast_ledger import memory
from tests.support.graph_desk import post
from tests.support.graph_fake import GraphFake, graph_fake
from tests.support.graph_life import FINAL, Crash, Mortal, empty_ledger, happened, scheduler, social_item
from tests.support.graph_pages import Post
from veille.config import Config, load
from veille.dispatch import Pump
from veille.outbox import schema
from veille.outbox.actions import Actions, Answer
from veille.outbox.database import Database
from veille.outbox.pending import pending
from veille.outbox.queue import Change, Queue
from veille.outbox.report import Report
from veille.publishing import Rendition
from veille.rendering import RenderedPost, Templates
from veille_publishers.facebook import Facebook
from veille_publishers.http import session
from veille_publishers.registry import Context

MOST_STEPS = 150  # looks of the scheduler in one life story
MOST_RESUMES = 4  # a person lets a stopped channel go on
COMMENT = "Inscription : 01 99 00 12 34"


@cache
def rendered(pictures: int, comment: str, text: str) -> Rendition:
    """A rendition of the publisher, made once for all walks."""
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        config = _config(Path(folder), {})
        publisher = Facebook(Context(config, _templates(), lambda: datetime.max.replace(tzinfo=UTC), session))
        made = publisher.render(_source(pictures, comment, text))
    assert made is not None
    return made


def _source(pictures: int, comment: str, text: str) -> RenderedPost:
    return post(pictures, facebook_text=text, facebook_comment=comment)


def _config(root: Path, environ: dict[str, str]) -> Config:
    (root / "veille.toml").write_text('[workspace]\nbase_url = "https://lettre.example.org"\n')
    return load(root, {f"VEILLE_FACEBOOK__{key}": value for key, value in environ.items()})


@dataclass
class Walk:
    """One post and its life."""

    root: Path
    fake: GraphFake
    database: Database
    config: Config
    pictures: int = 1
    comment: str = ""
    mortal: Mortal = field(default_factory=Mortal)
    due: datetime = field(default_factory=lambda: datetime.max.replace(tzinfo=UTC))
    dues: list[datetime] = field(default_factory=list)  # its times before they were changed
    text: str = "Mardi, on mange ensemble !"
    lives: Iterator[int] = field(default_factory=itertools.count)
    pump: Pump | None = None
    others: int = 0  # visible posts that are not ours, or not this one
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.publisher = Facebook(Context(self.config, _templates(), self.now, self._session, self._sleep))
        self.queue, self.report, self.actions = Queue(self.database), Report(self.database), Actions(self.database)

    def now(self) -> datetime:
        """The fake's time."""
        return self.fake.world.clock()

    def _session(self) -> Any:
        return session(self.fake.patience)

    def _sleep(self, seconds: float) -> None:
        self.fake.world.clock.advance(seconds=seconds)

    def crash_at(self, *points: str) -> None:
        """Die at these points, one life after the other."""
        self.mortal.points.extend(points)

    # --- what people do -----------------------------------------------------------------------------------

    def publish(self, *, wait: timedelta = timedelta()) -> None:
        """Queue the post.

        Args:
            wait: from now to its time.
        """
        self.due = self.now() + wait
        self._put("repas", self.due)

    def twin(self) -> None:
        """Another post with the very same words and pictures, due now."""
        self.others += 1
        self._put("twin", self.now())

    @property
    def rendition(self) -> Rendition:
        """What is to be shown."""
        return rendered(self.pictures, self.comment, self.text)

    def _put(self, source: str, due: datetime) -> Change:
        rendition = self.rendition
        known = {entry.source: entry for entry in self.queue.all()}.get(source)
        edits = known is not None and known.there and self.publisher.editable(self.queue.stored(known.id), rendition)
        item = social_item(
            self.publisher,
            rendition,
            due,
            source=source,
            title=source,
            slug=source,
            body_hash=self.text,
            edits=edits,
            comment=bool(self.comment),
        )
        (change,) = self.queue.put([item], [], self.now()).values()
        self.told.append(f"publish: {change}")
        return change

    def edit(self, *, text: str = "", pictures: int = 0, later: timedelta = timedelta()) -> None:
        """The file changes. What is public can follow with its words alone; what may be out, with nothing.

        Args:
            later: it is to come so much later than it was.
        """
        before = self.pictures, self.text
        self.pictures, self.text = pictures or self.pictures, text or self.text
        entry = next(one for one in self.queue.all() if one.source == "repas")
        due = entry.due if entry.fixed else entry.due + later
        change = self._put("repas", due)
        if change in (Change.UPDATED, Change.REPLACE):
            self.dues.append(self.due)
            self.due = due
        elif change is not Change.EDIT:  # nobody gets it
            self.pictures, self.text = before

    def cancel(self, *, public: bool = False) -> None:
        """A person does not want it any more."""
        self.told.append(f"cancel: {self.actions.cancel('p1', self.now(), public=public)}")

    def retry(self) -> None:
        """A person does not want to wait, or has mended the cause."""
        self.told.append(f"retry: {self.actions.retry('d1', self.now())}")

    def drop(self) -> None:
        """A person does not want it any more; of what is held, they know that nobody sees it or is about to."""
        row = self.row()
        if row.state != "held" or not (self.mine or (self._there and not row.remote_id)):
            self.told.append(f"drop: {self.actions.resolve('d1', Answer.CANCEL, self.now())}")

    def answer(self) -> None:
        """A person has looked at the page and at what waits there, and says the truth."""
        answer = Answer.SENT if self.mine else Answer.RETRY
        if answer is Answer.SENT or not self._there:
            self.told.append(f"{answer}: {self.actions.resolve('d1', answer, self.now())}")

    @property
    def _there(self) -> bool:
        """Whether the service has it, seen or not."""
        return any(one.ours for one in self.fake.world.facebook.posts.values())

    # --- time passes --------------------------------------------------------------------------------------

    def live(self, until: datetime | None = None) -> None:
        """Run the scheduler until nothing is left to do, or until a moment."""
        resumes = 0
        with self.mortal.may_die():
            for _step in range(MOST_STEPS):
                self.once()
                self.look()
                moment = self.next_moment()
                if moment is None and self._stopped() and resumes < MOST_RESUMES:
                    self.actions.pause("facebook", self.now(), paused=False)
                    resumes += 1
                    continue
                if moment is None or (until and moment > until):
                    break
                self._until(moment)
            else:
                raise AssertionError(f"it does not end: {self.story()}")
        if until:
            self._until(until)

    def once(self) -> None:
        """One pass of the scheduler, or less of it when it dies."""
        try:
            if self.pump is None:
                self.pump = self.born()
            self.pump.once()
        except Crash as crash:
            self.told.append(f"died at {crash}")
            self.pump = None

    def born(self) -> Pump:
        """A scheduler that has just been started."""
        return scheduler(self.database, self.publisher, "facebook", f"life-{next(self.lives)}", self.now, self._sleep)

    def _until(self, moment: datetime) -> None:
        self.fake.world.clock.offset += max(moment - self.now(), timedelta(seconds=0.01))

    def next_moment(self) -> datetime | None:
        """When the scheduler has something to do next; None: never, unless a person acts."""
        if self._stopped():
            return None
        d, p = schema.delivery, schema.publication
        waits = sa.select(d.c.due_at, p.c.due_at).join(p, p.c.id == d.c.publication_id)
        with self.database.read() as connection:
            rows = connection.execute(waits.where(d.c.state.not_in(FINAL), p.c.paused == 0)).all()
        # A try that was put off may be due before its post: then too late for Facebook, and too early for us.
        waiting = [due if own <= self.now() < due else own for own, due in rows]
        return min([*waiting, *(one.due for one in pending(self.database) if one.due)], default=None)

    def _stopped(self) -> bool:
        return bool(self.report.stops())

    # --- what must hold -----------------------------------------------------------------------------------

    @property
    def mine(self) -> list[Post]:
        """The post as visitors see it: none or one."""
        return self.fake.visible_posts()

    def live_with(self, posts: int) -> None:
        """`live`, on a page on which somebody else posts too."""
        self.others = posts - 1
        self.live()

    def look(self) -> None:
        """At any time: never two, never two that were ever seen, never early, one first comment, everything counted."""
        self.fake.expect("facebook", most=1 + self.others)
        every = [one for one in self.fake.world.facebook.every_post.values() if one.public_since]
        first = min((one.public_since for one in every if one.public_since), default=None)
        # Whoever changes its time at the last moment may be too late for what Facebook holds. Meta counts in seconds.
        early = first is not None and first < min([self.due, *self.dues]) - timedelta(seconds=1)
        assert self.others or not early, f"public before its time: {self.story()}"
        assert all(len(one.comments) <= 1 for one in every), f"commented twice: {self.story()}"
        for status in self.report.publications():
            assert status.balanced, status

    def row(self, delivery: int = 1) -> Any:
        """All that the ledger says about the delivery."""
        with self.database.read() as connection:
            return connection.execute(sa.select(schema.delivery).where(schema.delivery.c.id == delivery)).one()

    def waits(self) -> dict[str, Any]:
        """The follow-ups that are left, by kind."""
        f = schema.follow_up
        with self.database.read() as connection:
            return {row.kind: row for row in connection.execute(sa.select(f))}

    def judge(self) -> None:
        """At the end: the ledger and the page say the same, or a person is asked."""
        self.look()
        row, seen, waits = self.row(), self.mine, self.waits()
        assert row.state in FINAL or self._stopped(), self.story()
        if row.state == "sent" and row.last_code != "deleted" and "delete" not in waits:
            assert len(seen) == 1, self.story()
            # A draft that gets another id when it is shown may be out of sight at that moment.
            renamed = self.fake.world.new_id_when_published and "draft" in row.checkpoint
            by_hand = not row.remote_id and "sent: 1" in self.told
            assert renamed or by_hand or seen[0].id == row.remote_id, self.story()
            shown = [photo.alt for photo in seen[0].photos]
            wanted = [f"Photo {n + 1} : la salle" for n in range(self.pictures)]
            as_wanted = seen[0].message.startswith(self.text) and shown == wanted
            # What is public before we come keeps its pictures; what we may not change is left to a person.
            assert as_wanted or waits.keys() & {"edit", "replace"}, self.story()
            commented = [one.message for one in seen[0].comments]
            assert commented == ([self.comment] if self.comment else []) or "comment" in waits, self.story()
        if (row.state == "cancelled" or row.last_code == "deleted") and "delete" not in waits:
            assert seen == [], self.story()
        if row.state == "ready":
            assert self._stopped(), self.story()

    def story(self) -> str:
        """What happened, for whoever reads a failure."""
        row = self.row()
        head = f"{row.state} {row.last_code} {row.last_error}"
        lines = [head, *self.told, *happened(self.fake, self.database, [1]), str(self.waits())]
        return "\n  ".join(lines)


@cache
def _templates() -> Templates:
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        return Templates(_config(Path(folder), {}))


@contextmanager
def facebook_walk(*, pictures: int = 1, comment: str = "", settings: Mapping[str, str] | None = None) -> Iterator[Walk]:
    """A page, an empty ledger and a scheduler.

    Args:
        settings: of [facebook], in the words of the environment: {"NATIVE_SCHEDULING": "true"}.
    """
    with tempfile.TemporaryDirectory(dir=memory()) as folder, graph_fake() as fake, empty_ledger() as database:
        root = Path(folder)
        access = {"TRANSPORT": "graph", "API_URL": fake.url, "PAGE_ID": fake.page_id, "ACCESS_TOKEN": fake.page_token}
        yield Walk(root, fake, database, _config(root, access | dict(settings or {})), pictures, comment)
        assert os.environ.get("VEILLE_FAILPOINT") is None
