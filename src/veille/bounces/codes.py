"""What the code and the words of a refusal mean for a reader.

Hard: this address takes no mail, for good (RFC 3463: 5.1.1 and its like). Soft: perhaps later. Policy (5.7.x) is about
us, never about the reader. RFC 3463, RFC 5248; French providers end their words in a code of their own (`OFR`, `LPN`:
postmaster.orange.fr and postmaster pages of laposte.net, read 2026-11).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

HARD = frozenset({"5.1.1", "5.1.10", "5.1.2", "5.1.3", "5.1.6", "5.2.1"})

_BESIDE_REPLY = re.compile(r"\b[45]\d\d[ \-]{1,3}[#(]{0,2}([45]\.[0-7]\.\d{1,3})(?![\d.])")
_ANY_CODE = re.compile(r"(?<![\d.])([45]\.[0-7]\.\d{1,3})(?!\.?\d)")
_REPLY = re.compile(r"(?<![\d.:/])(421|45[0-5]|5[05][0-6]|511|521|571)(?![\d.:])")
_PROVIDER = re.compile(r"\b(?:OFR|LPN)\d{0,3}_(\d{3})\b")
_PROVIDER_INVALID = frozenset({"416"})  # Adresse d au moins un destinataire invalide
_PROVIDER_ABOUT_US = frozenset({"104", "105", "108", "405", "503", "506", "510", "517", "999"})
_UNKNOWN_USER = re.compile(
    r"user unknown|unknown user|unknown (?:or illegal )?(?:recipient|alias|address|mailbox)"
    r"|no such (?:user|mailbox|recipient|address)"
    r"|(?:user|mailbox|recipient|address|account) (?:not found|does(?: not|n't) exist|is unknown|unknown)"
    r"|not? (?:mailbox|user|account) (?:here )?by that name|doesn't have an? [\w.-]{1,40} account"
    r"|not listed in (?:domino|the) directory|recipientnotfound|invalid recipient|invalid mailbox"
    r"|(?:account|mailbox) (?:has been |is |that you tried to reach is )?disabled"
    r"|utilisateur inconnu|adresse inconnue|destinataire (?:inconnu|invalide)|n'existe pas|bo[iî]te inconnue",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"(?:mailbox|inbox|quota)[\w' -]{0,30}(?:full|exceeded)|over ?quota|exceeded storage|out of storage"
    r"|bo[iî]te[\w' àé-]{0,30}pleine|quota d[ée]pass[ée]",
    re.IGNORECASE,
)
_POLICY = re.compile(
    r"spam|blacklist|blocklist|block list|policy|dmarc|reputation|spf fail|refus[ée] pour", re.IGNORECASE
)
_DOMAIN = re.compile(
    r"host or domain name not found|domain (?:not found|does not exist|name not found)"
    r"|unrouteable (?:address|mail domain)"
    r"|no such domain|host unknown|couldn't find any host|null ?mx",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """What a returned message is."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    DELAYED = "delayed"  # the other server goes on trying
    LEAVE = "leave"  # the reader wrote to leave: the mailto of List-Unsubscribe (RFC 2369)
    NOT_A_BOUNCE = "not-a-bounce"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Verdict:
    """What a refusal means.

    Args:
        code: the enhanced status code (RFC 3463), said or inferred; "" when there is none.
        reason: a stable word: unknown-address, disabled, full, policy, domain, temporary, other.
    """

    kind: Kind
    code: str
    reason: str


def judge(status: str, words: str) -> Verdict:
    """Decide between hard and soft.

    Args:
        status: the `Status` field of a report, or "".
        words: what the server said (at most some thousand characters).
    """
    code = _best(status, words)
    reply = (_REPLY.search(words) or [""])[0] if not code or code.endswith(".0") else ""
    if code in HARD:
        return Verdict(Kind.HARD, code, _reason(code))
    if provider := _PROVIDER.search(words):
        if provider[1] in _PROVIDER_INVALID and not code.startswith("4"):
            return Verdict(Kind.HARD, "5.1.1", "unknown-address")
        if provider[1] in _PROVIDER_ABOUT_US:
            return _about_us(code, reply)
    if code and not code.endswith(".0.0") and code != "5.1.0":
        return Verdict(Kind.SOFT, code, _reason(code))
    return _by_words(code, reply, words)


def _best(status: str, words: str) -> str:
    """The most telling code: a report's own, unless it only says "5.0.0" and the server said more."""
    said = match[1] if (match := _ANY_CODE.search(status)) else ""
    if said and not said.endswith(".0.0"):
        return said
    match = _BESIDE_REPLY.search(words) or _ANY_CODE.search(words)
    return match[1] if match and not (said[:1] == "4" and match[1][0] == "5") else said


def _by_words(code: str, reply: str, words: str) -> Verdict:
    """No code, or one that says nothing: servers that speak plain text only, and many old ones."""
    if code.startswith("4") or reply.startswith("4"):
        return Verdict(Kind.SOFT, code or "4.0.0", "temporary")
    if _FULL.search(words):
        return Verdict(Kind.SOFT, "5.2.2", "full")
    if _POLICY.search(words):
        return _about_us(code, reply)
    if code or reply:  # words alone decide nothing: anybody writes "user unknown" in a letter
        if _UNKNOWN_USER.search(words):
            return Verdict(Kind.HARD, "5.1.1", "unknown-address")
        if _DOMAIN.search(words):
            return Verdict(Kind.HARD, "5.1.2", "domain")
    return Verdict(Kind.SOFT, code, "other")


def _about_us(code: str, reply: str) -> Verdict:
    """A refusal of us gets a code that says so (x.7.x), so that the ledger can tell it from one of the reader."""
    temporary = (code or reply).startswith("4")
    return Verdict(Kind.SOFT, code if code[2:4] == "7." else "4.7.0" if temporary else "5.7.0", "policy")


def _reason(code: str) -> str:
    if code.startswith("4"):
        return "temporary"
    if code.startswith("5.7."):
        return "policy"
    names = {"5.1.2": "domain", "5.2.1": "disabled", "5.2.2": "full", "5.2.3": "too-big"}
    return names.get(code, "unknown-address" if code in HARD else "other")
