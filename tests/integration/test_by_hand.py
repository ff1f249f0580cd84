"""Posting by hand: a person gets a mail with everything, once; nothing counts as posted before that person says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support import graph_desk
from tests.support.running import Running
from tests.support.smtp_server import Mail, MailServer
from tests.support.smtp_sink import nobody_listens, smtp_sink
from tests.support.workspace import Workspace, newsroom
from veille.errors import ConfigError, ContentError
from veille.outbox.actions import Answer
from veille.publishing import Publisher
from veille_cli.alarm_mail import alarm_once

EDITOR = "camille@example.org"
URL = "https://www.facebook.com/123/posts/456"
CHANNELS = ("facebook", "instagram")
FACEBOOK, INSTAGRAM = "d1", "d2"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One post, queued for both channels; a person posts it."""
    workspace = newsroom(tmp_path_factory.mktemp("published") / "essai")
    (workspace.root / "content/editions/lettre-1.md").unlink()
    (workspace.root / "content/posts/velo.md").unlink()
    workspace.env |= {"VEILLE_NEWSLETTER__TRANSPORT": "smtp", "VEILLE_NEWSLETTER__RESEND_AFTER": "0 s"}
    workspace.env["VEILLE_NEWSLETTER__SMTP_URL"] = "smtp://127.0.0.1:9?tls=none"
    for channel in CHANNELS:
        workspace.env[f"VEILLE_{channel}__TRANSPORT".upper()] = "manual"
        workspace.env[f"VEILLE_{channel}__EDITOR".upper()] = f"Camille Exemple <{EDITOR}>"
    chosen = [word for channel in CHANNELS for word in ("-c", channel)]
    without = workspace.veille("publish", "content/posts/soupe.md", *chosen)
    assert without.code == 2, "asking people is confirmed"
    done = workspace.veille("publish", "content/posts/soupe.md", *chosen, "--yes")
    assert done.code == 0, done
    return workspace


@pytest.fixture
def desk(published: Workspace, tmp_path: Path, server: MailServer) -> Iterator[Running]:
    with office(published, tmp_path, VEILLE_NEWSLETTER__SMTP_URL=server.url()) as running:
        yield running


@contextmanager
def office(published: Workspace, tmp_path: Path, **env: str) -> Iterator[Running]:
    workspace = published.copy(tmp_path / "essai")
    running = Running(workspace.root, workspace.env | env)
    yield running
    running.room.close()


def at(desk: Running) -> Workspace:
    return Workspace(desk.root, desk.env)


def text_of(mail: Mail) -> str:
    return part_of(mail, "plain")


def part_of(mail: Mail, kind: str) -> str:
    part = mail.message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


@pytest.mark.parametrize(("number", "channel"), list(enumerate(CHANNELS)))
def test_the_mail_holds_all_that_a_person_needs(desk: Running, server: MailServer, number: int, channel: str) -> None:
    desk.run()
    mail = server.mails[number]
    text = text_of(mail)
    assert mail.recipient == EDITOR
    assert "soup" not in str(mail.message["Subject"])  # it shows on a locked screen
    assert channel in str(mail.message["Subject"]).lower()
    for words in ("Une soupe chaude chaque mardi", "Une soupe chaude à partager. Viens comme tu es.", "marmite"):
        assert words.lower() in text.lower()
        assert words.lower() in part_of(mail, "html").lower()
    assert re.search(r"(?m)^1\. .*\n(?:.|\n)*^7\. ", text)
    pictures = list(mail.message.iter_attachments())
    stored = {path.read_bytes() for path in (desk.root / f"outbox/{channel}/soupe").glob("*.jpg")}
    assert {part.get_content() for part in pictures} == stored
    assert [part.get_filename() for part in pictures] == [f"soupe-{n}.jpg" for n in range(1, len(stored) + 1)]
    places = [text.index(f": {part.get_filename()}") for part in pictures]
    assert places == sorted(places)
    assert f"veille outbox resolve d{number + 1} --sent" in text


def test_it_waits_for_its_person_in_words_and_the_command_of_the_mail_ends_it(
    desk: Running, server: MailServer
) -> None:
    ran = at(desk).veille("run", "--once")
    assert ran.code == 0, ran
    assert "2 wait for a person to post them" in ran.out
    for name in ("status", "outbox list", "outbox show p1", "outbox show d1"):
        code, said = desk.ask(*name.split())
        assert (code, "waits for a person" in said) == (0, True), name
    waiting = [one["by_hand"] for one in json.loads(desk.asked("status", "--json").stdout)["data"]["publications"]]
    assert waiting == [1, 1]
    command = re.search(r"veille (outbox resolve d\d+ --sent) ", text_of(server.mails[0]))
    assert command
    assert desk.ask(*command[1].split(), "facebook.com/1")[0] == 2
    assert desk.ask(*command[1].split(), URL)[0] == 0
    assert (desk.row(1).state, desk.row(1).url) == ("sent", URL)
    desk.run()
    assert len(server.mails) == 2


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("pictures", [0, 2])
def test_it_is_rendered_and_checked_as_the_real_publisher_does(tmp_path: Path, channel: str, pictures: int) -> None:
    env = {f"VEILLE_{channel}__TRANSPORT".upper(): "manual", "VEILLE_WORKSPACE__OPERATORS": "Sam <sam@example.org>"}
    real = graph_desk.desk(tmp_path).publisher(channel)
    made: Publisher = graph_desk.desk(tmp_path, None, **env).publisher(channel)
    one, other = real.render(graph_desk.post(pictures)), made.render(graph_desk.post(pictures))
    assert one
    assert other
    assert (one.digest, real.proof(one), real.kind) == (other.digest, made.proof(other), made.kind)
    assert (made.live, made.requests(other), made.targets()) == (True, (), real.targets())
    too_long = graph_desk.post(pictures, instagram_caption="très " * 600)
    if channel == "instagram":
        with pytest.raises(ContentError):
            made.render(too_long)


def test_somebody_must_be_named(desk: Running) -> None:
    path = desk.root / "content/posts/soupe.md"
    path.write_text(path.read_text().replace("Viens", "Viens vite,"))
    desk.again(VEILLE_FACEBOOK__EDITOR="")
    code, said = desk.ask("publish", str(path), "-c", "facebook", "--yes")
    assert (code, "editor = " in said) == (3, True)
    desk.again(VEILLE_WORKSPACE__OPERATORS="Sam Exemple")
    with pytest.raises(ConfigError, match="no e-mail address"):
        desk.room.publishers["facebook"].targets()
    desk.again(VEILLE_WORKSPACE__OPERATORS="Sam <sam@example.org>")
    assert desk.room.publishers["facebook"].targets() == ("page",)


@pytest.mark.parametrize("point", ["by-hand.before-mail", "by-hand.after-mail"])
def test_a_crash_around_the_mail_sends_it_at_most_once_more(desk: Running, server: MailServer, point: str) -> None:
    at(desk).killed_at(point, "run", "--once")
    before = len(server.mails)
    assert before == (point == "by-hand.after-mail")
    for _time in range(3):
        desk.run()
        desk.later(minutes=1)
    about_facebook = [mail for mail in server.mails if FACEBOOK in text_of(mail)]
    assert len(about_facebook) == before + 1
    assert "If it is there" in " ".join(text_of(about_facebook[-1]).split())
    assert (desk.row(1).state, desk.row(1).last_code) == ("held", "by-hand")


def test_a_second_window_in_which_nobody_knows_is_for_a_person(desk: Running, server: MailServer) -> None:
    at(desk).change("UPDATE delivery SET unknowns = 1")  # of a first window
    at(desk).killed_at("by-hand.after-mail", "run", "--once")
    desk.later(minutes=1)
    desk.run()
    assert [text_of(mail).count(f"resolve {FACEBOOK} --sent") for mail in server.mails] == [1, 0]
    assert (desk.row(1).state, desk.row(1).last_code) == ("held", "outcome-unknown")


def test_an_edit_asks_nobody_again_and_only_a_person_asks_anew(desk: Running, server: MailServer) -> None:
    desk.run()
    path = desk.root / "content/posts/soupe.md"
    path.write_text(path.read_text().replace("Viens comme tu es.", "Viens avec tes amis."))
    assert desk.ask("publish", str(path), "-c", "facebook", "--yes")[0] == 0
    assert desk.room.actions.retry(FACEBOOK, desk.now) == 0  # it may be out: `resolve` decides
    desk.run()
    assert (len(server.mails), desk.row(1).last_code) == (2, "by-hand")
    assert desk.room.actions.resolve(FACEBOOK, Answer.RETRY, desk.now) == 1
    desk.run()
    assert (len(server.mails), desk.row(1).last_code) == (3, "by-hand")


def test_a_mail_server_that_is_away_is_waited_for(published: Workspace, tmp_path: Path, server: MailServer) -> None:
    url = f"smtp://127.0.0.1:{nobody_listens()}?tls=none"
    with office(published, tmp_path, VEILLE_NEWSLETTER__SMTP_URL=url) as desk:
        desk.run()
        assert (desk.row(1).state, desk.row(1).last_code) == ("ready", "unavailable")
        desk.again(VEILLE_NEWSLETTER__SMTP_URL=server.url())
        desk.later(hours=1)
        desk.run()
        assert (desk.row(1).last_code, len(server.mails)) == ("by-hand", 2)


def test_an_editor_who_has_no_mailbox_is_said_and_nobody_else_is_put_away(published: Workspace, tmp_path: Path) -> None:
    with (
        smtp_sink({("RCPT", 1): "550 5.1.1 no such user"}) as sink,
        office(published, tmp_path, VEILLE_NEWSLETTER__SMTP_URL=sink.url) as desk,
    ):
        tally = desk.run()
        problems = [f"{error.message} {error.hint}" for _name, error in tally.problems]
        assert desk.states() == [("facebook", "failed", "rejected"), ("instagram", "held", "by-hand")]
    assert "editor" in problems[0]
    assert "@" not in problems[0]


def test_without_a_mail_server_the_mail_lies_where_it_is_said(published: Workspace, tmp_path: Path) -> None:
    with office(published, tmp_path, VEILLE_NEWSLETTER__TRANSPORT="file") as desk:
        desk.run()
        assert "outbox/notices/by-hand-d1-1.eml" in desk.row(1).last_error
    assert (tmp_path / "essai/outbox/notices/by-hand-d1-1.eml").is_file()


def test_whoever_posts_is_reminded_once_a_day_later(desk: Running, server: MailServer) -> None:
    desk.run()
    desk.room.actions.resolve(INSTAGRAM, Answer.SENT, desk.now)
    for hours in (23, 1, 24, 24):
        desk.later(hours=hours)
        desk.run()
        alarm_once(desk.room, desk.said)
    assert len(server.mails) == 3
    assert "Still to be posted" in str(server.mails[-1].message["Subject"])
    assert f"veille outbox resolve {FACEBOOK} --sent" in text_of(server.mails[-1])
    assert desk.row(1).last_code == "by-hand"
