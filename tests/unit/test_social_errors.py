"""Meta's codes and what they mean for us."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from veille.errors import NotAuthorised, OutcomeUnknown, PublishError, RateLimited, Rejected, Unavailable
from veille_publishers.graph_errors import other_token_may_read, reaction_of, refused, rule_for, rule_in, wait_from
from veille_publishers.graph_table import ROWS, TABLE, Reaction

# The reference, row by row: Meta's pages "Handling errors" and "Instagram Platform error codes" (page of 2026-06-02)
# with what each calls for. Codes without subcode match any; subcodes without code were met by other publishers.
SAFE, LOOK, WAIT, NEW = Reaction.SAFE_RETRY, Reaction.RECONCILE, Reaction.WAIT, Reaction.NEW_CONTAINER
READY, AUTH, HUMAN, BAD = Reaction.NOT_READY, Reaction.REAUTH, Reaction.HUMAN, Reaction.PERMANENT

# codes, subcodes -> on a public step, on a read or an invisible step
GENERAL: list[tuple[tuple[int | None, ...], tuple[int | None, ...], Reaction, Reaction]] = [
    ((1, 2), (None,), LOOK, SAFE),
    ((3,), (None,), AUTH, AUTH),
    ((4, 17, 32, 341, 613, 80001, 80002), (None,), WAIT, WAIT),
    ((4,), (2207051,), LOOK, HUMAN),
    ((10, *range(200, 300)), (None,), AUTH, AUTH),
    ((100,), (None,), BAD, BAD),
    ((100,), (33,), LOOK, AUTH),
    ((102, 190), (None, 458, 460, 463, 467, 492), AUTH, AUTH),
    ((190,), (459, 464), HUMAN, HUMAN),
    ((104,), (None,), AUTH, AUTH),  # the reference says PERMANENT (configuration): see below
    ((240, 283), (None,), AUTH, AUTH),
    ((324,), (None,), BAD, BAD),
    ((368,), (None, 1390008, 4854002, 1404082, 1404102), HUMAN, HUMAN),
    ((506,), (None,), LOOK, BAD),
    ((1609005,), (None,), READY, READY),  # the reference says PERMANENT after 2 tries: see below
    ((2500,), (None,), BAD, BAD),
    ((None,), (1366046, 1346003, 1609008, 2061006, 2069019, 1349125), BAD, BAD),
    ((None,), (1366051,), LOOK, BAD),
    ((None,), (1404006, 1404112, 1404078), HUMAN, HUMAN),
    ((None,), (1363047, 1609010), LOOK, SAFE),
    ((424242,), (None,), LOOK, SAFE),
]

INSTAGRAM: list[tuple[int | None, tuple[int, ...], Reaction, Reaction]] = [
    (-2, (2207003,), LOOK, SAFE),
    (-2, (2207020,), LOOK, NEW),
    (-1, (2207001, 2207032), LOOK, SAFE),
    (-1, (2207053,), LOOK, NEW),
    (1, (2207057,), BAD, BAD),
    (4, (2207051,), LOOK, HUMAN),
    (9, (2207042,), WAIT, WAIT),
    (24, (2207006, 2207008), LOOK, NEW),
    (25, (2207050,), HUMAN, HUMAN),
    (100, (2207023, 2207028, 2207035, 2207036, 2207037, 2207040), BAD, BAD),
    (352, (2207026,), BAD, BAD),
    (9004, (2207052,), LOOK, SAFE),
    (9007, (2207027,), READY, READY),
    (36000, (2207004,), BAD, BAD),
    (36001, (2207005,), BAD, BAD),
    (36003, (2207009,), BAD, BAD),
    (36004, (2207010,), BAD, BAD),
    (-1, (2207073,), BAD, BAD),
    (None, (2207076, 2207077), LOOK, SAFE),
    (None, (2207081,), BAD, BAD),
    (None, (2207082, 2207085), LOOK, NEW),
]

# Ours on purpose: a wrong signature would fail every post of the queue, so the channel stops instead; a page that
# cannot be opened yet is waited for, as the ledger waits for everything, and given up as it gives up.

EXPECTED = [
    *((c, s, public, hidden) for codes, subs, public, hidden in GENERAL for c in codes for s in subs),
    *((code, sub, public, hidden) for code, subs, public, hidden in INSTAGRAM for sub in subs),
]
ERRORS: dict[Reaction, tuple[type[PublishError], type[PublishError]]] = {  # on a public step, on another
    SAFE: (OutcomeUnknown, Unavailable),
    LOOK: (OutcomeUnknown, Unavailable),
    NEW: (OutcomeUnknown, Unavailable),
    WAIT: (RateLimited, RateLimited),
    READY: (Unavailable, Unavailable),
    AUTH: (NotAuthorised, NotAuthorised),
    HUMAN: (NotAuthorised, NotAuthorised),
    BAD: (Rejected, Rejected),
}


@pytest.mark.parametrize(("code", "subcode", "public", "hidden"), EXPECTED)
def test_the_table_says_what_the_reference_says(
    code: int | None, subcode: int | None, public: Reaction, hidden: Reaction
) -> None:
    rule = rule_for({"code": code, "error_subcode": subcode}, 400)
    assert (rule.public, rule.hidden) == (public, hidden)
    assert type(refused(rule, publishing=True)) is ERRORS[public][0]
    assert type(refused(rule, publishing=False)) is ERRORS[hidden][1]


def test_the_table_holds_nothing_else() -> None:
    named = {(code, subcode) for code, subcode, _public, _hidden in EXPECTED}
    subcodes = {subcode for _code, subcode in named if subcode}
    for code, subcode in TABLE:
        assert (code, subcode) in named or (code is None and subcode in {*subcodes, 1609005}) or subcode is None
    assert {code for code, subcode in TABLE if subcode is None} <= {code for code, _subcode in named}


def test_every_row_stands_once() -> None:
    assert len(TABLE) == len(ROWS)


def test_an_unknown_subcode_falls_back_to_its_code() -> None:
    assert rule_for({"code": 190, "error_subcode": 987654}, 400).public is AUTH
    assert rule_for({"code": 100, "error_subcode": 1609005}, 400).public is READY
    assert rule_for({"code": 77, "error_subcode": 2207082}, 400).hidden is NEW


def test_spam_is_looked_at_and_stops_the_channel() -> None:
    shown = refused(TABLE[4, 2207051], publishing=True)
    assert isinstance(shown, OutcomeUnknown)
    assert shown.stops
    other = refused(TABLE[1, None], publishing=True)
    assert isinstance(other, OutcomeUnknown)
    assert not other.stops


def test_only_two_answers_prove_nothing_before_the_other_token_was_tried() -> None:
    assert {key for key, rule in TABLE.items() if rule.other_token} == {(10, None), (100, 33)}
    assert other_token_may_read(refused(TABLE[100, 33], publishing=False))
    assert not other_token_may_read(refused(TABLE[190, None], publishing=False))
    assert not other_token_may_read(Unavailable("x"))


@pytest.mark.parametrize("rule", TABLE.values(), ids=str)
def test_every_row_has_words_and_a_remedy(rule: Any) -> None:
    error = refused(rule, publishing=True)
    assert error.message
    assert error.hint
    assert reaction_of(error) is rule.public


def test_the_order_of_look_up() -> None:
    assert rule_for({"code": 4, "error_subcode": 2207051}, 400).public is Reaction.RECONCILE
    assert rule_for({"code": 77, "is_transient": True}, 400).public is Reaction.RECONCILE
    assert rule_for({"code": 4, "is_transient": True}, 400).public is Reaction.WAIT
    assert rule_for({"code": 77}, 401).public is Reaction.REAUTH
    assert rule_for({"code": 77}, 429).public is Reaction.WAIT
    assert rule_for({"code": "190"}, 400).public is Reaction.REAUTH
    assert rule_for({"code": None}, 400).public is Reaction.RECONCILE
    assert rule_for({}, 400).public is Reaction.RECONCILE


def test_a_wrong_proof_is_about_the_access_and_not_the_post() -> None:
    error = {"code": 100, "message": "Invalid appsecret_proof provided in the API argument"}
    shown = refused(rule_for(error, 400), publishing=True)
    assert isinstance(shown, NotAuthorised)
    assert "app_secret" in str(shown.hint)


def test_a_persons_token_for_a_page_is_said() -> None:
    error = {"code": 200, "message": "(#200) Unpublished posts must be posted to a page as the page itself"}
    assert "person" in refused(rule_for(error, 403), publishing=False).message


@pytest.mark.parametrize(
    ("text", "reaction"),
    [
        ("Error: Media upload has failed with error code 2207082", Reaction.NEW_CONTAINER),
        ("Error: 2207009", Reaction.PERMANENT),
        ("Error: 2207001", Reaction.SAFE_RETRY),
        ("no number at all", Reaction.NEW_CONTAINER),
    ],
)
def test_the_subcode_in_the_words_of_a_container(text: str, reaction: Reaction) -> None:
    assert rule_in(text).hidden is reaction


@pytest.mark.parametrize(
    ("header", "minutes"),
    [
        ('{"1":[{"estimated_time_to_regain_access":19}]}', 19),
        ('{"1":[{"estimated_time_to_regain_access":3}],"2":[{},{"estimated_time_to_regain_access":"7"}]}', 7),
        ('{"1":[{"estimated_time_to_regain_access":0}]}', None),
        ('{"1":[{"estimated_time_to_regain_access":1e9}]}', 1440),
        ('{"1":[{"estimated_time_to_regain_access":NaN}]}', None),
        ("{}", None),
        ("[]", None),
        ('{"1":5}', None),
        ('{"1":["x"]}', None),
        ("not json", None),
        ("", None),
        (None, None),
    ],
)
def test_the_wait_in_the_header(header: str | None, minutes: int | None) -> None:
    assert wait_from(header) == (timedelta(minutes=minutes) if minutes else None)
