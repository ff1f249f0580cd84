"""What one returned message says: about which letter, and what it means for its reader.

It takes effect only with a signed return path or a Message-ID of ours: anybody can write a bounce. The signed path is
believed over whatever the text names, because letters are forwarded. RFC 3464, 3834, 5965, 6522, 6533.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message

from veille import tokens
from veille.bounces import mime, verp
from veille.bounces.codes import Kind, Verdict, judge
from veille.bounces.mime import Parts, plain
from veille.tokens import Keys, Purpose

WORDS = 4000  # characters of a server's words that are judged
SHOWN = 300  # characters of them that are kept
NAMES = 20  # of readers, that are looked for in them

_ARRIVED = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Rcpt-To", "To", "Cc")
_WISH = re.compile(r"unsubscribe[ _]+([0-9A-Za-z_-]{20,60})")  # the subject that our own mailto asks for
_MESSAGE_ID = re.compile(r"<[^<>\s@]{1,200}@[^<>\s@]{1,200}>")
_MESSAGE_ID_LINE = re.compile(r"^message-id: {0,3}(<[^<>\s@]{1,200}@[^<>\s@]{1,200}>)", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"(?:\"[^\"@]{0,64}\"|[^\s<>:;,()\[\]\"'=]{1,120})@[^\s<>:;,()\[\]\"']{1,255}")
_DAEMON = re.compile(
    r"mailer-daemon|postmaster|mail ?delivery (?:sub)?system|mail-daemon|mailer daemon|mdaemon|microsoftexchange",
    re.IGNORECASE,
)
_BOUNCE_WORDS = re.compile(
    r"undeliver|delivery (?:has )?fail|delivery status notification|delivery notification|failure notice|returned mail"
    r"|mail delivery failed|mail system error|could(?: not|n't) be delivered|not delivered|unable to deliver"
    r"|message non (?:distribu|remis|d[ée]livr)|non remis"
    r"|[ée]chec de (?:la )?(?:remise|distribution)|courrier non distribu"
    r"|nondeliverable|this is the qmail-send program",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"out of (?:the )?office|automatic reply|auto(?:matic)?[ -]?(?:reply|response)|autoreply"
    r"|away from (?:my|the)|on vacation"
    r"|r[ée]ponse automatique|absen(?:ce|t|te) (?:du|de|jusqu)|en cong[ée]s?|message d'absence|abwesenheit",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"confirm (?:that )?you(?:r message| are| sent)|verify your (?:email|message|address)|sender verification"
    r"|mailinblack|challenge|liste blanche|click (?:here|the link|below) to (?:confirm|deliver)|whitelist request"
    r"|v[ée]rification de l'exp[ée]diteur|authentifier (?:votre|l'exp)",
    re.IGNORECASE,
)
_COPY_FOLLOWS = re.compile(
    r"^[ >-]{0,60}(?:below this line is a copy|this is a copy of the message"
    r"|the (?:body|header) of the (?:original )?message"
    r"|original message|message header follows|included is a copy of the"
    r"|ci-dessous (?:figure )?(?:une copie|les en-t[êe]tes)|received: from |return-path: )",
    re.IGNORECASE | re.MULTILINE,
)
_COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list"})
_NO_COMPLAINTS = frozenset({"not-spam", "auth-failure", "dmarc", "dkim"})


@dataclass(frozen=True)
class Report:
    """What a returned message says.

    Args:
        delivery_id: "d345": the letter that it is about; None when that is not known for sure.
        code: the enhanced status code, "5.1.1"; "" when there is none.
        text: the server's words on one line, without any address.
        reason: a stable word for lists and tests.
        personal: somebody wrote it, so that it must not be put away unread.
        subscriber_id: who wishes to leave.
    """

    kind: Kind
    delivery_id: str | None = None
    code: str = ""
    text: str = ""
    reason: str = ""
    personal: bool = False
    subscriber_id: int | None = None


def read(keys: Keys, raw: bytes, find: Callable[[str], str | None], recipient: str = "") -> Report:
    """Read one message. Never raises for what is in it.

    Args:
        raw: its bytes; what is behind the first megabyte is not looked at.
        find: the delivery of a Message-ID ("<…@…>"), or None.
        recipient: the address at which it arrived, when the mail server tells us that beside the message.
    """
    parts = mime.take_apart(raw)
    if (leaving := _leaving(keys, parts)) is not None:
        return Report(Kind.LEAVE, subscriber_id=leaving, reason="asked-by-mail")
    said = _said(parts)
    if said.kind in (Kind.NOT_A_BOUNCE, Kind.DELAYED):
        return said
    delivery, why = _about(keys, parts, find, recipient)
    if said.kind is Kind.UNREADABLE:
        return Report(Kind.UNREADABLE, delivery, reason=said.reason)
    if delivery is None:
        return Report(Kind.UNREADABLE, None, said.code, said.text, why)
    return Report(said.kind, delivery, said.code, said.text, said.reason)


def _leaving(keys: Keys, parts: Parts) -> int | None:
    """Whose signed wish to leave this is. Reports and answers of machines may quote one: they are none."""
    wish = _WISH.fullmatch(parts.header("Subject").strip())
    by_itself = parts.header("Auto-Submitted").strip().lower() not in ("", "no")  # RFC 3834
    if wish is None or parts.blocks or parts.feedback is not None or by_itself:
        return None
    return tokens.read(keys, Purpose.UNSUBSCRIBE, wish[1])


def _said(parts: Parts) -> Report:
    """What it says, whoever it is about."""
    if parts.feedback is not None:
        return _complaint(parts.feedback)
    if parts.kind == "feedback-report":
        return Report(Kind.UNREADABLE, reason="damaged-report")
    if parts.kind == "disposition-notification" or parts.kind == "message/disposition-notification":
        return Report(Kind.NOT_A_BOUNCE, reason="read-receipt")
    if parts.blocks:
        return _delivery_report(parts)
    if _microsoft_complaint(parts):
        return Report(Kind.COMPLAINT, reason="abuse")
    return _in_plain_words(parts)


def _complaint(feedback: Message) -> Report:
    kind = plain(feedback.get("Feedback-Type")).lower().strip()
    if kind in _COMPLAINTS:
        return Report(Kind.COMPLAINT, reason=kind, text=kind)
    if kind in _NO_COMPLAINTS:
        return Report(Kind.NOT_A_BOUNCE, reason=kind)
    return Report(Kind.UNREADABLE, reason="unknown-feedback")


def _microsoft_complaint(parts: Parts) -> bool:
    """Microsoft's Junk Mail Reporting Program forwards the letter with a header of its own, without a report."""
    marked = any(message.get("X-HmXmrOriginalRecipient") for message in parts.returned)
    return marked or (
        bool(parts.returned) and parts.header("Subject").lower().startswith("complaint about message from")
    )


def _delivery_report(parts: Parts) -> Report:
    """RFC 3464: one group of fields about the message, then one for each recipient."""
    groups = [block for block in parts.blocks if block.get("Action") or block.get("Status")]
    actions = [(_action(group), group) for group in groups]
    failed = [group for action, group in actions if action == "failed"]
    others = {action for action, _group in actions if action != "failed"}
    if not groups:
        return _in_plain_words(parts, report=True)
    if not failed:
        late = "delayed" in others
        return Report(Kind.DELAYED if late else Kind.NOT_A_BOUNCE, reason="delayed" if late else "delivered")
    verdicts = [(_judged(group, parts), group) for group in failed]
    soft = next(((v, g) for v, g in verdicts if v.kind is Kind.SOFT), None)
    verdict, group = soft or verdicts[0]
    if verdict.kind is Kind.HARD and others:  # a forwarding address that still reaches somebody
        verdict = Verdict(Kind.SOFT, verdict.code, "partly-delivered")
    words = _first(group, "Diagnostic-Code") or (parts.texts[0] if parts.texts else "")
    return Report(verdict.kind, None, verdict.code, redacted(words, parts), verdict.reason)


def _action(group: Message) -> str:
    """The action; some servers leave it out, or write it in their own way."""
    action = plain(group.get("Action")).lower().split(" ")[0].strip("();")
    if action in ("failed", "delayed", "delivered", "relayed", "expanded"):
        return action
    return {"5": "failed", "4": "delayed", "2": "delivered"}.get(plain(group.get("Status")).strip()[:1], "failed")


def _judged(group: Message, parts: Parts) -> Verdict:
    words = _first(group, "Diagnostic-Code")
    if not words:
        words = _before_copy(parts)
    return judge(plain(group.get("Status")), words[:WORDS])


def _in_plain_words(parts: Parts, *, report: bool = False) -> Report:
    """A message without a readable report: its sender, its subject and its text must tell."""
    subject, text = parts.header("Subject"), _before_copy(parts)
    start = f"{subject}\n{text[:WORDS]}"
    report = report or parts.kind == "delivery-status"
    daemon = report or bool(_DAEMON.search(parts.header("From")) or parts.head.get("X-Failed-Recipients"))
    away = bool(_AWAY.search(subject)) and not _BOUNCE_WORDS.search(subject)  # our own title may speak of absence
    null = plain(parts.head.get("Return-Path")).strip() in ("<>", "<MAILER-DAEMON>", "<#@[]>")
    automatic = plain(parts.head.get("Auto-Submitted", "no")).lower().strip() != "no"
    if away or not (daemon or ((null or automatic) and _BOUNCE_WORDS.search(start))):
        return _no_bounce(parts, subject, start, machine=null or automatic)
    if re.search(
        r"warning: (?:message|could not send)|delayed|delivery is delayed|will (?:keep|be) (?:trying|retried)",
        start,
        re.I,
    ):
        return Report(Kind.DELAYED, reason="delayed")
    if not text.strip() and not subject:
        return Report(Kind.UNREADABLE, reason="empty")
    verdict = judge("", text[:WORDS])
    if not report and not verdict.code and _CHALLENGE.search(start):
        return Report(Kind.NOT_A_BOUNCE, reason="challenge")
    return Report(verdict.kind, None, verdict.code, redacted(_telling(text, verdict), parts), verdict.reason)


def _no_bounce(parts: Parts, subject: str, start: str, *, machine: bool) -> Report:
    """An answer of a machine, or of a person."""
    if _CHALLENGE.search(start):
        return Report(Kind.NOT_A_BOUNCE, reason="challenge")
    headers = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Vacation", "X-FC-MachineGenerated")
    automatic = machine or any(parts.head.get(name) for name in headers)
    precedence = parts.header("Precedence").lower().strip()
    if automatic or precedence in ("auto_reply", "junk") or _AWAY.search(subject):
        return Report(Kind.NOT_A_BOUNCE, reason="auto-reply")
    if not subject and not start.strip():
        return Report(Kind.UNREADABLE, reason="empty")
    return Report(Kind.NOT_A_BOUNCE, reason="mail", personal=True)


def _before_copy(parts: Parts) -> str:
    """The text for people, without the copy of our letter that many servers put behind it."""
    text = "\n".join(parts.texts)[: mime.TEXT]
    match = _COPY_FOLLOWS.search(text)
    return text[: match.start()] if match else text


def _telling(text: str, verdict: Verdict) -> str:
    """The part of a long text around its code."""
    at = text.find(verdict.code) if verdict.code else -1
    return text[max(0, at - 120) :] if at > 0 else text


def _about(keys: Keys, parts: Parts, find: Callable[[str], str | None], recipient: str) -> tuple[str | None, str]:
    """Which letter it is about, by what nobody else can make; else why that is not known."""
    forged = False
    for text in _evidence(parts, recipient):
        for delivery in verp.marks(keys, text):
            if delivery:
                return delivery, ""
            forged = True
    for message_id in _message_ids(parts):
        if found := find(message_id):
            return found, ""
    return None, "forged" if forged else "unknown-letter"


def _message_ids(parts: Parts) -> Iterator[str]:
    """Of what came back: from its headers, or from a copy of them in the text."""
    for message in parts.returned[:3]:
        yield from _MESSAGE_ID.findall(plain(message.get("Message-ID")))[:1]
    for text in parts.texts[:3]:
        yield from _MESSAGE_ID_LINE.findall(text)[:1]


def _evidence(parts: Parts, recipient: str) -> Iterator[str]:
    """Where the signed return path may stand, most reliable first."""
    yield recipient
    yield from (plain(value) for name in _ARRIVED for value in parts.head.get_all(name, [])[:10])
    reports = [*parts.returned, *parts.blocks, *([parts.feedback] if parts.feedback else [])]
    for message in reports:
        yield " ".join(str(value) for _name, value in message.items()[:200])[: mime.TEXT]
    yield from parts.texts


def _first(group: Message, name: str) -> str:
    """A field without its type: "smtp; 550 …" (RFC 3464, 2.1.2)."""
    value = plain(group.get(name))
    kind, found, words = value.partition(";")
    return words.strip() if found and re.fullmatch(r"\s*[\w.-]{1,30}\s*", kind) else value


def redacted(words: str, parts: Parts) -> str:
    """A server's words on one line, without any address and without the name before its @."""
    text = " ".join(words[:WORDS].split())
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    text = _ADDRESS.sub("<address>", text)
    for name in sorted(_names(parts), key=len, reverse=True)[:NAMES]:
        text = re.sub(re.escape(name), "<name>", text, flags=re.IGNORECASE)
    return text[:SHOWN].strip()


def _names(parts: Parts) -> set[str]:
    """The readers' names as far as the report gives them: servers repeat them without the domain, too."""
    fields = [plain(block.get(name)) for block in parts.blocks for name in ("Final-Recipient", "Original-Recipient")]
    fields += [parts.header("X-Failed-Recipients")]
    fields += [plain(message.get("To")) for message in parts.returned]
    locals_ = {match[0].rpartition("@")[0].strip('"') for field in fields for match in _ADDRESS.finditer(field[:WORDS])}
    return {name for name in locals_ if len(name) > 2}
