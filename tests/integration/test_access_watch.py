"""The daily look at the access, against the stateful fake of Meta: renewed in time, told of ahead, never in the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.support.fast_ledger import empty
from tests.support.graph_desk import MemoryJournal, desk
from tests.support.graph_fake import GraphFake
from tests.support.graph_faults import Fault, error
from tests.support.workspace import Workspace
from veille.access import Standing
from veille.config import load
from veille.credentials import opened, variable
from veille.outbox.access import Accesses
from veille_cli import access_watch, diagnoses
from veille_cli.access_words import any_urgent, lines
from veille_cli.output import Talk
from veille_cli.wiring import Newsroom

DAY = timedelta(days=1)
GO = threading.Event()  # never set: nobody stops it
TALK = Talk(json=False, debug=False)
OPERATORS = "Sam Exemple <sam@example.org>, camille@example.org"


Rooms = Callable[..., Newsroom]


@pytest.fixture
def rooms(tmp_path: Path, fake: GraphFake) -> Iterator[Rooms]:
    """Newsrooms on the fake's clock, as each start of `veille run` makes them."""
    made: list[Newsroom] = []
    (tmp_path / "veille.toml").write_text("", encoding="utf-8")
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox/outbox.sqlite3").write_bytes(empty())

    def make(**environ: str) -> Newsroom:
        base = {
            "WORKSPACE__LANGUAGE": "en",
            "WORKSPACE__BASE_URL": "https://letter.example.org",
            "WORKSPACE__OPERATORS": OPERATORS,
        }
        values = {f"VEILLE_{name}": value for name, value in (base | environ).items()}
        made.append(Newsroom(load(tmp_path, values), fake.world.clock))
        return made[-1]

    yield make
    for room in made:
        room.close()


def facebook(fake: GraphFake, **more: str) -> dict[str, str]:
    values = {"TRANSPORT": "graph", "API_URL": fake.url, "PAGE_ID": fake.page_id, "APP_ID": fake.world.app_id, **more}
    return {f"FACEBOOK__{key}": value for key, value in values.items()}


def instagram(fake: GraphFake, **more: str) -> dict[str, str]:
    values = {"TRANSPORT": "graph", "LOGIN": "instagram", "API_URL": fake.instagram_url, "USER_ID": fake.ig_user_id}
    return {f"INSTAGRAM__{key}": value for key, value in (values | more).items()}


def keep(room: Newsroom, section: str, **values: str) -> None:
    opened(room.config.root).save({variable(section, key): value for key, value in values.items()})


def kept(room: Newsroom, section: str, key: str) -> str:
    return opened(room.config.root).load()[variable(section, key)]


def days(room: Newsroom, fake: GraphFake, count: int, step: int = 1) -> None:
    for _day in range(0, count, step):
        access_watch.watch_once(room, GO, TALK)
        fake.world.clock.advance(days=step)


def row(room: Newsroom, channel: str) -> Standing:
    found = Accesses(room.database).of(channel)
    assert found is not None
    return found


def codes(standing: Standing) -> list[str]:
    return [problem.code for problem in standing.problems]


def mails(room: Newsroom) -> list[tuple[str, str, str]]:
    """Recipient, subject and text of every mail, oldest first."""
    paths = sorted((room.config.outbox_dir / "notices").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
    return [(str(mail["To"]), str(mail["Subject"]), str(mail.get_content())) for mail in found]


def test_a_token_of_instagram_lives_on_for_as_long_as_run_does(fake: GraphFake, rooms: Rooms) -> None:
    keep(rooms(**instagram(fake)), "instagram", access_token=fake.ig_login_token)
    room = rooms(**instagram(fake))
    days(room, fake, 81, step=3)
    last = kept(room, "instagram", "access_token")
    assert last != fake.ig_login_token
    assert fake.world.tokens.ended(last) is None
    assert fake.world.tokens.ended(fake.ig_login_token) == 463
    renewals = sum(seen.edge == "refresh_access_token" for seen in fake.calls)
    assert 81 // 9 <= renewals <= 81 // 9 + 2  # looked at every third day: due after seven, done after nine
    standing = row(room, "instagram")
    assert (standing.valid, standing.problems, mails(room)) == (True, (), [])
    assert standing.days_left(fake.world.clock()) in range(52, 61)


def test_when_it_cannot_be_renewed_operators_hear_at_14_7_3_1_and_0_days_once_each(
    fake: GraphFake, rooms: Rooms
) -> None:
    keep(rooms(**instagram(fake)), "instagram", access_token=fake.ig_login_token)
    room = rooms(**instagram(fake))
    days(room, fake, 3)
    for nth in range(1, 40):
        fake.fault("GET", "refresh_access_token", error(10, status=403), nth=nth)
    fake.world.clock.advance(days=40)
    days(room, fake, 25)
    told = [(to, subject) for to, subject, _text in mails(room)]
    ends = [f"ends in {n} days" for n in (14, 7, 3)] + ["ends in 1 day", "has ended"]
    subjects = [f"veille: the access to Instagram {end}" for end in ends]
    for to in ("Sam Exemple <sam@example.org>", "camille@example.org"):
        assert [subject for other, subject in told if other == to] == subjects
    assert all("veille connect instagram" in text for _to, _subject, text in mails(room))
    assert "could not be renewed" in mails(room)[0][2]
    assert row(room, "instagram").valid is False
    assert any_urgent(room)
    assert "the access has ended" in " ".join(lines(room))


def test_the_running_process_uses_the_renewed_token_from_the_next_call_on(
    fake: GraphFake, tmp_path: Path, rooms: Rooms
) -> None:
    keep(rooms(), "facebook", access_token=fake.page_token)
    office = desk(tmp_path, None, **{f"VEILLE_{key}": value for key, value in facebook(fake).items()})
    office.fake = fake
    publisher, journal = office.publisher("facebook"), MemoryJournal(office)
    publisher.deliver([office.delivery("facebook")], journal)
    fresh = fake.world.tokens.page_token(fake.user_token, fake.page_id)
    keep(rooms(), "facebook", access_token=fresh)
    publisher.deliver([office.delivery("facebook")], journal)
    used = [seen.token for seen in fake.calls if seen.edge == "feed" and seen.method == "POST"]
    assert used == [fake.page_token, fresh]


def test_a_system_user_of_sixty_days_is_prolonged_with_its_page_token(fake: GraphFake, rooms: Rooms) -> None:
    end = fake.world.clock() + 60 * DAY
    fake.token(fake.system_token).expires = end
    page = fake.world.tokens.page_token(fake.system_token, fake.page_id)
    fake.token(page).expires = end
    first = rooms(**facebook(fake))
    keep(first, "facebook", access_token=page, user_token=fake.system_token, app_secret=fake.world.secret)
    room = rooms(**facebook(fake))
    days(room, fake, 6)
    assert kept(room, "facebook", "user_token") == fake.system_token
    days(room, fake, 3)
    user = kept(room, "facebook", "user_token")
    assert user != fake.system_token
    assert fake.token(user).expires is not None
    assert kept(room, "facebook", "access_token") != page
    assert codes(row(room, "facebook")) == []


def test_a_person_s_token_is_prolonged_and_the_page_token_without_end_stays(fake: GraphFake, rooms: Rooms) -> None:
    first = rooms(**facebook(fake))
    keep(first, "facebook", access_token=fake.page_token, user_token=fake.user_token, app_secret=fake.world.secret)
    room = rooms(**facebook(fake))
    days(room, fake, 20)
    assert kept(room, "facebook", "access_token") == fake.page_token
    end = fake.token(kept(room, "facebook", "user_token")).expires
    assert end is not None
    assert end - fake.world.clock() > 50 * DAY
    standing = row(room, "facebook")
    assert (standing.days_left(fake.world.clock()), codes(standing)) == (None, [])


def test_what_the_environment_gives_is_not_renewed_and_that_is_said(fake: GraphFake, rooms: Rooms) -> None:
    room = rooms(**instagram(fake, ACCESS_TOKEN=fake.ig_login_token))
    fake.world.clock.advance(days=20)
    access_watch.watch_once(room, GO, TALK)
    assert codes(row(room, "instagram")) == ["access-not-kept"]
    assert not (room.config.root / "outbox/tokens.json").exists()
    assert [seen.edge for seen in fake.calls] == ["me"]


def test_what_an_access_lacks_is_found_on_the_same_day(fake: GraphFake, rooms: Rooms) -> None:
    secrets = {"ACCESS_TOKEN": fake.page_token, "USER_TOKEN": fake.user_token, "APP_SECRET": fake.world.secret}
    room = rooms(**facebook(fake, **secrets))
    token = fake.token(fake.page_token)
    token.scopes = token.scopes - {"pages_manage_posts"}
    fake.token(fake.user_token).tasks = ("ANALYZE",)
    fake.world.skew = timedelta(minutes=3)
    access_watch.watch_once(room, GO, TALK)
    assert codes(row(room, "facebook")) == ["access-scopes", "access-task", "clock"]
    token.scopes = token.scopes | {"pages_manage_posts"}
    token.granular = {"pages_manage_posts": {"999"}}
    fake.world.clock.advance(days=1)
    access_watch.watch_once(room, GO, TALK)
    assert "access-target" in codes(row(room, "facebook"))


@pytest.mark.parametrize("examined", [True, False])
def test_a_dead_token_is_known_and_told_once(fake: GraphFake, rooms: Rooms, examined: bool) -> None:
    secret = {"APP_SECRET": fake.world.secret} if examined else {}
    room = rooms(**facebook(fake, ACCESS_TOKEN=fake.page_token, **secret))
    access_watch.watch_once(room, GO, TALK)
    assert codes(row(room, "facebook")) == ([] if examined else ["access-blind"])
    fake.expire(fake.page_token, 460)
    fake.world.clock.advance(days=1)
    days(room, fake, 3)
    standing = row(room, "facebook")
    assert (standing.valid, standing.days_left(fake.world.clock())) == (False, 0)
    assert "the password was changed" in json.dumps([problem.message for problem in standing.problems])
    assert [subject for _to, subject, _text in mails(room)] == ["veille: the access to Facebook has ended"] * 2


def test_a_channel_that_its_service_stopped_is_told_by_the_mail_about_failures(fake: GraphFake, rooms: Rooms) -> None:
    room = rooms(**facebook(fake, ACCESS_TOKEN=fake.page_token, APP_SECRET=fake.world.secret))
    fake.expire(fake.page_token)
    room.deliveries.stop_channel("facebook", "Meta no longer accepts our access", room.clock())
    access_watch.watch_once(room, GO, TALK)
    assert (mails(room), row(room, "facebook").warned_days) == ([], 0)


def test_a_page_that_may_not_see_its_account_is_asked_for_as_a_person(fake: GraphFake, rooms: Rooms) -> None:
    """100/33 on reads with a page token since 2026-05: the access is not dead for that."""
    fake.fault("GET", "*", error(100, 33))
    values = {"LOGIN": "facebook", "API_URL": fake.url, "ACCESS_TOKEN": fake.page_token, "USER_TOKEN": fake.user_token}
    room = rooms(**instagram(fake, APP_ID=fake.world.app_id, APP_SECRET=fake.world.secret, **values))
    access_watch.watch_once(room, GO, TALK)
    assert (row(room, "instagram").valid, codes(row(room, "instagram"))) == (True, [])


def test_when_meta_is_away_nothing_is_concluded_and_it_is_asked_again_in_an_hour(fake: GraphFake, rooms: Rooms) -> None:
    room = rooms(**facebook(fake, ACCESS_TOKEN=fake.page_token, APP_SECRET=fake.world.secret))
    access_watch.watch_once(room, GO, TALK)
    fake.world.clock.advance(days=1)
    for _try in range(3):
        fake.fault("GET", "debug_token", Fault("lost"))
        access_watch.watch_once(room, GO, TALK)
        fake.world.clock.advance(minutes=30)
    standing = row(room, "facebook")
    assert standing.valid
    assert standing.checked_at is not None
    assert standing.tried_at > standing.checked_at
    assert sum(seen.edge == "debug_token" for seen in fake.calls) == 3
    assert mails(room) == []


def test_a_defect_of_ours_asks_meta_no_more_often(
    fake: GraphFake, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, tried = rooms(**facebook(fake, ACCESS_TOKEN=fake.page_token)), []

    def broken(*_args: object, **_more: object) -> None:
        tried.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr("veille_publishers.access_check.look", broken)
    for _try in range(10):
        access_watch.watch_once(room, GO, TALK)
        fake.world.clock.advance(minutes=5)
    assert len(tried) == 1


def found(room: Newsroom) -> dict[str, str]:
    return {one.name: one.severity.value for one in diagnoses.access(room)}


def test_doctor_says_what_is_missing_or_ends(fake: GraphFake, rooms: Rooms) -> None:
    assert found(rooms(**facebook(fake))) == {"access-missing": "error"}
    secrets = {"ACCESS_TOKEN": fake.page_token, "APP_SECRET": fake.world.secret}
    room = rooms(**facebook(fake, **secrets, API_VERSION="v20.0"))
    assert found(room) == {"api-version": "warning"}
    for left, severity in ((10, "warning"), (3, "error"), (-1, "error")):
        fake.world.clock.advance(days=1)
        fake.token(fake.page_token).expires = fake.world.clock() + left * DAY
        access_watch.watch_once(room, GO, TALK)
        assert found(room)["access-ends"] == severity
    renewed = rooms(**facebook(fake, **secrets))
    fake.token(fake.page_token).expires = None
    fake.world.clock.advance(days=1)
    access_watch.watch_once(renewed, GO, TALK)
    assert found(renewed) == {}


def test_run_once_ends_with_four_while_the_access_ends_soon(fake: GraphFake, tmp_path: Path) -> None:
    (tmp_path / "veille.toml").write_text(
        '[workspace]\nlanguage = "en"\nbase_url = "https://letter.example.org"\n[facebook]\n'
    )
    values = facebook(fake, ACCESS_TOKEN=fake.page_token, APP_SECRET=fake.world.secret)
    desk = Workspace(tmp_path, {f"VEILLE_{name}": value for name, value in values.items()})
    assert desk.veille("run", "--once").code == 0
    fake.token(fake.page_token).expires = fake.world.clock() + 2 * DAY
    desk.change("UPDATE access SET tried_at = 0, checked_at = 0")
    ran = desk.veille("run", "--once")
    assert (ran.code, "the access ends in 2 days" in ran.err) == (4, True), ran
    assert desk.veille("status").code == 4
    assert [secret for secret in (fake.page_token, fake.world.secret) if secret in ran.said] == []


def test_a_channel_in_the_sandbox_asks_nobody(fake: GraphFake, rooms: Rooms) -> None:
    room = rooms(**facebook(fake, ACCESS_TOKEN=fake.page_token, TRANSPORT="file"))
    access_watch.watch_once(room, GO, TALK)
    assert (fake.calls, list(lines(room))) == ([], [])


def test_a_renewal_does_not_overwrite_what_was_connected_meanwhile(
    fake: GraphFake, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    from veille_publishers.graph_login import InstagramLogin

    keep(rooms(**instagram(fake)), "instagram", access_token=fake.ig_login_token)
    room, renewed = rooms(**instagram(fake)), InstagramLogin.renewed
    fake.world.clock.advance(days=2)

    def slow(login: InstagramLogin, token: str) -> object:
        answer = renewed(login, token)
        keep(room, "instagram", access_token="IGnew")
        return answer

    monkeypatch.setattr(InstagramLogin, "renewed", slow)
    access_watch.watch_once(room, GO, TALK)
    assert kept(room, "instagram", "access_token") == "IGnew"
    assert Accesses(room.database).of("instagram") is None


def test_beside_the_sending_it_looks_by_itself_and_ends_at_once(
    fake: GraphFake, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_watch, "FIRST", 0.0)
    looked = threading.Event()
    monkeypatch.setattr(access_watch, "watch_once", lambda *_args: looked.set())
    room = rooms(**facebook(fake, ACCESS_TOKEN=fake.page_token))
    with access_watch.watch_meanwhile(room, threading.Event(), TALK):
        assert looked.wait(10)
    assert all(thread.name != "access" for thread in threading.enumerate())
