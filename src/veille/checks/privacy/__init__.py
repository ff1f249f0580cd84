"""Privacy: what a text or picture tells of people who did not ask to be told of."""

from __future__ import annotations

from collections.abc import Iterator

from veille.checks.privacy import details, people, photos
from veille.checks.privacy.names import named
from veille.checks.rules import Check, Context
from veille.checks.subjects import Subject
from veille.errors import Finding


def look(subject: Subject, context: Context) -> Iterator[Finding]:
    """Names, dates, addresses and numbers of people, and pictures of them."""
    for text in subject.texts:
        found = list(named(text.content))
        yield from people.people(text, found)
        yield from people.recognisable(text)
        yield from people.births(text, found, context.today)
        yield from details.details(text, found)
    yield from details.mail_links(subject)
    yield from photos.photos(subject)


CHECK = Check(
    rules=(
        *(people.SITUATION, people.RECOGNISABLE, people.BIRTH),
        *details.RULES,
        *photos.RULES,
    ),
    each=look,
)
