"""Meta's codes and what they mean for us."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from veille.errors import NotAuthorised, OutcomeUnknown, PublishError, RateLimited, Rejected, Unavailable
from veille_publishers.graph_errors import TABLE, Reaction, reaction_of, refused, rule_for, rule_in, wait_from

ROWS: list[tuple[int, int | None, type[PublishError], type[PublishError]]] = [
    # code, subcode, when publishing, when hidden
    (1, None, OutcomeUnknown, Unavailable),
    (2, None, OutcomeUnknown, Unavailable),
    (4, None, RateLimited, RateLimited),
    (4, 2207051, OutcomeUnknown, NotAuthorised),
    (10, None, NotAuthorised, NotAuthorised),
    (200, None, NotAuthorised, NotAuthorised),
    (299, None, NotAuthorised, NotAuthorised),
    (100, None, Rejected, Rejected),
    (100, 33, OutcomeUnknown, NotAuthorised),
    (102, None, NotAuthorised, NotAuthorised),
    (104, None, NotAuthorised, NotAuthorised),
    (190, None, NotAuthorised, NotAuthorised),
    (190, 463, NotAuthorised, NotAuthorised),
    (190, 987654, NotAuthorised, NotAuthorised),  # an unknown subcode falls back to its code
    (368, None, NotAuthorised, NotAuthorised),
    (368, 1390008, RateLimited, RateLimited),
    (506, None, OutcomeUnknown, Rejected),
    (613, None, RateLimited, RateLimited),
    (80002, None, RateLimited, RateLimited),
    (1609005, None, Unavailable, Unavailable),
    (100, 1609005, Unavailable, Unavailable),
    (-1, 2207001, OutcomeUnknown, Unavailable),
    (-2, 2207003, OutcomeUnknown, Unavailable),
    (9, 2207042, RateLimited, RateLimited),
    (24, 2207008, OutcomeUnknown, Unavailable),
    (25, 2207050, NotAuthorised, NotAuthorised),
    (9004, 2207052, OutcomeUnknown, Unavailable),
    (9007, 2207027, Unavailable, Unavailable),
    (36003, 2207009, Rejected, Rejected),
    (36004, 2207010, Rejected, Rejected),
    (424242, None, OutcomeUnknown, Unavailable),
]


@pytest.mark.parametrize(("code", "subcode", "public", "hidden"), ROWS)
def test_which_call_it_was_matters(
    code: int, subcode: int | None, public: type[PublishError], hidden: type[PublishError]
) -> None:
    error = {"code": code, "error_subcode": subcode}
    rule = rule_for(error, 400)
    assert type(refused(rule, publishing=True)) is public
    assert type(refused(rule, publishing=False)) is hidden


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
