"""The lines of an import that were refused: the first ones said, all of them in a file that somebody can mend."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.private_file import private_file

if TYPE_CHECKING:
    from veille.subscribers import Refused, Row, Table

SAID = 100  # refused lines that are named in the answer


class Refusals:
    """What was refused of one table.

    Args:
        report: where to write all of it; None: nowhere.
        source: the file that is imported.

    Raises:
        BadParameter: the report would overwrite that file.
    """

    def __init__(self, lines: Table, report: Path | None, source: Path) -> None:
        self._lines = lines
        self._report = report
        self.count = 0
        self.findings: list[Finding] = self._not_kept(str(source))
        if report and report.exists() and report.samefile(source):
            raise typer.BadParameter(_("this is the file to import"), param_hint="--report")

    def __enter__(self) -> Refusals:
        """Open the report."""
        self._stack = ExitStack()
        self._writer: Any = None
        if self._report:
            file = self._stack.enter_context(private_file(self._report, "--report", "utf-8-sig"))
            self._writer = csv.writer(file, delimiter=self._lines.delimiter)
            self._write("line", "reason", self._lines.names)
        return self

    def __exit__(self, *error: Any) -> None:
        """Close the report."""
        self._stack.__exit__(*error)

    def rows(self) -> Iterator[Row]:
        """The lines that are not refused."""
        from veille.subscribers import Refused

        for line in self._lines:
            if isinstance(line, Refused):
                self._note(line)
            else:
                yield line

    def rest(self) -> list[str]:
        """What to say when not all of them are named in the answer."""
        if (more := self.count - SAID) <= 0:
            return []
        words = ngettext("… and {n} more line was refused", "… and {n} more lines were refused", more).format(n=more)
        remedy = _("--report FILE writes all of them to a file")
        return [words if self._report else f"{words}: {remedy}"]

    def _note(self, refused: Refused) -> None:
        self.count += 1
        if self.count <= SAID:
            self.findings.append(self._lines.finding(refused))
        if self._writer:
            self._write(str(refused.line), refused.reason, refused.cells)

    def _write(self, line: str, reason: str, cells: Any) -> None:
        from veille.subscribers import defused

        ours = [self._lines.header.at[name] for name in ("line", "reason") if name in self._lines.header.at]
        kept = [cell for position, cell in enumerate(cells) if position not in ours]
        self._writer.writerow([line, reason, *(defused(cell) for cell in kept)])

    def _not_kept(self, file: str) -> list[Finding]:
        if not (dropped := self._lines.header.dropped):
            return []
        return [
            Finding(
                file=file,
                line=None,
                field=None,
                message=_("not kept: {columns}").format(columns=", ".join(dropped)),
                hint=_("only the address, the choices and the consent of a reader are kept"),
                code="csv-not-kept",
                severity=Severity.WARNING,
            )
        ]
