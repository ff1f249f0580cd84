"""People as they name themselves: who reviews, who wrote, and whether these are the same person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.utils import parseaddr

from veille.errors import VeilleError
from veille.folding import fold
from veille.i18n import gettext as _
from veille.reading.wording import did_you_mean

_CIVILITIES = frozenset(("m", "mr", "mme", "mlle", "dr", "pr", "madame", "monsieur", "mademoiselle", "ms", "mrs"))
_BETWEEN = re.compile(r"\s*(?:[,;/&+]|\bet\b|\band\b|\bavec\b)\s*", re.IGNORECASE)


class NotAllowed(VeilleError):
    """This person may not approve this."""

    code = "four-eyes"
    exit_code = 3


@dataclass(frozen=True)
class Person:
    """A colleague, as they are written in settings or front matter."""

    name: str
    address: str = field(default="", repr=False)

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the name without case and accents; of an address alone, those before the @."""
        text = self.name or re.sub(r"\d+", "", self.address.partition("@")[0])
        found = tuple(re.findall(r"[^\W\d_]+", fold(text)))
        return tuple(word for word in found if word not in _CIVILITIES) or found

    @property
    def called(self) -> str:
        """The name; of an address alone, the words before the @, because no address stands in the audit."""
        return self.name or " ".join(word.capitalize() for word in self.words)

    @property
    def written(self) -> str:
        """As mail headers take it."""
        return f"{self.name} <{self.address}>" if self.name and self.address else self.name or self.address


def read(text: str) -> Person:
    """ "Camille Exemple <camille@example.org>", a name or an address."""
    inside = re.fullmatch(r"\s*(.*?)\s*<([^<>]*)>\s*", text)
    if inside:
        return Person(inside[1].strip('"'), inside[2].strip())
    plain = text.strip()
    return Person("", parseaddr(plain)[1]) if "@" in plain else Person(plain)


def authors(text: str) -> list[Person]:
    """Everybody whom `author:` names: "Camille Exemple et Sam Autre"."""
    if "<" in text or "@" in text:
        return [read(part) for part in re.split(r"[,;]", text) if part.strip()]
    return [Person(part) for part in _BETWEEN.split(text) if part.strip()]


def same(one: Person, other: Person) -> bool:
    """Whether these may be one person. In doubt they are: "C. Exemple" is Camille Exemple, and so is "Camille"."""
    if one.address and other.address:
        if one.address.casefold() == other.address.casefold():
            return True
        if not (one.name and other.name):
            return _alike(one.words, other.words)
    return _alike(one.words, other.words)


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Every word of the shorter name is in the longer one, whole or as an initial, and one of them whole."""
    shorter, longer = sorted((list(one), list(other)), key=len)
    whole = [word for word in shorter if len(word) > 1 and word in longer]
    if not whole:
        return False
    for word in whole:
        longer.remove(word)
    for word in (word for word in shorter if word not in whole):
        match = next((own for own in longer if _abbreviates(word, own)), None)
        if match is None:
            return False
        longer.remove(match)
    return True


def _abbreviates(one: str, other: str) -> bool:
    return one[0] == other[0] and (len(one) == 1 or len(other) == 1)


def chosen(typed: str, listed: Iterable[str]) -> Person:
    """The reviewer that a person says to be.

    Args:
        typed: a name or an address.
        listed: `[approval] reviewers`; empty: anybody.

    Raises:
        NotAllowed: nobody, or not one of them.
    """
    person, reviewers = read(typed), [read(text) for text in listed]
    if not person.words:
        raise NotAllowed(_("who approves? No name was given"), hint=_('write it: --as "Camille Exemple"'))
    if not reviewers:
        return person
    for reviewer in reviewers:
        exact = sorted(reviewer.words) == sorted(person.words) and bool(person.name)
        if exact or (person.address and person.address.casefold() == reviewer.address.casefold()):
            return reviewer
    names = [reviewer.name or reviewer.address for reviewer in reviewers]
    meant = next((reviewer.called for reviewer in reviewers if same(reviewer, person)), typed)
    hint = did_you_mean(meant, names) or _("reviewers are: {names}").format(names=", ".join(names))
    message = _("{name} is not one of the reviewers in veille.toml").format(name=person.name or typed)
    raise NotAllowed(message, hint=hint)
