"""Following the links of what is published: each is opened once, and every place that has it is told what came of it.

The core opens no connection: it asks a `Fetch` (`veille_publishers.link_fetch`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from veille import checks
from veille.checks.links.ground import following, host_of, is_inside, is_reserved, parts_of
from veille.checks.links.own import is_ours
from veille.checks.links.rules import PRIVATE
from veille.checks.subjects import Link
from veille.config import Config
from veille.errors import Finding
from veille.library import Library, softened
from veille.linking.answers import Answer, Fetch, Outcome
from veille.linking.memory import FILE_NAME, Memory
from veille.linking.verdicts import verdicts
from veille.reading import in_order

__all__ = ["Answer", "Fetch", "LinkWalk", "Outcome", "places"]


def places(library: Library, config: Config, files: Collection[str] | None = None) -> dict[str, list[Link]]:
    """Every address that a reader may open, with each place where it is written.

    Args:
        files: only these; None: everything in `content/`.

    Returns:
        addresses without their fragment. Pages that we write ourselves, addresses of examples and what is not of
        the web (`mailto:`, `tel:`) are left out, and so are hosts of our own network: a text that somebody sent in
        shall not make this computer ask them (its author may allow `link-private`).
    """
    base_url = config.settings.workspace.base_url
    found: dict[str, list[Link]] = {}
    for subject in checks.subjects(library, config):
        for link in following(subject) if files is None or subject.file in files else ():
            allowed = getattr(subject.source, "allow", (PRIVATE.code,))  # records are ours
            if (address := _opened(link, base_url)) and (PRIVATE.code in allowed or not is_inside(host_of(address))):
                found.setdefault(address, []).append(link)
    return found


def _opened(link: Link, base_url: str) -> str:
    """The address to open; "" when there is nothing to open."""
    if is_ours(link, base_url):
        return ""
    address = base_url + link.href if link.href.startswith("/") and not link.href.startswith("//") else link.href
    if parts_of(address) is None or is_reserved(host_of(address)):
        return ""
    return address.partition("#")[0]


class LinkWalk:
    """One round over the links of a library.

    Args:
        now: aware; tells which remembered answers still hold.
        files: only what stands in these; None: everything.
    """

    def __init__(self, library: Library, config: Config, now: datetime, files: Collection[str] | None = None) -> None:
        self._library, self._config, self._now = library, config, now
        self._places = places(library, config, files)
        self._memory = Memory(config.outbox_dir / FILE_NAME)
        remembered = {address: self._memory.get(address, now) for address in self._places}
        self._answers = {address: answer for address, answer in remembered.items() if answer}
        self.unopened = tuple(address for address in self._places if address not in self._answers)

    def findings(self, fetch: Fetch, progress: Callable[[int], None] = lambda done: None) -> list[Finding]:  # noqa: ARG005
        """Open what nobody remembers, and say what a reader would meet.

        Args:
            progress: takes how many of `unopened` are done.

        Returns:
            by file and line; what a post allows is left out, and in drafts all are warnings.
        """
        for done, answer in enumerate(fetch(self.unopened) if self.unopened else (), start=1):
            self._answers[answer.url] = answer
            self._memory.put(answer, self._now)
            progress(done)
        if self.unopened:
            self._memory.save(self._now)
        found = softened(verdicts(self._places, self._answers), self._library.drafts)
        return in_order(checks.passed(found, self._library, self._config))
