"""What a mail server's answer means: the reader, the letter, or us."""

from __future__ import annotations

import pytest

from veille.errors import HardBounce, NotAuthorised, PublishError, Rejected, Unavailable
from veille_publishers.smtp_replies import Gone, Reply, about_us, lost_before, mail_refused, reader_refused


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (550, "5.1.1 <a@example.org>: Recipient address rejected: User unknown", HardBounce),
        (550, "5.1.2 Host unknown", HardBounce),
        (553, "5.1.3 bad syntax", HardBounce),
        (550, "5.1.6 moved", HardBounce),
        (556, "5.1.10 null MX", HardBounce),
        (550, "5.2.1 The account is disabled", HardBounce),
        (550, "No such user here", HardBounce),
        (550, "Requested action not taken: user not found", HardBounce),
        (551, "unknown mailbox", HardBounce),
        (550, "mailbox unavailable", Rejected),
        (550, "5.7.1 user unknown to our policy", Rejected),
        (550, "blocked: unknown user behind a listed address", Rejected),
        (554, "no such user", Rejected),
        (550, "5.1.0 address rejected", Rejected),
        (550, "5.1.100 not the one", Rejected),
        (552, "5.2.2 mailbox full", Rejected),
        (450, "4.1.1 user unknown for now", Unavailable),
        (421, "4.7.0 too fast", Unavailable),
    ],
)
def test_an_answer_about_a_reader(code: int, text: str, kind: type[PublishError]) -> None:
    error = reader_refused(Reply(code, text), at_rcpt=True)
    assert type(error) is kind
    assert about_us(error) is (code == 421)


def test_words_without_a_code_suppress_nobody_after_the_letter() -> None:
    """The answer to the content is about the content, unless its enhanced code says otherwise."""
    assert type(reader_refused(Reply(550, "no such user"))) is Rejected
    assert type(reader_refused(Reply(550, "5.1.1 no such user"))) is HardBounce


@pytest.mark.parametrize(
    ("code", "text", "too_big"),
    [
        (552, "5.3.4 Message size exceeds fixed limit", True),
        (552, "message exceeds the size that is allowed", True),
        (554, "5.3.4 too big", True),
        (552, "5.2.2 over quota", False),
        (552, "mailbox is full", False),
    ],
)
def test_too_big_is_said_so(code: int, text: str, too_big: bool) -> None:
    error = reader_refused(Reply(code, text))
    assert type(error) is Rejected
    assert ("too big" in error.message.partition(":")[0]) is too_big


@pytest.mark.parametrize(
    ("code", "kind"), [(550, NotAuthorised), (530, NotAuthorised), (451, Unavailable), (250, Unavailable)]
)
def test_an_answer_to_mail_is_about_us(code: int, kind: type[PublishError]) -> None:
    error = mail_refused(Reply(code, "5.7.1 no"))
    assert type(error) is kind
    assert about_us(error)


def test_a_farewell_is_repeated_in_its_own_words() -> None:
    error = lost_before(Gone("421", reply=Reply(421, "4.3.2 going down")))
    assert "4.3.2 going down" in error.message
    assert error.about_us
