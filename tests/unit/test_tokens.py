"""Links that name a reader: nobody can make one, none does more than it was made for, and all are short."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veille.errors import LedgerError
from veille.tokens import Keys, Purpose, load_keys, make, read

KEYS = Keys({"1": b"a" * 32})
ids = st.integers(0, 10_000_000)
purposes = st.sampled_from(Purpose)


@given(ids, purposes)
def test_a_token_names_its_reader_and_is_short(reader: int, purpose: Purpose) -> None:
    token = make(KEYS, purpose, reader)
    assert read(KEYS, purpose, token) == reader
    assert len(f"<https://kesskispass.example.org/{purpose}/{token}>") < 78


@given(ids, purposes, purposes)
def test_a_token_is_void_for_another_purpose(reader: int, made: Purpose, asked: Purpose) -> None:
    assert (read(KEYS, asked, make(KEYS, made, reader)) is None) is (made is not asked)


@given(ids, st.data())
def test_every_character_counts(reader: int, data: st.DataObject) -> None:
    token = make(KEYS, Purpose.UNSUBSCRIBE, reader)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([c for c in string.printable + "é٣" if c != token[place]]))
    assert read(KEYS, Purpose.UNSUBSCRIBE, token[:place] + other + token[place + 1 :]) is None


@given(st.text() | st.from_regex(r"[0-9a-z][upc][0-9a-z]+-[A-Za-z0-9_-]{20}", fullmatch=True))
def test_nothing_invented_is_a_token(text: str) -> None:
    assert all(read(KEYS, purpose, text) is None for purpose in Purpose)


@given(ids)
def test_the_tokens_of_one_reader_do_not_open_the_next(reader: int) -> None:
    token = make(KEYS, Purpose.UNSUBSCRIBE, reader)
    forged = make(KEYS, Purpose.UNSUBSCRIBE, reader + 1).partition("-")[0] + token[token.index("-") :]
    assert read(KEYS, Purpose.UNSUBSCRIBE, forged) is None


def test_an_old_key_verifies_and_the_new_one_signs() -> None:
    rotated = Keys({"1": b"a" * 32, "2": b"b" * 32})
    old, new = make(KEYS, Purpose.CONFIRM, 7), make(rotated, Purpose.CONFIRM, 7)
    assert read(rotated, Purpose.CONFIRM, old) == read(rotated, Purpose.CONFIRM, new) == 7
    assert read(KEYS, Purpose.CONFIRM, new) is None
    assert rotated.derive("message-id") == KEYS.derive("message-id") != KEYS.derive("suppression")


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "outbox/secret.key"
    first = load_keys(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_keys(path) == first
    assert list(path.parent.iterdir()) == [path]
    assert first.by_id["1"].hex() not in repr(first)


def test_a_key_of_the_environment_signs_and_the_file_still_verifies(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    assert not (load_keys(path, "words").by_id.keys() - {"0"})
    assert not path.exists()
    token = make(load_keys(path), Purpose.UNSUBSCRIBE, 7)
    both = load_keys(path, "words")
    assert read(both, Purpose.UNSUBSCRIBE, token) == 7
    assert both.newest == "0"


@pytest.mark.parametrize("content", ["", "1:", "1:abcd", "1", f"10:{'ab' * 32}", f"0:{'ab' * 32}", "1:zz", "é", "\x00"])
def test_a_damaged_key_is_said_and_never_used(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret.key"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(LedgerError, match="signing key"):
        load_keys(path)
    assert path.read_text(encoding="utf-8") == content
