"""`veille check`: every gate, before anything is queued."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import INVALID, Answer, Talk, answers, finding_data, findings_text

if TYPE_CHECKING:
    from veille.checks import Rule
    from veille.editions import Edition
    from veille.errors import Finding
    from veille.posts import Post
    from veille_cli.wiring import Newsroom


@answers
def command(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help=_("Only these files (default: everything)."))
    ] = None,
    links: Annotated[
        bool, typer.Option("--links", help=_("Open every link too, and say which lead nowhere (needs the network)."))
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="CODE", help=_("Say what a code means, and how to mend what it found.")),
    ] = None,
    sarif: Annotated[
        bool, typer.Option("--sarif", help=_("Answer in SARIF 2.1.0, for code hosts and editors."))
    ] = False,
    *,
    talk: Talk,
) -> Answer:
    """Check the content: what is wrong, where, and how to mend it."""
    from veille.errors import Severity
    from veille.reading import in_order
    from veille_cli.links import follow
    from veille_cli.wiring import newsroom

    if explain:
        return _explained(explain)
    with newsroom() as room:
        chosen = [room.library.find(path) for path in paths or ()]
        findings = _findings(room, chosen)
        if links:
            findings = in_order([*findings, *follow(room, talk, {source.file for source in chosen} or None)])
        count = len(chosen) if paths else _files_of(room)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    return Answer(
        data={"files": count, "findings": [finding_data(finding) for finding in findings]},
        text=_sarif_text(findings) if sarif else _text(findings, len(errors), count),
        exit_code=INVALID if errors else 0,
        errors=[finding_data(finding) for finding in errors],
    )


def _files_of(room: Newsroom) -> int:
    """How many posts and editions there are, those included that cannot be read."""
    library = room.library
    unreadable = (f.file for f in library.findings if f.file.startswith(("content/posts/", "content/editions/")))
    return len({*(post.file for post in library.posts), *(one.file for one in library.editions), *unreadable})


def _findings(room: Newsroom, chosen: Sequence[Post | Edition]) -> list[Finding]:
    """Of the chosen files, else of everything; also of what channels would show of them, in the sandbox."""
    from veille import approval, checks, proofing
    from veille.reading import in_order
    from veille_web.preview_panels import Desk

    library, config, now = room.library, room.config, room.clock()
    found = list(checks.run(library, config, now))
    publishers = Desk(config, room.clock).publishers
    if config.settings.approval.required != "none":
        found += approval.Desk(library, config, publishers, room.audit, now).waiting(room.queue.all())
    if not chosen:
        return in_order(proofing.once([*found, *proofing.samples(library, config, publishers, now)]))
    files = {source.file for source in chosen}
    for source in chosen:
        found += proofing.of_source(source, library, config, publishers, now)
    return in_order(proofing.once(f for f in found if f.file in files or f.file.startswith("templates/")))


def _text(findings: Sequence[Finding], errors: int, count: int) -> list[str]:
    summary = _("{files}: {errors}, {warnings}").format(
        files=ngettext("{n} file checked", "{n} files checked", count).format(n=count),
        errors=ngettext("{n} error", "{n} errors", errors).format(n=errors),
        warnings=ngettext("{n} warning", "{n} warnings", len(findings) - errors).format(n=len(findings) - errors),
    )
    if not findings:
        return [summary]
    more = _("`veille check --explain {code}` says more about one of them.").format(code=findings[0].code)
    return [findings_text(findings), "", summary, more]


def _sarif_text(findings: Sequence[Finding]) -> list[str]:
    from veille_cli.sarif import report

    return [json.dumps(report(findings), ensure_ascii=False, indent=2)]


# Explaining a code ----


def _explained(code: str) -> Answer:
    from veille import checks
    from veille.reading.wording import did_you_mean

    known = checks.rules()
    if code not in known:
        hint = did_you_mean(code, known) or _("docs/checks.md lists them all")
        message = _("there is no finding with the code {code}").format(code=code)
        raise typer.BadParameter(f"{message}; {hint}", param_hint="--explain")
    rule = known[code]
    return Answer(data=_rule_data(rule), text=_rule_text(rule))


def _rule_data(rule: Rule) -> dict[str, object]:
    from veille.checks import said

    return {
        "code": rule.code,
        "title": said(rule.title),
        "why": said(rule.why),
        "remedy": said(rule.remedy),
        "wrong": rule.wrong,
        "right": rule.right,
        "severity": rule.severity.value,
        "excusable": rule.excusable,
        "source": rule.source,
        "link": rule.link,
    }


def _rule_text(rule: Rule) -> list[str]:
    from veille.checks import said
    from veille.errors import Severity

    blocks = _("an error: it blocks what it stands in") if rule.severity is Severity.ERROR else _("a warning")
    pardon = _("A post that must keep it writes in its front matter: allow: {{{code}: the reason}}")
    lines = [f"{said(rule.title)} [{rule.code}], {blocks}", "", said(rule.why), "", f"→ {said(rule.remedy)}"]
    lines += ["", f"✗ {rule.wrong}", f"✓ {rule.right}"] if rule.wrong and rule.right else []
    lines += ["", pardon.format(code=rule.code) if rule.excusable else _("It cannot be allowed.")]
    lines += ["", *(part for part in (rule.source, rule.link) if part)] if rule.source or rule.link else []
    return lines
