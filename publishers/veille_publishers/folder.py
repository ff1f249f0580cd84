"""What feed and web have in common: a folder that follows from everything that stands.

Every file is a `Piece`: it knows what it is made from, and is made only when that changed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from veille.errors import PublishError, RenderError, Unavailable
from veille.publishing import (
    Delivery,
    Journal,
    OnUnknown,
    Proof,
    Publication,
    ReadBack,
    Receipt,
    Rendition,
    Seen,
    Source,
)
from veille_publishers import archive
from veille_publishers.files import Piece, contents, intact, lay, write
from veille_publishers.registry import Context
from veille_publishers.site_frame import surroundings

_MADE_WITH = ".veille-{owner}.made"  # digest of the surroundings of what lies in the folder


class FolderPublisher(ABC):
    """Writes files that anybody may fetch. Doing it twice does no harm, so nothing is ever unknown for long.

    A subclass names its `kind` and says in `build` which files follow from what stands.
    """

    kind: ClassVar[str]
    on_unknown: ClassVar[OnUnknown] = OnUnknown.REWRITE

    def __init__(self, context: Context) -> None:
        self.context = context
        self.config = context.config
        self.live = context.config.live(self.kind)
        self._made: dict[str, tuple[str, bytes]] = {}
        self._memory = archive.Memory()

    @property
    def folder(self) -> Path:
        """Where the files go: `output`, or outbox/web in the sandbox, where feed and pages lie together."""
        return self.folder_of(self.kind)

    def folder_of(self, kind: str) -> Path:
        """Where the files of a channel like this one go."""
        if self.config.live(kind):
            return self.config.root / str(self.config.channel(kind).output)
        return self.config.outbox_dir / "web"

    @abstractmethod
    def pieces(self, standing: Sequence[Publication]) -> Sequence[Piece]:
        """Every file of this channel, in the order in which they are to appear. Pure.

        Raises:
            RenderError: what all files share cannot be made.
        """

    def build(self, standing: Sequence[Publication]) -> Mapping[str, bytes]:
        """Every file: address relative to the folder -> content. The next call makes only what changed.

        Raises:
            RenderError: a template fails, or the logo cannot be read.
        """
        pieces, kept = self.pieces(standing), self._made
        fresh = [p for p in pieces if not p.mark or kept.get(p.name, ("", b""))[0] != p.mark]
        made = dict(zip((p.name for p in fresh), contents(fresh), strict=True))
        self._made = {p.name: (p.mark, made[p.name]) if p.name in made else kept[p.name] for p in pieces}
        return {name: content for name, (_mark, content) in self._made.items()}

    def wrote(self, names: frozenset[str]) -> None:  # noqa: B027 (most tell nobody)
        """Told after files changed, once they stand. Must not raise: what is written is delivered."""

    @abstractmethod
    def proof(self, rendition: Rendition) -> Proof:
        """What people will see of it."""

    def render(self, source: Source) -> Rendition | None:
        """Freeze the source with the bytes of its pictures; pages are made when something is delivered."""
        return archive.rendition(self.kind, source)

    def targets(self) -> Sequence[str]:
        """One: the folder."""
        return ("folder",)

    def show(self, publication: Publication) -> None:  # noqa: B027 (most folders have nothing to show)
        """Nothing before its time: the folder holds what is public."""

    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002 (the port names it)
        """None: nothing leaves this machine."""
        return ()

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Rewrite once for the whole batch, and only what changed."""
        wanted = [delivery for delivery in deliveries if journal.intent(delivery)]
        if not wanted:
            return
        failure = self._rewrite(journal)
        for delivery in wanted:
            journal.settle(delivery, failure or self._receipt(delivery))

    @cached_property
    def surroundings(self) -> str:
        """What every file is made with; templates are read once in the life of a process."""
        return surroundings(self.config, live=self.live)

    def outdated(self) -> bool:
        """Whether settings, templates or the program changed since the files were written, or somebody touched them."""
        try:
            made_with = self._made_with.read_text(encoding="ascii")
        except (OSError, ValueError):
            return True
        return made_with != self.surroundings or not intact(self.folder, self.kind)

    @property
    def _made_with(self) -> Path:
        return self.folder / _MADE_WITH.format(owner=self.kind)

    def rest(self) -> None:  # noqa: B027 (a file is never kept open)
        """Nothing is kept open."""

    def read_back(self, delivery: Delivery) -> ReadBack:  # noqa: ARG002 (the port names it)
        """Nothing to look at: files are written again instead."""
        return ReadBack(Seen.UNREADABLE)

    def read_back_delays(self) -> Sequence[timedelta]:
        """No look comes."""
        return ()

    def archive(self, standing: Sequence[Publication]) -> archive.Archive:
        """What stands, sorted out."""
        return archive.read(standing, self.config.settings.workspace.backlog, self._memory)

    def _rewrite(self, journal: Journal) -> PublishError | None:
        try:
            self.wrote(lay(self.folder, self.pieces(journal.standing(self.kind)), self.kind))
            write(self._made_with, self.surroundings.encode())
        except PublishError as error:
            return error
        except RenderError as error:  # a template of the newsroom, or its logo: mend it, and it leaves
            return Unavailable(error.message, hint=error.hint, detail="RenderError", about_us=True)
        return None

    def _receipt(self, delivery: Delivery) -> Receipt:
        url = str(delivery.publication.rendition.payload["item"]["url"])
        return Receipt(url=url, at=self.context.clock())
