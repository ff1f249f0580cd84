"""The codes that reading files reports: a file that cannot be read as meant is never published as it is not.

`reading`, `library`, `pictures` and the channels find these themselves; here stands what they mean.
"""

from __future__ import annotations

from veille.checks.rules import Check, Rule, mark
from veille.errors import Severity


def form(code: str, title: str, why: str, remedy: str, wrong: str = "", right: str = "") -> Rule:
    """A code that no post can allow itself."""
    return Rule(code, title, why, remedy, wrong, right, excusable=False)


_NOT_GUESSED = mark("veille never guesses what was meant: a wrong guess would leave for every reader.")
_YAML_WHY = mark("The front matter is YAML, and YAML reads some signs otherwise than people do.")

RULES = (
    form("yaml", mark("The front matter cannot be read"), _YAML_WHY, mark("Mend the line as the hint shows it.")),
    form(
        "yaml-space",
        mark("A space is missing, or is not an ordinary one"),
        _YAML_WHY,
        mark("Write one ordinary space after the colon."),
        "title:Repas partagé",
        "title: Repas partagé",
    ),
    form(
        "yaml-tab",
        mark("A tab stands where YAML wants spaces"),
        _YAML_WHY,
        mark("Replace the tab with two spaces."),
    ),
    form(
        "yaml-value",
        mark("A value that YAML reads otherwise"),
        _YAML_WHY,
        mark("Put the value between quotation marks."),
        "title: Repas : le mardi",
        'title: "Repas : le mardi"',
    ),
    form(
        "yaml-comment",
        mark("What follows # would not be read"),
        mark("In YAML a # after a space begins a comment: the rest of the line would silently be lost."),
        mark("Put the value between quotation marks."),
        "title: Le podcast #3 est là",
        'title: "Le podcast #3 est là"',
    ),
    form(
        "yaml-key",
        mark("A key is not one word"),
        _YAML_WHY,
        mark("Write the key as one word, or put the text between quotation marks."),
    ),
    form(
        "yaml-sign",
        mark("A sign with a meaning of its own in YAML"),
        _YAML_WHY,
        mark("Put the value between quotation marks."),
    ),
    form(
        "yaml-size",
        mark("Nested too deep, or too long"),
        mark("Nobody writes this by hand: it is mostly a paste that went wrong."),
        mark("Take out what was pasted."),
    ),
    form(
        "control-character",
        mark("An invisible control character"),
        mark("It came with a paste; mail programs and screen readers stumble over it."),
        mark("Type the line again."),
    ),
    form(
        "encoding",
        mark("The file is not UTF-8"),
        mark("Accents would leave as wrong signs."),
        mark("Save it again as UTF-8: every text editor offers it under “Save as”."),
    ),
    form(
        "unreadable",
        mark("The file cannot be read"),
        mark("It is not an ordinary text file, or may not be opened."),
        mark("Look at what the message says of it: size, permissions, a link."),
    ),
    form(
        "front-matter-missing",
        mark("There is no front matter"),
        mark("Title and date stand there; without them nothing can be published."),
        mark("Begin the file with a line ---, then title: …, then a second line ---."),
    ),
    form(
        "front-matter-end",
        mark("The front matter does not end"),
        mark("Without the second line of three dashes the whole text would be read as keys."),
        mark("Put a line with --- above the text."),
    ),
    form(
        "front-matter-size",
        mark("The front matter is too long"),
        mark("Longer than 64 KiB: it is mostly the text itself, above the second line of dashes."),
        mark("Put a line with --- above the text."),
    ),
    form(
        "empty",
        mark("The post has no text"),
        mark("Readers would open an empty page."),
        mark("Write the text, or set draft: true until it is there."),
    ),
    form("missing", mark("A key is missing or empty"), _NOT_GUESSED, mark("Write it.")),
    form(
        "unknown-key",
        mark("An unknown key"),
        mark("A typing error in a key would silently do nothing."),
        mark("Write the key that the hint names; docs/front-matter.md lists them all."),
        "sumary: Un repas chaud",
        "summary: Un repas chaud",
    ),
    form("wrong-value", mark("A value of the wrong form"), _NOT_GUESSED, mark("Write it as the hint shows.")),
    form(
        "unknown-word",
        mark("A word that is not one of those known here"),
        _NOT_GUESSED,
        mark("Choose one of the words that the message lists."),
    ),
    form(
        "too-long",
        mark("A text is too long for its place"),
        mark("It would be cut in the middle of a word."),
        mark("Shorten it."),
    ),
    form("duplicate-key", mark("Two keys mean the same"), _NOT_GUESSED, mark("Keep one of the two.")),
    form("duplicate-number", mark("A help line stands twice"), _NOT_GUESSED, mark("Keep one of the two records.")),
    form(
        "slug",
        mark("A web address that cannot be used"),
        mark("Addresses hold small letters without accents, digits and hyphens."),
        mark("Write slug: my-post."),
    ),
    form("id", mark("An identity that cannot be used"), _NOT_GUESSED, mark("Write letters, digits and hyphens.")),
    form(
        "lang",
        mark("Not a language code"),
        mark("Screen readers choose their voice by it."),
        mark("Write fr, en, ar…"),
    ),
    form(
        "channel",
        mark("An unknown channel"),
        _NOT_GUESSED,
        mark("Name newsletter, feed, web, facebook or instagram, or delete the line for all of them."),
    ),
    form("town", mark("An unknown town"), _NOT_GUESSED, mark("Write it as in [workspace] towns.")),
    form(
        "date",
        mark("A date or time that does not exist or cannot be read"),
        _NOT_GUESSED,
        mark("Write 2026-12-05 or 2026-12-05 18:00."),
    ),
    form("event-end", mark("The event ends before it starts"), _NOT_GUESSED, mark("Check the day and the time.")),
    form("url", mark("Not a web address"), _NOT_GUESSED, mark("Write it in full: https://example.org/page")),
    form(
        "hashtag",
        mark("A hashtag with signs that cut it"),
        mark("The service would cut it at that sign."),
        mark("Use only letters, digits and underscores."),
    ),
    form(
        "phone",
        mark("A record whose number cannot be dialled"),
        mark("Somebody would call it and reach nobody."),
        mark("Ask the partner, and write the number as it is printed."),
    ),
    form(
        "email",
        mark("A record whose mail address cannot be written to"),
        mark("Mail to it would come back."),
        mark("Ask the partner, and correct it."),
    ),
    form(
        "no-content",
        mark("There is nothing to publish"),
        mark("The folder of posts is missing."),
        mark("Make it with `veille init`, or write a first post with `veille new post`."),
    ),
    form(
        "no-such-file",
        mark("There is no such post or edition"),
        mark("A typing error in the name, or the file was moved."),
        mark("Write its path, or its name."),
    ),
    Rule(
        "no-helplines",
        mark("There are no help lines"),
        mark("The emergency block of every letter and page would be empty."),
        mark("Write content/helplines.yaml; `veille init` makes one."),
        severity=Severity.WARNING,
    ),
    Rule(
        "not-read",
        mark("A file that is not read"),
        mark("Somebody wrote it and waits for it to be published."),
        mark("Save it as plain text with the ending .md (posts) or .yaml (partners)."),
        severity=Severity.WARNING,
    ),
    form(
        "renamed",
        mark("A text that already left under another name"),
        mark("A renamed file looks like a new post, and would be sent twice."),
        mark("Write id: with its former name if it is the same post, another id if it is not."),
    ),
)

CHECK = Check(rules=RULES)
