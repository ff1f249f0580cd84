"""Errors, named by the reaction they call for.

VeilleError
├── ConfigError          mend a setting; nothing ran
├── ContentError         mend the content; nothing was queued (carries every finding at once)
├── RenderError          mend a template or picture; nothing was queued
├── LedgerError          mend the outbox (disk, permissions, version); nothing was lost
│   └── LedgerFull       make room; what is asked for now can be asked for again
├── Busy                 try again later: another process has the work in hand
└── PublishError         one delivery did not succeed
    ├── Rejected         change the post
    │   └── HardBounce   never write to this address again
    ├── NotAuthorised    renew the access; the channel stops and keeps its queue
    ├── Unavailable      try again later
    │   └── RateLimited
    └── OutcomeUnknown   look before anything else
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to publishing."""

    ERROR = "error"  # blocks
    WARNING = "warning"  # informs


@dataclass(frozen=True, order=True)
class Finding:
    """One thing to mend, said so that the person who wrote the file understands it.

    Args:
        file: the path as the person would type it, relative to the workspace where possible.
        line: the line in that file, from 1; None when the finding is about the whole file.
        field: the front-matter key or setting, dotted (`image.alt`); None for the body.
        message: what is wrong.
        hint: how to mend it.
        code: a short stable name that is never translated (`unknown-key`); `veille check --explain CODE` tells more.
        column: in that line, from 1, counted in characters; None when only the line is known.
        excerpt: the words it is about with some around them, as they stand in the file; "" when there are none.
        link: an https address where the rule, or the right information, can be read; "" when there is none.
    """

    file: str
    line: int | None
    field: str | None
    message: str
    hint: str | None = None
    code: str = "content"
    severity: Severity = Severity.ERROR
    column: int | None = None
    excerpt: str = ""
    link: str = ""

    @property
    def where(self) -> str:
        """`content/posts/x.md:6:14`, `content/posts/x.md:6`, or the file alone."""
        return ":".join(str(part) for part in (self.file, self.line, self.column if self.line else None) if part)

    def __str__(self) -> str:
        """`content/posts/x.md:6: image.alt: what is wrong`, then the remedy on a line of its own."""
        head = ": ".join(part for part in (self.where, self.field, self.message) if part)
        return f"{head}\n    → {self.hint}" if self.hint else head


class VeilleError(Exception):
    """The root. `hint` is what the person can do next."""

    code = "error"
    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(VeilleError):
    """A setting is missing or wrong; nothing ran."""

    code = "config"
    exit_code = 3

    def __init__(self, message: str, *, hint: str | None = None, findings: Iterable[Finding] = ()) -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class ContentError(VeilleError):
    """Content is invalid; nothing was queued.

    Args:
        rest: what of one file could be read (a `Post` or `Edition`), for checks only: so that its author is told of
            everything at once.
    """

    code = "content"
    exit_code = 3

    def __init__(self, findings: Iterable[Finding], rest: object = None) -> None:
        self.findings = tuple(findings)
        self.rest = rest
        super().__init__("\n".join(str(finding) for finding in self.findings))


class RenderError(VeilleError):
    """A template or picture could not be rendered; nothing was queued."""

    code = "render"
    exit_code = 3


class LedgerError(VeilleError):
    """The outbox cannot be read or written; what it holds is untouched."""

    code = "outbox"
    exit_code = 3


class LedgerFull(LedgerError):
    """No room for the outbox: nothing of this transaction was kept, and everything before it stands."""

    code = "outbox-full"
    exit_code = 75


class Busy(VeilleError):
    """Somebody else has the work in hand."""

    code = "busy"
    exit_code = 75


class PublishError(VeilleError):
    """A delivery did not succeed.

    Args:
        message: what happened, for people, without address, token or URL with a secret in it.
        detail: the service's own words or code, redacted, kept in the outbox.
    """

    code = "publish"

    def __init__(self, message: str, *, hint: str | None = None, detail: str = "") -> None:
        super().__init__(message, hint=hint)
        self.detail = detail


class Rejected(PublishError):
    """The service refused this content or this reader for good: failed."""

    code = "rejected"


class HardBounce(Rejected):
    """This address takes no mail, for good (RFC 3463: 5.1.1 and its like): failed, and suppressed."""

    code = "hard-bounce"


class NotAuthorised(PublishError):
    """The service no longer accepts us: the channel stops and keeps its queue."""

    code = "not-authorised"


class Unavailable(PublishError):
    """Nothing left, and waiting can help: ready again, later."""

    code = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        detail: str = "",
        retry_after: timedelta | None = None,
        about_us: bool = False,
    ) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.retry_after = retry_after
        self.about_us = about_us  # the server or line is at fault, not this reader: keep the attempt count


class RateLimited(Unavailable):
    """The service asked us to slow down."""

    code = "rate-limited"


class OutcomeUnknown(PublishError):
    """The request left and no answer came: it may have been carried out.

    Args:
        stops: whatever a look finds, a person must act before anything else leaves: the channel stops.
    """

    code = "outcome-unknown"

    def __init__(self, message: str, *, hint: str | None = None, detail: str = "", stops: bool = False) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.stops = stops
