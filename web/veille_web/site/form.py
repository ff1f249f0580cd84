"""The sign-up form as it came: what of it counts, and what is missing, said beside the field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from veille.i18n import gettext as _
from veille.signup import Question
from veille.subscribers import Row, normalise
from veille.subscribers.cells import FROM_15, UNDER_15
from veille_web.site.fields import one

_YES, _NO = "yes", "no"


@dataclass(frozen=True)
class Form:
    """The fields as somebody filled them in; shown again when something is missing."""

    email: str = field(default="", repr=False)
    towns: tuple[str, ...] = ()
    audience: str = ""
    audience_asked: bool = False
    fifteen: str = ""
    parent: str = ""

    def wrong(self, question: Question) -> dict[str, str]:
        """Field -> what is missing, in words; empty when the form is complete."""
        found = {}
        try:
            normalise(self.email)
        except ValueError as error:
            found["email"] = str(error)
        if question is Question.FIFTEEN and self.fifteen not in (_YES, _NO):
            found["fifteen"] = _("choose one of the two")
        elif question is Question.FIFTEEN and self.fifteen == _NO and self.parent != _YES:
            found["parent"] = _("tick this once you both agree")
        return found

    def row(self, question: Question, language: str, words: str) -> Row:
        """The reader that a complete form asks for.

        Args:
            words: the version of the words that were shown.
        """
        age = {_YES: FROM_15, _NO: UNDER_15}[self.fifteen] if question is Question.FIFTEEN else ""
        return Row(normalise(self.email), language, ",".join(self.towns), self.audience, age=age, consent_text=words)


def form(fields: Mapping[str, list[str]], towns: Collection[str], audiences: Collection[str]) -> Form:
    """Read it; a town or audience that we do not know is dropped, as an older page may name one."""
    audience = one(fields, "audience")
    return Form(
        email=one(fields, "email")[:320],
        towns=known(fields.get("towns", []), towns),
        audience=audience if audience in audiences else "",
        audience_asked="audience" in fields,
        fifteen=one(fields, "fifteen"),
        parent=one(fields, "parent"),
    )


def known(chosen: Collection[str], towns: Collection[str]) -> tuple[str, ...]:
    """Those of the chosen towns that there are, each once, in our order."""
    return tuple(town for town in towns if town in chosen)
