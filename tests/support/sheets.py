"""Call sheets of any size."""

from __future__ import annotations

from dataclasses import replace

from veille.callsheet import Group, Message, Sheet
from veille.rendering import Contact


def large(whole: Sheet, messages: int, partners: int) -> Sheet:
    """The same sheet with that many messages, two of them urgent, and partners for five needs."""
    said = Message(
        "s", "f", "Un titre assez long pour une ligne et demie", "Une phrase qui dure. " * 10, "Service", "fr"
    )
    made = [replace(said, source=str(n), title=f"{said.title} {n}", urgent=n < 2) for n in range(messages)]
    people = [
        Contact(f"Partenaire numéro {n}", "01 99 00 12 34", hours="Du lundi au vendredi") for n in range(partners)
    ]
    groups = tuple(Group(f"Besoin {n}", tuple(people[n::5])) for n in range(5))
    return replace(whole, messages=tuple(made), groups=groups)
