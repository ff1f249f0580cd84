"""Posts, editions and the directory made ready for what is owed, each once, however many channels ask."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from veille import shared_work
from veille.checks.contacts import not_valid_on
from veille.checks.numbers.leaving import wrong_on
from veille.config import Config
from veille.contacts import TABLED, Carrying, from_json, in_caption, shown_on
from veille.contacts import to_json as carried_json
from veille.editions import Edition
from veille.errors import ContentError, Finding, RenderError
from veille.library import Library
from veille.outbox.queue import REWRITING, Queue
from veille.planning import Owed
from veille.posts import Post
from veille.publishing import Source
from veille.rendering import (
    Cover,
    Entry,
    RenderedDirectory,
    RenderedEdition,
    RenderedPost,
    labels,
    render_directory,
    render_edition,
    render_file,
    render_post,
)
from veille.rendering.contacts import of_day


class Studio:
    """Renders posts and editions once, however many channels ask."""

    def __init__(self, library: Library, config: Config, queue: Queue, now: datetime) -> None:
        self._library = library
        self._config = config
        self._queue = queue
        self._now = now
        self._by_source = {post.source: post for post in library.posts}
        self.first_seen = queue.first_seen()
        self._posts: dict[tuple[str, Hashable], RenderedPost] = {}

    def source(self, owed: Owed) -> Source:
        """What a publisher renders."""
        day = shown_on(owed, self._config, self._now)
        out = owed.existing is not None and owed.existing.fixed and owed.channel not in REWRITING
        if wrong := () if out else self.wrong(owed):
            raise ContentError(wrong)
        if owed.directory:
            return self._directory(owed, day)
        return self._post(owed.post, day) if owed.post else self._edition(owed, day)

    def wrong(self, owed: Owed) -> tuple[Finding, ...]:
        """What may not be shown on its day: contacts that do not hold then, numbers that are not theirs."""
        return tuple(self._wrong_on(shown_on(owed, self._config, self._now), self._fresh(owed)))

    def _wrong_on(self, day: date, texts: list[Post | Edition]) -> Iterator[Finding]:
        yield from not_valid_on(texts, self._library, self._config, day)
        yield from wrong_on(texts, self._library, self._config, day)

    def _fresh(self, owed: Owed) -> list[Post | Edition]:
        """The texts of it that are read now, not those that the outbox keeps."""
        members = [self._by_source[s] for s in owed.members if s in self._by_source and s not in owed.kept]
        return [source for source in (owed.post, owed.edition, *members) if source is not None]

    def shows(self, owed: Owed, caption: str | None) -> str:
        """The contacts that readers see of it, as the outbox keeps them.

        Args:
            caption: everything that a social channel shows; None elsewhere.
        """
        posts = [owed.post] if owed.post else [self._by_source[s] for s in owed.members if s in self._by_source]
        carrying = Carrying(self._library, shown_on(owed, self._config, self._now))
        table = owed.channel in TABLED or any(post.sensitive for post in posts)
        carried = carrying.of(self._fresh(owed), table=table)
        if owed.directory:
            return carried_json({**carried, **carrying.directory(owed.source)})
        if caption is not None:
            return carried_json(in_caption(carried, caption))
        before = from_json(owed.existing.contacts) if owed.existing else {}
        return carried_json({**{s: before[s] for s in owed.kept if s in before}, **carried})

    def ahead(self, owed: Sequence[Owed]) -> None:
        """Make ready what nobody has seen yet: an archive that comes in at once is shared with a second process.

        What cannot be made ready is tried again where its error is told.
        """
        new = [(one.post, shown_on(one, self._config, self._now)) for one in owed if one.post and not one.existing]
        wanted = {self._key(post, day): (post, day) for post, day in new}
        made = shared_work.each(self._tried, list(wanted.values()))
        self._posts |= {key: post for key, post in zip(wanted, made, strict=True) if post}

    def _tried(self, wanted: tuple[Post, date]) -> RenderedPost | None:
        try:
            return self._rendered(*wanted)
        except (ContentError, RenderError):
            return None

    def _post(self, post: Post, day: date) -> RenderedPost:
        key = self._key(post, day)
        if key not in self._posts:
            self._posts[key] = self._rendered(post, day)
        return self._posts[key]

    def _key(self, post: Post, day: date) -> tuple[str, Hashable]:
        return post.source, of_day(self._library, day)

    def _rendered(self, post: Post, day: date) -> RenderedPost:
        # A post without a date has the date on which it was first published, for ever.
        now = self.first_seen.get(post.source, self._now)
        return render_post(post, self._library, self._config, now=now, day=day)

    def _edition(self, owed: Owed, day: date) -> RenderedEdition:
        stored = self._stored(owed)
        posts = [stored[s] if s in stored else self._post(self._by_source[s], day) for s in owed.members]
        if owed.edition:
            return render_file(owed.edition, posts, self._library, self._config, due=owed.due, day=day)
        cover = Cover(owed.source, owed.source, owed.title, titles=self._titles(owed))
        return render_edition(cover, posts, self._library, self._config, due=owed.due, day=day)

    def _directory(self, owed: Owed, day: date) -> RenderedDirectory:
        """Partners whose record has an error stay as readers see them now; one that nobody saw yet is left out."""
        before: tuple[Entry, ...] = ()
        if owed.kept and owed.existing:
            stored = self._queue.stored(owed.existing.id).payload["item"]
            before = RenderedDirectory.from_json(stored).partners
        kept = [entry for entry in before if entry.id.removeprefix("partner:") in owed.kept]
        return render_directory(self._library, self._config, day=day, kept=kept, without=owed.kept)

    def _titles(self, owed: Owed) -> dict[str, str]:
        """The title of a gathered letter in the other languages that veille speaks."""
        day = owed.due.astimezone(self._config.zone).date()
        own, name = self._config.settings.workspace.language, self._config.brand.name
        return labels.elsewhere(own, lambda other: labels.letter_title(name, day, other))

    def _stored(self, owed: Owed) -> dict[str, RenderedPost]:
        """Members that nobody asked to publish now, as the outbox keeps them."""
        if not owed.kept or owed.existing is None:
            return {}
        rendition = self._queue.stored(owed.existing.id)
        values = rendition.payload.get("edition") or rendition.payload.get("item") or {}
        content = {file.name: file.content for file in rendition.files}
        edition = RenderedEdition.from_json(values)
        return {
            post.source: replace(
                post, pictures=tuple(replace(p, content=content.get(p.name, b"")) for p in post.pictures)
            )
            for post in edition.posts
            if post.source in owed.kept
        }
