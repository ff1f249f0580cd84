"""What fails is told to a person, once, by mail; a channel that Meta stopped keeps its queue and holds up no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.graph_fake import GraphFake, graph_fake
from tests.support.graph_faults import Fault, error
from tests.support.running import Running
from tests.support.smtp_server import Mail, MailServer
from tests.support.smtp_sink import nobody_listens, smtp_sink
from tests.support.workspace import Workspace, go_live, newsroom, wait_until
from veille_cli.alarm_mail import alarm_meanwhile, alarm_once

SAM = "sam@example.org"
SOCIAL = ("facebook", "instagram")
PUBLIC = {"facebook": "feed", "instagram": "media_publish"}
BLOCKED = error(368)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two posts, queued for Facebook and Instagram."""
    workspace = newsroom(tmp_path_factory.mktemp("published") / "essai")
    (workspace.root / "content/editions/lettre-1.md").unlink()
    workspace.env["VEILLE_WORKSPACE__OPERATORS"] = f"Sam Exemple <{SAM}>"
    with graph_fake() as fake:
        go_live(workspace, "smtp://127.0.0.1:9?tls=none", fake)
        done = workspace.veille("publish", "-c", "facebook", "-c", "instagram", "--yes")
    assert done.code == 0, done
    return workspace


@contextmanager
def office(published: Workspace, folder: Path, fake: GraphFake, smtp_url: str, **env: str) -> Iterator[Running]:
    workspace = published.copy(folder / "essai")
    go_live(workspace, smtp_url, fake)
    running = Running(workspace.root, workspace.env | {"VEILLE_INSTAGRAM__MEDIA": "outbox/media"} | env)
    yield running
    running.room.close()


@pytest.fixture
def desk(published: Workspace, tmp_path: Path, fake: GraphFake, server: MailServer) -> Iterator[Running]:
    with office(published, tmp_path, fake, server.url()) as running:
        yield running


def tell(desk: Running) -> None:
    alarm_once(desk.room, desk.said)


def text_of(mail: Mail, kind: str = "plain") -> str:
    part = mail.message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return " ".join(str(part.get_content()).split())


def visible(fake: GraphFake) -> dict[str, int]:
    return {"facebook": len(fake.visible_posts()), "instagram": len(fake.visible_media())}


@pytest.mark.parametrize(
    ("channel", "fault"),
    [
        ("facebook", BLOCKED),
        ("facebook", error(190, 459)),
        ("instagram", error(4, 2207051)),
        ("instagram", error(25, 2207050)),
    ],
    ids=["368", "190-459", "4-2207051", "25-2207050"],
)
def test_meta_stops_one_channel_which_keeps_its_queue_and_goes_on_when_a_person_says_so(
    desk: Running, fake: GraphFake, server: MailServer, channel: str, fault: Fault
) -> None:
    fake.fault("POST", PUBLIC[channel], fault)
    (other,) = {*SOCIAL} - {channel}
    for _look in range(3):
        desk.run()
        tell(desk)
        desk.later(minutes=1)
    assert visible(fake) == {channel: 0, other: 2}
    (stop,) = desk.room.report.stops()
    (mail,) = server.mails
    assert (stop.channel, mail.recipient) == (channel, SAM)
    for words in (stop.reason, f"veille outbox resume {channel}", "Nothing is lost"):
        assert words in text_of(mail)
        assert words in text_of(mail, "html")
    assert "EAAfake" not in mail.content.decode()
    desk.room.actions.pause(channel, desk.now, paused=False)
    desk.run()
    assert visible(fake) == {channel: 2, other: 2}
    tell(desk)
    desk.later(minutes=11)
    tell(desk)
    assert len(server.mails) == 1, "what is mended is not told"


def test_status_run_and_doctor_say_why_and_which_command_goes_on(desk: Running, fake: GraphFake) -> None:
    fake.fault("POST", "feed", BLOCKED)
    desk.run()
    (stop,) = desk.room.report.stops()
    ran = Workspace(desk.root, desk.env).veille("run", "--once")
    for said in (ran.out, *(desk.ask(command)[1] for command in ("status", "doctor"))):
        assert stop.reason in said
        assert "veille outbox resume facebook" in said


def test_what_a_day_of_standstill_made_late_is_held_and_told_in_one_mail(
    desk: Running, fake: GraphFake, server: MailServer
) -> None:
    fake.fault("POST", "feed", BLOCKED)
    desk.run()
    tell(desk)
    desk.later(days=1)
    desk.room.actions.pause("facebook", desk.now, paused=False)
    desk.run()
    for _look in range(3):
        tell(desk)
        desk.later(minutes=4)
    assert visible(fake)["facebook"] == 0, "never blasted"
    assert [state for channel, *state in desk.states() if channel == "facebook"] == [["held", "overdue"]] * 2
    assert len(server.mails) == 2
    text = text_of(server.mails[-1])
    for words in ("Une soupe chaude chaque mardi", "Un vélo à vingt euros", "resolve d1 --retry", "resolve d3 --retry"):
        assert words in text
    assert "soupe" not in str(server.mails[-1].message["Subject"])


def test_what_comes_up_meanwhile_waits_ten_minutes_for_the_next_mail(
    desk: Running, fake: GraphFake, server: MailServer
) -> None:
    for nth in (1, 2):
        fake.fault("POST", "feed", error(100), nth)
    desk.room.actions.pause("instagram", desk.now, paused=True)
    desk.run()
    tell(desk)
    (first,) = server.mails
    assert text_of(first).count("veille outbox retry") == 2
    desk.room.actions.retry("d1", desk.now)
    fake.fault("POST", "feed", error(100))
    for _minute in range(9):
        desk.later(minutes=1)
        desk.run()
        tell(desk)
    assert len(server.mails) == 1
    desk.later(minutes=1)
    tell(desk)
    assert text_of(server.mails[-1]).count("veille outbox retry") == 1


@pytest.mark.parametrize(("point", "copies"), [("alarm.before-mail", 1), ("alarm.after-mail", 2)])
def test_a_crash_around_the_mail_loses_nothing(
    desk: Running, fake: GraphFake, server: MailServer, point: str, copies: int
) -> None:
    fake.fault("POST", "feed", BLOCKED)
    desk.room.actions.pause("instagram", desk.now, paused=True)  # which would wait in earnest in a process of its own
    Workspace(desk.root, desk.env).killed_at(point, "run", "--once")
    assert len(server.mails) == copies - 1
    for _look in range(3):
        tell(desk)
        desk.later(minutes=11)
    assert len(server.mails) == copies


def test_a_mail_server_that_is_away_holds_nothing_up_and_gets_it_later(
    published: Workspace, tmp_path: Path, fake: GraphFake, server: MailServer
) -> None:
    fake.fault("POST", "feed", BLOCKED)
    with office(published, tmp_path, fake, f"smtp://127.0.0.1:{nobody_listens()}?tls=none") as desk:
        desk.run()
        for _look in range(3):
            tell(desk)
            desk.later(minutes=6)
        assert visible(fake)["instagram"] == 2
        assert [line for line in desk.said.lines if "did not leave" in line]
        desk.again(VEILLE_NEWSLETTER__SMTP_URL=server.url())
        tell(desk)
    assert len(server.mails) == 1


def test_one_operator_without_a_mailbox_keeps_it_from_nobody_else_and_is_not_named(
    published: Workspace, tmp_path: Path, fake: GraphFake
) -> None:
    fake.fault("POST", "feed", BLOCKED)
    two = f"gone@example.org, Sam <{SAM}>"
    with (
        smtp_sink({("RCPT", 1): "550 5.1.1 <gone@example.org> no such user"}) as sink,
        office(published, tmp_path, fake, sink.url, VEILLE_WORKSPACE__OPERATORS=two) as desk,
    ):
        desk.run()
        for _look in range(2):
            tell(desk)
            desk.later(minutes=11)
    assert sink.taken == [SAM]
    assert desk.said.lines
    assert "@" not in "".join(desk.said.lines)


def test_it_is_told_beside_the_sending(desk: Running, fake: GraphFake, server: MailServer) -> None:
    fake.fault("POST", "feed", BLOCKED)
    desk.run()
    with alarm_meanwhile(desk.room, desk.stop, desk.said):
        wait_until(lambda: server.mails)
    assert [mail.recipient for mail in server.mails] == [SAM]


def test_in_the_sandbox_it_lies_in_the_outbox_and_without_operators_nowhere(
    published: Workspace, tmp_path: Path, fake: GraphFake
) -> None:
    fake.fault("POST", "feed", BLOCKED)
    with office(published, tmp_path, fake, "", VEILLE_NEWSLETTER__TRANSPORT="file") as desk:
        desk.run()
        desk.again(VEILLE_WORKSPACE__OPERATORS="")
        tell(desk)
        assert not list((desk.root / "outbox").glob("notices/*"))
        desk.again(VEILLE_WORKSPACE__OPERATORS=SAM)
        tell(desk)
        (path,) = (desk.root / "outbox").glob("notices/alarm-*.eml")
    assert b"veille outbox resume facebook" in path.read_bytes()
