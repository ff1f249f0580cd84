"""What a returned message says, and which letter it is about: every sample has its end state in one table."""

from __future__ import annotations

import random
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bounce_samples import ADDRESS, KEYS, names, sample
from tests.support.return_path import read_return_path
from veille import tokens
from veille.bounces import return_path
from veille.bounces.codes import Kind, judge
from veille.bounces.mime import SIZE
from veille.bounces.reading import Report, read
from veille.errors import ConfigError
from veille.tokens import Keys, Purpose

ID = "<abcdefghijklmnopqrstuvwxyz@lettre.example.org>"

# name: kind, code, reason, and by what the letter is known (the mark, its Message-ID, or nothing)
EXPECTED = {
    "postfix-user-unknown": ("hard", "5.1.1", "unknown-address", "mark"),
    "postfix-mailbox-full": ("soft", "5.2.2", "full", "mark"),
    "postfix-delayed": ("delayed", "", "delayed", ""),
    "postfix-host-not-found": ("soft", "5.4.4", "other", "mark"),
    "postfix-null-mx": ("hard", "5.1.2", "domain", "mark"),
    "postfix-gave-up": ("soft", "4.4.1", "temporary", "mark"),
    "postfix-relayed": ("not-a-bounce", "", "delivered", ""),
    "postfix-delivered": ("not-a-bounce", "", "delivered", ""),
    "postfix-forwarded-elsewhere": ("hard", "5.1.1", "unknown-address", "mark"),
    "postfix-one-of-two-delivered": ("soft", "5.1.1", "partly-delivered", "mark"),
    "postfix-one-dead-one-full": ("soft", "5.2.2", "full", "mark"),
    "postfix-two-dead": ("hard", "5.1.1", "unknown-address", "mark"),
    "postfix-virus-filter": ("soft", "5.7.1", "policy", "mark"),
    "postfix-disabled": ("hard", "5.2.1", "disabled", "mark"),
    "postfix-capital-letters": ("hard", "5.1.1", "unknown-address", "mark"),
    "postfix-global": ("hard", "5.1.1", "unknown-address", "mark"),
    "postfix-old-text": ("hard", "5.1.1", "unknown-address", "mark"),
    "postfix-french-latin1": ("soft", "5.2.2", "full", "mark"),
    "exim-user-unknown": ("hard", "5.1.1", "unknown-address", "mark"),
    "exim-no-enhanced-code": ("hard", "5.1.1", "unknown-address", "mark"),
    "exim-retry-timeout": ("soft", "", "other", "mark"),
    "exim-unrouteable": ("soft", "", "other", "mark"),
    "exim-delayed": ("delayed", "", "delayed", ""),
    "exim-token-only-in-the-copy": ("hard", "5.1.1", "unknown-address", "mark"),
    "exim-report": ("hard", "5.1.1", "unknown-address", "mark"),
    "qmail-no-mailbox": ("hard", "5.1.1", "unknown-address", "mark"),
    "qmail-no-connection": ("soft", "4.4.1", "temporary", "mark"),
    "qmail-remote-disabled": ("hard", "5.2.1", "disabled", "mark"),
    "qmail-no-code": ("soft", "", "other", "mark"),
    "exchange-on-premises": ("hard", "5.1.1", "unknown-address", "mark"),
    "m365-recipient-not-found": ("hard", "5.1.10", "unknown-address", "mark"),
    "m365-authentication": ("soft", "5.7.515", "policy", "mark"),
    "m365-mailbox-full": ("soft", "5.2.2", "full", "mark"),
    "m365-access-denied": ("soft", "5.4.1", "other", "mark"),
    "m365-too-big": ("soft", "5.2.3", "too-big", "mark"),
    "m365-french": ("hard", "5.1.1", "unknown-address", "mark"),
    "gmail-no-such-user": ("hard", "5.1.1", "unknown-address", "mark"),
    "gmail-over-quota": ("soft", "4.2.2", "temporary", "mark"),
    "gmail-delayed": ("delayed", "", "delayed", ""),
    "gmail-unauthenticated": ("soft", "5.7.26", "policy", "mark"),
    "gmail-disabled": ("hard", "5.2.1", "disabled", "mark"),
    "yahoo-no-account": ("hard", "5.1.1", "unknown-address", "mark"),
    "yahoo-deferred": ("soft", "4.7.0", "temporary", "mark"),
    "orange-invalid-recipient": ("hard", "5.1.1", "unknown-address", "mark"),
    "orange-invalid-without-code": ("hard", "5.1.1", "unknown-address", "mark"),
    "orange-full": ("soft", "5.2.2", "full", "mark"),
    "orange-rejected": ("soft", "5.7.1", "policy", "mark"),
    "orange-too-many-connections": ("soft", "4.7.0", "policy", "mark"),
    "laposte-invalid-recipient": ("hard", "5.1.1", "unknown-address", "mark"),
    "laposte-refused": ("soft", "5.7.0", "policy", "mark"),
    "laposte-dmarc": ("soft", "5.7.0", "policy", "mark"),
    "free-user-unknown": ("hard", "5.1.1", "unknown-address", "mark"),
    "free-spam": ("soft", "5.7.0", "policy", "mark"),
    "sfr-unknown": ("hard", "5.1.1", "unknown-address", "mark"),
    "sfr-full-quoted-printable": ("soft", "4.2.2", "temporary", "mark"),
    "amavis-blocked": ("soft", "5.7.0", "policy", "mark"),
    "sendmail-user-unknown": ("hard", "5.1.1", "unknown-address", "mark"),
    "sendmail-transcript-only": ("hard", "5.1.1", "unknown-address", "mark"),
    "sendmail-warning": ("delayed", "", "delayed", ""),
    "domino-not-listed": ("hard", "5.1.1", "unknown-address", "mark"),
    "mailenable": ("hard", "5.1.1", "unknown-address", "mark"),
    "mdaemon": ("soft", "5.7.1", "policy", "mark"),
    "ses-like": ("hard", "5.1.1", "unknown-address", "mark"),
    "status-with-a-comment": ("hard", "5.1.1", "unknown-address", "mark"),
    "no-action": ("hard", "5.1.1", "unknown-address", "mark"),
    "no-status": ("hard", "5.1.1", "unknown-address", "mark"),
    "expanded": ("not-a-bounce", "", "delivered", ""),
    "vacation-french": ("not-a-bounce", "", "auto-reply", ""),
    "vacation-english-exchange": ("not-a-bounce", "", "auto-reply", ""),
    "vacation-null-sender": ("not-a-bounce", "", "auto-reply", ""),
    "vacation-old": ("not-a-bounce", "", "auto-reply", ""),
    "vacation-group": ("not-a-bounce", "", "auto-reply", ""),
    "challenge": ("not-a-bounce", "", "challenge", ""),
    "challenge-from-postmaster": ("not-a-bounce", "", "challenge", ""),
    "read-receipt": ("not-a-bounce", "", "read-receipt", ""),
    "a-person-answers": ("not-a-bounce", "", "mail", ""),
    "a-person-forwards-a-bounce": ("not-a-bounce", "", "mail", ""),
    "spam-to-the-bounce-address": ("not-a-bounce", "", "mail", ""),
    "arf-yahoo": ("complaint", "", "abuse", "mark"),
    "arf-signal-spam": ("complaint", "", "abuse", "id"),
    "arf-headers-only": ("complaint", "", "abuse", "mark"),
    "arf-fraud": ("complaint", "", "fraud", "mark"),
    "arf-opt-out": ("complaint", "", "opt-out", "mark"),
    "arf-not-spam": ("not-a-bounce", "", "not-spam", ""),
    "arf-auth-failure": ("not-a-bounce", "", "auth-failure", ""),
    "arf-new-kind": ("unreadable", "", "unknown-feedback", "mark"),
    "arf-about-nobody": ("unreadable", "", "unknown-letter", ""),
    "arf-without-kind": ("unreadable", "", "unknown-feedback", "mark"),
    "arf-damaged": ("unreadable", "", "damaged-report", "mark"),
    "microsoft-jmrp": ("complaint", "", "abuse", "mark"),
    "boundary-never-closed": ("hard", "5.1.1", "unknown-address", "mark"),
    "no-boundary": ("hard", "5.1.1", "unknown-address", "mark"),
    "broken-content-type": ("hard", "5.1.1", "unknown-address", "mark"),
    "eight-bit-headers": ("hard", "5.1.1", "unknown-address", "mark"),
    "utf16-part": ("soft", "5.2.2", "full", "mark"),
    "utf16-whole": ("hard", "5.1.1", "unknown-address", "mark"),
    "base64-report": ("hard", "5.1.1", "unknown-address", "mark"),
    "quoted-printable-copy": ("hard", "5.1.1", "unknown-address", "mark"),
    "with-a-footer": ("hard", "5.1.2", "domain", "mark"),
    "empty-report": ("hard", "5.1.1", "unknown-address", "mark"),
    "with-mbox-line": ("hard", "5.1.1", "unknown-address", "mark"),
    "line-ends-of-mail": ("hard", "5.1.1", "unknown-address", "mark"),
    "message-id-only": ("hard", "5.1.1", "unknown-address", "id"),
    "forged-mark": ("unreadable", "5.1.1", "forged", ""),
    "damaged-mark": ("unreadable", "5.1.1", "unknown-letter", ""),
    "forged-mark-true-message-id": ("hard", "5.1.1", "unknown-address", "id"),
    "no-mark": ("unreadable", "5.1.1", "unknown-letter", ""),
    "empty": ("unreadable", "", "empty", ""),
    "only-line-ends": ("unreadable", "", "empty", ""),
    "binary": ("unreadable", "", "empty", ""),
}


def look_up(message_id: str) -> str | None:
    return "d77" if message_id == ID else None


def of(name: str, recipient: str = "") -> Report:
    return read(KEYS, sample(name, message_id=ID), look_up, recipient)


def test_every_sample_is_in_the_table() -> None:
    assert set(names()) == set(EXPECTED)
    assert len(names()) >= 60


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_end_state(name: str) -> None:
    kind, code, reason, known_by = EXPECTED[name]
    report = of(name)
    delivery = {"mark": "d345", "id": "d77", "": None}[known_by]
    assert (report.kind, report.code, report.reason, report.delivery_id) == (kind, code, reason, delivery)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_no_address_and_no_name_is_kept(name: str) -> None:
    text = of(name).text
    assert "@reader" not in text
    assert "lea@" not in text
    assert "élodie" not in text
    assert len(text) <= 300
    assert text.isprintable()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_cut_anywhere_it_never_raises_nor_becomes_worse_by_itself(name: str) -> None:
    whole = sample(name, message_id=ID)
    dice = random.Random(name)
    for _try in range(8):
        read(KEYS, whole[: dice.randrange(len(whole) + 1)], look_up)
        damaged = bytearray(whole)
        for _letter in range(5 if damaged else 0):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        read(KEYS, bytes(damaged), look_up)


def test_a_name_without_its_domain_is_not_kept_either() -> None:
    assert of("domino-not-listed").text == "User <name> (<address>) not listed in Domino Directory"


def test_only_somebodys_mail_is_personal() -> None:
    assert {name for name in names() if of(name).personal} == {
        "a-person-answers",
        "a-person-forwards-a-bounce",
        "spam-to-the-bounce-address",
    }


@given(st.binary(max_size=3000))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read(raw: bytes) -> None:
    assert read(KEYS, raw, look_up).delivery_id is None


# ---- the return path


@given(st.integers(0, 2**63 - 1))
@settings(max_examples=60)
def test_a_return_path_names_its_letter_in_any_case(number: int) -> None:
    path = return_path(KEYS, ADDRESS, f"d{number}")
    local = path.rpartition("@")[0]
    assert len(local.encode()) <= 64
    assert local == local.lower()
    for spelled in (path, path.upper(), path.swapcase(), f"<{path}>"):
        assert read_return_path(KEYS, spelled) == f"d{number}"


def test_one_wrong_letter_and_it_is_void() -> None:
    local, _at, domain = return_path(KEYS, ADDRESS, "d345").rpartition("@")
    start = local.index("+") + 1
    for position in range(start, len(local)):
        other = "a" if local[position] != "a" else "b"
        changed = f"{local[:position]}{other}{local[position + 1 :]}@{domain}"
        assert read_return_path(KEYS, changed) is None, changed


def test_it_is_bound_to_its_key_and_its_purpose() -> None:
    path = return_path(KEYS, ADDRESS, "d345")
    assert read_return_path(Keys({"1": b"x" * 32}), path) is None
    assert read_return_path(Keys({"1": b"k" * 32, "2": b"y" * 32}), path) == "d345"  # an old key still verifies
    token = path.partition("+")[2].partition("@")[0]
    assert tokens.read_mark(KEYS, token) == 345
    assert all(tokens.read(KEYS, purpose, token) is None for purpose in Purpose)
    link = tokens.make(KEYS, Purpose.UNSUBSCRIBE, 345)
    assert read_return_path(KEYS, f"bounces+{link}@lettre.example.org") is None


def test_a_test_letter_has_no_mark() -> None:
    assert return_path(KEYS, ADDRESS, "test") == ADDRESS
    assert read_return_path(KEYS, ADDRESS) is None


@pytest.mark.parametrize("address", ["", "bounces", "@example.org", "a b@example.org", "ü@example.org", "a@b\r\nX: y"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ConfigError):
        return_path(KEYS, address, "d1")


def test_room_for_the_mark() -> None:
    assert return_path(KEYS, f"{'b' * 23}@example.org", f"d{2**63 - 1}").index("@") == 64
    with pytest.raises(ConfigError):
        return_path(KEYS, f"{'b' * 24}@example.org", "d1")


# ---- who it is about


def test_where_it_arrived_comes_before_what_it_says() -> None:
    arrived = return_path(KEYS, ADDRESS, "d9")
    assert of("postfix-user-unknown", arrived).delivery_id == "d9"


def test_a_message_id_is_no_use_without_the_ledger() -> None:
    report = read(KEYS, sample("message-id-only", message_id="<stranger@example.org>"), look_up)
    assert (report.kind, report.delivery_id, report.reason) == (Kind.UNREADABLE, None, "unknown-letter")


def test_words_alone_suppress_nobody() -> None:
    assert judge("", "user unknown, no such mailbox").kind is Kind.SOFT
    assert judge("", "Exim 4.94.2 on host 5.1.1.7: unknown user").kind is Kind.SOFT


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        ("5.0.0", "550 5.1.1 unknown", "5.1.1"),
        ("5.2.2", "550 5.1.1 unknown", "5.2.2"),
        ("4.0.0", "550 5.1.1 unknown", "4.0.0"),  # a report that says "later" is believed
        ("", "550-5.1.1 two lines", "5.1.1"),
        ("", "(#5.1.1)", "5.1.1"),
        ("", "version 5.1.1.4", ""),
        ("", "5.9.1", ""),
    ],
)
def test_which_code_counts(status: str, said: str, code: str) -> None:
    assert judge(status, said).code == code


# ---- what a stranger may send


BOMBS = (
    "line ends in a report",
    "recipients",
    "fields",
    "parts",
    "nested",
    "messages",
    "parameters",
    "words",
    "dashes",
    "addresses",
    "marks",
    "tags",
    "one line",
)


def bomb(kind: str) -> bytes:
    head = f"Return-Path: <>\nTo: {return_path(KEYS, ADDRESS, 'd5')}\nFrom: MAILER-DAEMON@x.example.org\n"
    report = 'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\n\n'
    made = {
        "line ends in a report": report + "--x\nContent-Type: message/delivery-status\n\n" + "\n" * SIZE,
        "recipients": report
        + "--x\nContent-Type: message/delivery-status\n\n"
        + "Action: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; a@b.example\n\n" * 15000,
        "fields": report + "--x\nContent-Type: message/delivery-status\n\n" + "Action: failed\nStatus: 4\n" * 40000,
        "parts": report + "--x\nContent-Type: text/plain\n\nA\n" * 40000,
        "nested": "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(20000)),
        "messages": "Content-Type: message/rfc822\n\n" * 30000,
        "parameters": 'Content-Type: text/plain; x="' + ";" * 62_000 + "\n\n550",
        "words": "Subject: " + "=?a?q?x" * 9_000 + "\n\n550 5.1.1",
        "dashes": "\n" + "-" * 700_000,
        "addresses": "X-Failed-Recipients: " + "a" * 50_000 + "\n\n" + "550 " + "a" * 900_000,
        "marks": "\n" + "+1b9z-aaaaaaaaaaaaaaaaaaaaaaaa@" * 30000,
        "tags": "Content-Type: text/html\n\n" + "<a" * 400_000,
        "one line": "X" * SIZE * 2,
    }
    return (head + made[kind]).encode()


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_costs_no_more_than_its_size(kind: str) -> None:
    raw = bomb(kind)
    began = time.process_time()
    report = read(KEYS, raw, look_up)
    assert time.process_time() - began < 1.5
    assert len(report.text) <= 300


def test_a_letter_that_came_back_whole_and_huge() -> None:
    message = EmailMessage()
    message["Return-Path"], message["From"], message["Subject"] = "<>", "mailer-daemon@example.org", "failure notice"
    message["To"] = return_path(KEYS, ADDRESS, "d6")
    message.set_content("550 5.1.1 unknown user\n")
    message.add_attachment(b"\x00" * 3_000_000, "application", "octet-stream")
    assert read(KEYS, message.as_bytes(), look_up) == Report(
        Kind.HARD, "d6", "5.1.1", "550 5.1.1 unknown user", "unknown-address"
    )


# a wish to leave, by mail


def _wish(subject: str, **headers: str) -> bytes:
    lines = [f"Subject: {subject}", "From: reader@example.org", "To: bounces@letter.example.org"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", "", ""]).encode()


def test_the_mail_that_list_unsubscribe_asks_for_is_a_wish_to_leave() -> None:
    token = tokens.make(KEYS, Purpose.UNSUBSCRIBE, 4711)
    for subject in (f"unsubscribe {token}", f"unsubscribe\r\n {token}", f"unsubscribe {token} "):
        report = read(KEYS, _wish(subject), look_up)
        assert (report.kind, report.subscriber_id, report.delivery_id) == (Kind.LEAVE, 4711, None)


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.UNSUBSCRIBE])
def test_another_links_token_is_no_wish_to_leave(purpose: Purpose) -> None:
    report = read(KEYS, _wish(f"unsubscribe {tokens.make(KEYS, purpose, 4711)}"), look_up)
    assert report.subscriber_id is None


def test_a_wish_that_is_forged_quoted_or_answered_by_a_machine_is_none() -> None:
    token = tokens.make(KEYS, Purpose.UNSUBSCRIBE, 4711)
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    for raw in (
        _wish(f"unsubscribe {forged}"),
        _wish(f"Re: unsubscribe {token}"),
        _wish(f"unsubscribe {token}", Auto_Submitted="auto-replied"),
    ):
        assert read(KEYS, raw, look_up).subscriber_id is None
