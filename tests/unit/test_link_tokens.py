"""Links under several keys: parts of true tokens, put together anew, open nothing; a key that is gone opens nothing."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from veille.tokens import Keys, Purpose, make, read

OLD, NEW = Keys({"1": b"a" * 32}), Keys({"1": b"a" * 32, "2": b"b" * 32})
readers = st.integers(0, 10_000_000)
purposes = st.sampled_from(Purpose)
tokens = st.builds(make, st.sampled_from((OLD, NEW)), purposes, readers)


def _readings(keys: Keys, token: str) -> dict[Purpose, int]:
    """What a token opens."""
    found = {purpose: read(keys, purpose, token) for purpose in Purpose}
    return {purpose: reader for purpose, reader in found.items() if reader is not None}


@given(tokens, tokens)
def test_the_name_of_one_and_the_signature_of_another_open_nothing(one: str, other: str) -> None:
    (name, _, first), (other_name, _, second) = one.partition("-"), other.partition("-")
    assume(name != other_name)
    assert _readings(NEW, f"{name}-{second}") == _readings(NEW, f"{other_name}-{first}") == {}


@given(purposes, readers, st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyz"))
def test_the_id_of_a_key_is_signed_too(purpose: Purpose, reader: int, key: str) -> None:
    token = make(NEW, purpose, reader)
    assume(key != token[0])
    same = Keys({"1": b"b" * 32, "2": b"b" * 32, key: b"b" * 32})  # even where both ids mean the same key
    assert _readings(same, key + token[1:]) == {}


@given(purposes, readers)
def test_letters_outlive_a_change_of_keys_until_the_old_one_is_taken_away(purpose: Purpose, reader: int) -> None:
    before, after = make(OLD, purpose, reader), make(NEW, purpose, reader)
    assert _readings(NEW, before) == _readings(NEW, after) == {purpose: reader}
    assert before != after
    gone = Keys({"2": b"b" * 32})
    assert _readings(gone, before) == {}
    assert _readings(gone, after) == {purpose: reader}
    assert _readings(OLD, after) == {}


@given(tokens, tokens, st.data())
def test_what_is_cut_turned_doubled_or_written_otherwise_opens_nothing(
    token: str, other: str, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(token) - 1))
    spelt = {token[:cut], token[cut + 1 :], token + other, f"{token}=", f" {token}", f"{token}\n", token.upper()}
    for changed in spelt - {token}:
        assert _readings(NEW, changed) == {}, changed
