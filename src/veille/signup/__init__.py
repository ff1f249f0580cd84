"""Subscribing by oneself: asking, confirming from the mailbox, and limits that keep anybody from being pestered."""

from veille.signup.consent import Question, Words, consent_words, keep, question
from veille.signup.limits import Limit, Limits, alarmed_at, client_of
from veille.signup.signups import Answer, Asked, Confirmation, Outcome, Signups, Wanted

__all__ = [
    "Answer",
    "Asked",
    "Confirmation",
    "Limit",
    "Limits",
    "Outcome",
    "Question",
    "Signups",
    "Wanted",
    "Words",
    "alarmed_at",
    "client_of",
    "consent_words",
    "keep",
    "question",
]
