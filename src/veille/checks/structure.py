"""Checks of how the files fit together: names, references, pictures and dates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from veille.checks.rules import Check, Context, Rule, mark
from veille.checks.subjects import Source, Subject
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.library import Library
from veille.posts import Image, Moment, Post
from veille.reading import name_of
from veille.reading.wording import did_you_mean
from veille.starter import placeholder

_ADDRESS, _IDENTITY = "slug", "id"


def twins(library: Library) -> Iterator[Finding]:
    """Two files that would stand at one address, or that the outbox could not tell apart."""
    for kind in (library.posts, library.editions):
        yield from _same(kind, _ADDRESS)
    yield from _same(_all(library), _IDENTITY)


def _all(library: Library) -> list[Post | Edition]:
    return [*library.posts, *library.editions]


def _posts(library: Library) -> list[Post]:
    """The posts, and what of broken ones could be read: their authors are told of everything at once."""
    return [*library.posts, *(post for post in library.broken if isinstance(post, Post))]


def _same(sources: Sequence[Post | Edition], what: str) -> Iterator[Finding]:
    groups: defaultdict[str, list[Post | Edition]] = defaultdict(list)
    for source in sources:
        groups[source.slug if what == _ADDRESS else source.source.casefold()].append(source)
    for name, group in groups.items():
        for source in group if len(group) > 1 else ():
            yield _twin(source, [other.file for other in group if other is not source], name, what)


def _twin(source: Post | Edition, others: Sequence[str], name: str, what: str) -> Finding:
    if what == _ADDRESS:
        message = _("{others} has the same web address, {slug}").format(others=", ".join(others), slug=name)
        hint = _("give one of them another: slug: {slug}").format(slug=f"{name}-2")
    else:
        message = _("{others} has the same identity, {name}").format(others=", ".join(others), name=source.source)
        hint = _("rename the one that was never published, or give it another id:")
    return Finding(source.file, source.lines.get(what), what, message, hint, f"same-{what}")


def named_contacts(library: Library) -> Iterator[Finding]:
    """Partners and help lines in the front matter that have no record."""
    for post in _posts(library):
        for key, names, known in (
            ("partners", post.partners, {name: name for name in library.partners}),
            ("helplines", post.helplines, {n: line.label for n, line in library.helplines.items()}),
        ):
            for name in names:
                if name not in known:
                    yield _unknown_contact(post, key, name, list(known))


def _unknown_contact(post: Post, key: str, name: str, known: Sequence[str]) -> Finding:
    if key == "partners":
        message = _("there is no partner {name}").format(name=name)
        hint = _("see the files in content/partners/, or make one with `veille new partner`")
    else:
        message = _("there is no help line {name}").format(name=name)
        hint = _("see the numbers in content/helplines.yaml")
    near = None if key == "helplines" else did_you_mean(name, known)  # never suggest another number
    return Finding(
        post.file, _entry_line(post, key, names_of(post, key), name), key, message, near or hint, "unknown-contact"
    )


def names_of(source: Post | Edition, key: str) -> tuple[str, ...]:
    """The names that a list of the front matter holds."""
    return tuple(getattr(source, key))


def _entry_line(source: Post | Edition, key: str, names: Sequence[str], name: str) -> int | None:
    return source.lines.get(f"{key}.{names.index(name)}", source.lines.get(key))


def body(subject: Subject, context: Context) -> Iterator[Finding]:
    """What a text may not hold: unknown contacts, pictures, and links that a letter cannot carry."""
    from veille import markdown

    if isinstance(subject.source, Post | Edition):
        source, base_url = subject.source, context.config.settings.workspace.base_url
        document = markdown.Document(subject.tokens, source.file, source.body_line, source.lang)
        yield from markdown.findings(document, context.references, base_url)


def placeholders(library: Library) -> Iterator[Finding]:
    """The line that `veille new` writes is nobody's text."""
    for source in _all(library):
        if not source.draft and source.body.strip() == placeholder():
            message = _("the text is still the one of a new file")
            hint = _("write the text, or set draft: true until it is there")
            yield Finding(source.file, source.body_line, None, message, hint, "placeholder")


def related_posts(library: Library) -> Iterator[Finding]:
    """`related` names posts that exist, and not the post itself."""
    known = [post.source for post in library.posts]
    for post in _posts(library):
        for name in post.related:
            if name not in known:
                yield _unknown_post(post, "related", name, known, library)
            elif name == post.source:
                line = _entry_line(post, "related", post.related, name)
                message = _("this post names itself")
                yield Finding(post.file, line, "related", message, _("delete it here"), "related-self")


def _unknown_post(source: Post | Edition, key: str, name: str, known: Iterable[str], library: Library) -> Finding:
    line = _entry_line(source, key, names_of(source, key), name)
    broken = next((f.file for f in library.findings if name_of(Path(f.file)) == name), None)
    if broken:
        hint = _("mend {file} first").format(file=broken)
        return Finding(source.file, line, key, _("{name} cannot be read").format(name=name), hint, "unknown-post")
    hint = did_you_mean(name, known) or _("write the file name without its date and without .md")
    return Finding(source.file, line, key, _("there is no post {name}").format(name=name), hint, "unknown-post")


def edition_posts(library: Library) -> Iterator[Finding]:
    """An edition holds posts, all of them there, none of them a draft or kept from the newsletter."""
    known = {post.source: post for post in library.posts}
    for edition in library.editions:
        if not edition.posts:
            hint = _("name them: posts: [first-post, second-post]")
            message = _("this edition holds no post")
            yield Finding(edition.file, edition.lines.get("posts"), "posts", message, hint, "edition-empty")
        for name in edition.posts:
            if name not in known:
                yield _unknown_post(edition, "posts", name, known, library)
            elif problem := _unfit(known[name]):
                line = _entry_line(edition, "posts", edition.posts, name)
                yield Finding(edition.file, line, "posts", *problem)


def _unfit(post: Post) -> tuple[str, str, str, Severity] | None:
    if post.draft:
        message = _("{name} is a draft").format(name=post.source)
        hint = _("set draft: false in {file}, or take it out here").format(file=post.file)
        return message, hint, "edition-draft", Severity.ERROR
    if post.channels is not None and "newsletter" not in post.channels:
        message = _("{name} is not for the newsletter").format(name=post.source)
        hint = _("add newsletter to its channels in {file}, or take it out here").format(file=post.file)
        return message, hint, "edition-channel", Severity.WARNING
    return None


def pictures(subject: Subject, context: Context) -> Iterator[Finding]:
    """What the header of each picture tells: no picture after all, too large, too small."""
    from veille.pictures import check

    for key, image in images_of(subject.source):
        if finding := check(image, root=context.config.root):
            message = f"{finding.file}: {finding.message}"
            line = subject.lines.get(f"{key}.src", subject.lines.get(key))
            yield replace(finding, file=subject.file, line=line, field=f"{key}.src", message=message)


def images_of(source: Source) -> Iterator[tuple[str, Image]]:
    """Every picture of a post or edition by its key in the front matter; a contact record has none."""
    if not isinstance(source, Post | Edition):
        return
    if source.image:
        yield "image", source.image
    if isinstance(source, Post):
        yield from ((f"images.{number}", image) for number, image in enumerate(source.images))
        yield from ((f"instagram.images.{n}", image) for n, image in enumerate(source.instagram.images))


def dates(subject: Subject, context: Context) -> Iterator[Finding]:
    """A post that is over before it is published."""
    post, zone = subject.source, context.config.zone
    if not isinstance(post, Post) or post.publish_date is None:
        return
    leaves = _edge(post.publish_date, zone, end=False)
    for key, moment, message in _ends(post):
        if _edge(moment, zone, end=True) <= leaves:
            hint = _("check the day, month and year of both")
            yield Finding(post.file, post.lines.get(key), key, message, hint, "over", Severity.WARNING)


def _ends(post: Post) -> Iterator[tuple[str, Moment, str]]:
    if post.expiry_date:
        yield "expiryDate", post.expiry_date, _("this post expires before it is published")
    if post.deadline:
        yield "deadline", post.deadline, _("the deadline is over when this post is published")
    if post.event:
        key = "event.end" if post.event.end else "event.start"
        yield key, post.event.end or post.event.start, _("the event is over when this post is published")


def _edge(moment: Moment, zone: ZoneInfo, *, end: bool) -> datetime:
    """The moment itself; for a whole day its first moment, or the first of the next day."""
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment + timedelta(days=1 if end else 0), time(0), tzinfo=zone)


RULES = (
    Rule(
        "same-slug",
        mark("Two files stand at one web address"),
        mark("One page would hide the other."),
        mark("Give one of them another slug."),
        excusable=False,
    ),
    Rule(
        "same-id",
        mark("Two files have the same identity"),
        mark("The outbox could not tell them apart, and one would never leave."),
        mark("Rename the one that was never published, or give it another id."),
        excusable=False,
    ),
    Rule(
        "unknown-contact",
        mark("A contact that has no record"),
        mark("A reader would find no number where one is promised."),
        mark("Correct the name, or write the record with `veille new partner`."),
        "{{ partner: ccas-bagneu }}",
        "{{ partner: ccas-bagneux }}",
        excusable=False,
    ),
    Rule(
        "unknown-reference",
        mark("Braces that are not understood"),
        mark("They would be printed as they stand."),
        mark("Write {{ partner: name-of-file }} or {{ helpline: 3919 }}."),
        "{{ numero: 3919 }}",
        "{{ helpline: 3919 }}",
        excusable=False,
    ),
    Rule(
        "picture-in-body",
        mark("A picture in the text"),
        mark("Pictures in the text have no place on most channels, and no checked alternative text."),
        mark("Name it in the front matter, under image or images."),
        excusable=False,
    ),
    Rule(
        "link",
        mark("A link that readers of the letter cannot follow"),
        mark("In a letter there is no page around the text: a short address leads nowhere."),
        mark("Write the whole address, or a path of our own site that starts with /."),
        "[le programme](programme.html)",
        "[le programme](https://www.example.org/programme)",
        excusable=False,
    ),
    Rule(
        "placeholder",
        mark("The text of a new file"),
        mark("Nobody wrote it, and readers would get it."),
        mark("Write the text, or set draft: true until it is there."),
        excusable=False,
    ),
    Rule(
        "related-self",
        mark("A post that names itself"),
        mark("“Read next” would lead back to where the reader is."),
        mark("Delete it from related."),
        excusable=False,
    ),
    Rule(
        "unknown-post",
        mark("A post that is not there"),
        mark("The letter or the list would lack it."),
        mark("Write the file name without its date and without .md."),
        excusable=False,
    ),
    Rule(
        "edition-empty",
        mark("An edition without posts"),
        mark("Readers would get an empty letter."),
        mark("Name its posts: posts: [first-post, second-post]"),
        excusable=False,
    ),
    Rule(
        "edition-draft",
        mark("An edition with a draft"),
        mark("A draft never leaves, and the letter would lack it."),
        mark("Finish the draft, or take it out of the edition."),
        excusable=False,
    ),
    Rule(
        "edition-channel",
        mark("An edition with a post that is not for the newsletter"),
        mark("Its author did not mean it for the letter."),
        mark("Add newsletter to its channels, or take it out of the edition."),
        severity=Severity.WARNING,
    ),
    Rule(
        "over",
        mark("A post that is over before it is published"),
        mark("Readers would come for something that has been."),
        mark("Check the day, month and year of both dates."),
        severity=Severity.WARNING,
    ),
)


def _each(subject: Subject, context: Context) -> Iterator[Finding]:
    yield from body(subject, context)
    yield from pictures(subject, context)
    yield from dates(subject, context)


def _whole(context: Context) -> Iterator[Finding]:
    for check in (twins, named_contacts, placeholders, related_posts, edition_posts):
        yield from check(context.library)


CHECK = Check(rules=RULES, each=_each, whole=_whole)
