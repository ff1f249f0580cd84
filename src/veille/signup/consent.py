"""The words that a person agrees to, with their version, and the question about their age.

The proof of consent names the version (RGPD article 7.1); the words of each version are kept in the journal. Short
words first, the rest behind a link (RGPD articles 12.1 and 13; CNIL, recommandation 4 of 9 June 2021 for minors).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from veille.i18n import gettext as _
from veille.outbox import audit, schema
from veille.outbox.database import Database
from veille.settings import Settings

EVENT = "consent-words"  # in the journal
JOINT = "web form: the young person and a parent agreed together"


class Question(StrEnum):
    """What the form asks about age. Never a date of birth."""

    NONE = "none"
    FIFTEEN = "fifteen"  # "I am 15 or older": yes or no


def question(settings: Settings) -> Question:
    """As `[newsletter] minors` says: a service of prevention asks nothing (RGPD recital 38)."""
    joint = settings.newsletter.minors == "parental_joint_consent"
    return Question.FIFTEEN if joint else Question.NONE


@dataclass(frozen=True)
class Words:
    """Sentences as they are shown beside the button."""

    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of them, a line each."""
        return "\n".join(self.sentences)

    @property
    def version(self) -> str:
        """Changes when a word does; kept with each consent."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


def keep(database: Database, words: Words, now: datetime) -> None:
    """Write the words into the journal, once for each version, so that a proof of consent can be read later."""
    table = schema.audit
    known = sa.select(table.c.id).where(table.c.event == EVENT, table.c.digest == words.version)
    with database.write() as connection:
        if connection.execute(known).first() is None:
            audit.write(connection, [audit.line(EVENT, at=now, digest=words.version, text=words.text)])


def consent_words(settings: Settings, newsroom: str) -> Words:
    """What is shown, in the active language."""
    owner = settings.web.owner or newsroom
    sentences = [
        _("By subscribing you ask {owner} to send you the newsletter {newsroom} by e-mail.").format(
            owner=owner, newsroom=newsroom
        ),
        _(
            "We keep your address, your choices and which letters we sent you, for this letter only, until you leave; "
            "after that the proof that you agreed, and a fingerprint instead of the address."
        ),
        _("You leave in one click, at the foot of every letter. You may also see, change and erase what we keep."),
        _("If you think that we do not respect your rights, you can tell the CNIL (cnil.fr)."),
    ]
    if question(settings) is Question.FIFTEEN:
        sentences.append(
            _("If you are under 15, you and a parent, or whoever holds parental authority, decide together.")
        )
    return Words(tuple(sentences))
