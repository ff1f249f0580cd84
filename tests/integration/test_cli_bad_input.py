"""Bad input through the real command: what is wrong, where, how to mend it; nothing queued half-way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.support.smtp_sink import nobody_listens
from tests.support.workspace import TOML, Ran, Workspace, mail_only, newsroom, run_veille

FRONT = "---\ntitle: Une annonce\n{line}\n---\n\n{body}\n"
INVALID, LATER, USAGE = 3, 75, 2


def post(workspace: Workspace, name: str, line: str = "kind: news", body: str = "Bonjour.") -> None:
    workspace.write(f"content/posts/{name}.md", FRONT.format(line=line, body=body))


def no_trouble_for_programmers(ran: Ran) -> None:
    assert "Traceback" not in ran.said
    assert "defect" not in ran.said


def queued(workspace: Workspace) -> int:
    ledger = workspace.root / "outbox/outbox.sqlite3"
    return len(workspace.rows()["publication"]) if ledger.is_file() else 0


# ---- content: every broken file in one newsroom, one call


def _latin_1(workspace: Workspace) -> None:
    path = workspace.root / "content/posts/latin.md"
    path.write_bytes("---\ntitle: Une annonce\n---\n\nÀ bientôt.\n".encode("latin-1"))


def _bomb(workspace: Workspace) -> None:
    Image.new("1", (8000, 5000)).save(workspace.root / "content/media/bomb.png")
    post(workspace, "bomb", "image: {src: bomb.png, alt: Une très grande image}")


def _link(workspace: Workspace) -> None:
    (workspace.root / "content/media/link.png").symlink_to(workspace.root / "content/media/soupe.png")
    post(workspace, "link", "image: {src: link.png, alt: Un lien}")


def _outside(workspace: Workspace) -> None:
    Image.new("RGB", (300, 300)).save(workspace.root.parent / "outside.png")
    post(workspace, "outside", "image: {src: ../../../outside.png, alt: Dehors}")


def _twins(workspace: Workspace) -> None:
    post(workspace, "twin-one", "slug: the-same")
    post(workspace, "twin-two", "slug: the-same")


# what is wrong -> (how it comes about, where it is said, what is said)
BROKEN: dict[str, tuple[Callable[[Workspace], object], str, str]] = {
    "unknown key": (lambda w: post(w, "unknown", "titel: x"), "unknown.md:3", "titel"),
    "wrong type": (lambda w: post(w, "type", "date: banana"), "type.md:3", "date"),
    "wrong type of a list": (lambda w: post(w, "list", "urgent: [1, 2]"), "list.md:3", "urgent"),
    "missing picture": (lambda w: post(w, "missing", "image: {src: no.jpg, alt: Rien}"), "missing.md:3", "image.src"),
    "picture outside": (_outside, "outside.md:3", "image.src"),
    "picture behind a link": (_link, "link.md:3", "image.src"),
    "40 megapixels": (_bomb, "bomb.md:3", "megapixels"),
    "control characters": (lambda w: post(w, "control", 'summary: "a\\u0007b"'), "control.md:3", "summary"),
    "control characters in a title": (
        lambda w: w.write("content/posts/bell.md", '---\ntitle: "Une\\u0008 annonce"\n---\n\nBonjour.\n'),
        "bell.md:2",
        "title",
    ),
    "empty post": (lambda w: post(w, "empty", body=" "), "empty.md:", "no text"),
    "Latin-1": (_latin_1, "latin.md:5", "UTF-8"),
    "two posts with one slug": (_twins, "twin-one.md:3", "twin-two.md"),
    "no such partner": (lambda w: post(w, "partner", "partners: [ghost]"), "partner.md:3", "ghost"),
    "no such partner in the text": (lambda w: post(w, "ghost", body="{{ partner: ghost }}"), "ghost.md:6", "ghost"),
    "no title": (lambda w: w.write("content/posts/title.md", "---\nkind: news\n---\n\nx\n"), "title.md:", "title"),
    "no front matter": (lambda w: w.write("content/posts/bare.md", "Bonjour.\n"), "bare.md:1", "front matter"),
    "a link for a post": (
        lambda w: (w.root / "content/posts/linked.md").symlink_to(w.root / "content/posts/soupe.md"),
        "linked.md",
        "ordinary file",
    ),
}


ITS_OWN_REMEDY = ("wrong type of a list", "no title")  # "answer with true or false", "this is missing"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Ran, Ran]:
    """The newsroom with everything wrong in it, and what `publish` said for people and for programs."""
    workspace = newsroom(tmp_path_factory.mktemp("broken") / "essai", readers=["reader@example.org"])
    for make, _where, _what in BROKEN.values():
        make(workspace)
    return workspace, workspace.veille("publish", "--yes"), workspace.veille("publish", "--yes", "--json")


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_said_with_its_place_and_its_remedy(broken: tuple[Workspace, Ran, Ran], name: str) -> None:
    _workspace, ran, _json = broken
    _make, where, what = BROKEN[name]
    lines = ran.err.splitlines()
    found = [n for n, line in enumerate(lines) if f"content/posts/{where}" in line and what in line]
    assert found, ran.err
    if name not in ITS_OWN_REMEDY:
        assert any(re.match(r"\s+→ \S", lines[n + 1]) for n in found), "a remedy on the next line"


def test_nothing_is_queued_while_something_is_wrong(broken: tuple[Workspace, Ran, Ran]) -> None:
    workspace, ran, as_json = broken
    assert (ran.code, as_json.code) == (INVALID, INVALID)
    assert ran.out == ""
    assert queued(workspace) == 0
    no_trouble_for_programmers(ran)


def test_programs_get_the_same_as_findings(broken: tuple[Workspace, Ran, Ran]) -> None:
    _workspace, _ran, as_json = broken
    errors = as_json.envelope["errors"]
    files = {error["file"] for error in errors}
    assert {f"content/posts/{where.partition(':')[0]}" for _make, where, _what in BROKEN.values()} <= files
    assert all(error["message"] for error in errors)
    assert {"file", "line", "code", "message", "hint"} <= set(errors[0])
    assert as_json.err == ""


def test_the_rest_can_go_without_the_broken_files(broken: tuple[Workspace, Ran, Ran], tmp_path: Path) -> None:
    workspace, ran, _json = broken
    (command,) = re.findall(r"veille (publish content/posts/.*)", ran.err)
    sound = workspace.copy(tmp_path / "sound")
    done = sound.veille(*command.split(), "--yes")
    assert done.code == 0, done
    assert {row[1] for row in sound.rows()["publication"]} >= {"soupe", "velo"}
    assert "unknown.md" in done.err  # said, and not in the way


def test_the_way_round_a_wrong_contact_leaves_out_the_posts_that_name_it(tmp_path: Path) -> None:
    workspace = newsroom(tmp_path / "essai")
    contact = workspace.root / "content/partners/le-local.yaml"
    contact.parent.mkdir(exist_ok=True)
    contact.write_text(
        "name: Le Local\nneeds: [food]\nphone: 01 99 00 12 34\nurl: https://bit.ly/abc\nverified_on: 2026-11-20\n",
        encoding="utf-8",
    )
    post(workspace, "local", "partners: [le-local]")
    ran = workspace.veille("publish")
    assert (ran.code, "le-local.yaml" in ran.err) == (INVALID, True), ran
    (command,) = re.findall(r"veille (publish content/posts/.*)", ran.err)
    assert "local.md" not in command
    assert workspace.veille(*command.split(), "--yes").code == 0


def test_a_renamed_file_is_not_a_second_post(tmp_path: Path) -> None:
    workspace = newsroom(tmp_path / "essai")
    assert workspace.veille("publish", "--yes").code == 0
    assert workspace.veille("run", "--once").code == 0
    (workspace.root / "content/posts/velo.md").rename(workspace.root / "content/posts/bicyclette.md")
    workspace.write("content/editions/lettre-1.md", "---\ntitle: Lettre\nposts: [soupe]\n---\n")
    before = workspace.rows()
    ran = workspace.veille("publish", "--yes")
    assert ran.code == INVALID
    assert "bicyclette.md:1: id" in ran.err
    assert "id: velo" in ran.err
    assert workspace.rows() == before


# ---- settings

WRONG = """\
[facebook]
pageid = "1"
[feed]
items = "many"
[newsletter]
transport = "pigeon"
cadence = "sometimes"
resend_after = "15"
[workspace]
timezone = "Mars/Olympus"
base_url = "letter.example.org"
[web]
transport = "folder"
[instagram]
api_version = "26"
"""
SETTINGS = {  # setting -> line, remedy
    "facebook.pageid": (2, "page_id"),
    "feed.items": (4, ""),
    "newsletter.transport": (6, "smtp"),
    "newsletter.cadence": (7, "friday 17:00"),
    "newsletter.resend_after": (8, "15 min"),
    "workspace.timezone": (10, "Europe/Paris"),
    "workspace.base_url": (11, "https://"),
    "web": (12, "output"),
    "instagram.api_version": (15, "v26.0"),
}


def test_wrong_settings_are_said_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "veille.toml").write_text(WRONG, encoding="utf-8")
    ran = run_veille(["publish", "--yes"], tmp_path, {"VEILLE_WORKSPACE__LANGUAGE": "en"})
    assert ran.code == INVALID, ran
    for setting, (line, remedy) in SETTINGS.items():
        (said,) = re.findall(rf"veille\.toml:{line}: {setting}: (.*\n?.*)", ran.err)
        assert remedy in said
    no_trouble_for_programmers(ran)
    assert not (tmp_path / "outbox").exists()


@pytest.mark.parametrize(
    ("text", "what"),
    [("[facebook]\naccess_token = 'EAAcanary'\n", "VEILLE_FACEBOOK__ACCESS_TOKEN"), ("[feed\nitems = 5\n", "line 1")],
)
def test_a_settings_file_that_is_not_used_at_all(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "veille.toml").write_text(text, encoding="utf-8")
    ran = run_veille(["publish", "--yes"], tmp_path)
    assert ran.code == INVALID, ran
    assert "veille.toml" in ran.err
    assert what in ran.err
    assert "EAAcanary" not in ran.said
    no_trouble_for_programmers(ran)


LIVE: dict[str, tuple[dict[str, str], str, str]] = {  # environment -> what, remedy
    "no address of the site": ({"FEED__TRANSPORT": "folder", "FEED__OUTPUT": "x"}, "workspace.base_url", "base_url ="),
    "no smtp_url": (
        {
            "NEWSLETTER__TRANSPORT": "smtp",
            "WORKSPACE__BASE_URL": "https://a.example.org",
            "NEWSLETTER__FROM": "a@b.org",
        },
        "newsletter.smtp_url",
        "VEILLE_NEWSLETTER__SMTP_URL",
    ),
    "smtp_url that is none": (
        {"NEWSLETTER__TRANSPORT": "smtp", "WORKSPACE__BASE_URL": "https://a.example.org", "NEWSLETTER__FROM": "a@b.org"}
        | {"NEWSLETTER__SMTP_URL": "smtps://user:canary@mail.example.org"},
        "newsletter.smtp_url",
        "tls=starttls",
    ),
    "a fixed clock": (
        {"FEED__TRANSPORT": "folder", "FEED__OUTPUT": "x", "WORKSPACE__BASE_URL": "https://a.example.org"}
        | {"NOW": "2026-11-25T09:00:00+01:00"},
        "VEILLE_NOW",
        "unset VEILLE_NOW",
    ),
    "not a moment": ({"NOW": "tomorrow"}, "VEILLE_NOW", "2026-11-25T09:00:00+01:00"),
    "a secret's file that is not there": (
        {"FACEBOOK__ACCESS_TOKEN_FILE": "/nowhere/token"},
        "ACCESS_TOKEN_FILE",
        "path",
    ),
}


@pytest.mark.parametrize("name", LIVE)
def test_settings_that_do_not_go_together(tmp_path: Path, name: str) -> None:
    environment, what, remedy = LIVE[name]
    workspace = newsroom(tmp_path / "essai")
    workspace.write("veille.toml", "[workspace]\nlanguage = 'en'\n")
    workspace.env |= {f"VEILLE_{key}": value for key, value in environment.items()}
    ran = workspace.veille("publish", "--yes")
    assert ran.code == INVALID, ran
    assert what in ran.err
    assert remedy in ran.err
    assert "canary" not in ran.said
    assert queued(workspace) == 0
    no_trouble_for_programmers(ran)


@pytest.mark.parametrize("command", ["publish", "run", "status", "check"])
def test_no_newsroom_here(tmp_path: Path, command: str) -> None:
    ran = run_veille([command], tmp_path)
    assert ran.code == INVALID
    assert "veille.toml" in ran.err
    assert "veille init" in ran.err


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["publish", "--channel", "fax"], "fax"),
        (["publish", "--at", "sometime"], "--at"),
        (["publish", "--at", "2020-01-01 10:00"], "--at"),
        (["publsh"], "publish"),
        (["publish", "--yess"], "--yes"),
        (["outbox", "resolve", "d1"], "--sent"),
    ],
)
def test_a_command_line_that_means_nothing(tmp_path: Path, args: list[str], what: str) -> None:
    workspace = newsroom(tmp_path / "essai")
    ran = workspace.veille(*args)
    assert ran.code == USAGE, ran
    assert what in ran.err
    assert queued(workspace) == 0
    no_trouble_for_programmers(ran)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    workspace = newsroom(tmp_path / "essai")
    ran = workspace.veille("publish", "content/posts/soup.md")
    assert ran.code == INVALID
    assert "content/posts/soup.md" in ran.err
    assert "soupe" in ran.err  # did you mean


def test_a_live_channel_is_confirmed(tmp_path: Path) -> None:
    workspace = newsroom(tmp_path / "essai")
    mail_only(workspace, "smtp://127.0.0.1:1?tls=none")
    ran = workspace.veille("publish")
    assert ran.code == USAGE
    assert "--yes" in ran.err
    assert queued(workspace) == 0


# ---- the outbox and the mail server


@pytest.mark.parametrize("command", [["publish", "--yes"], ["run", "--once"], ["status"]])
@pytest.mark.parametrize("inside", ["outbox", "outbox/outbox.sqlite3"])
def test_an_outbox_that_cannot_be_written(tmp_path: Path, command: list[str], inside: str) -> None:
    """Root may write anywhere, so a file stands where the folder should be, or a folder where the file should."""
    workspace = newsroom(tmp_path / "essai")
    if inside == "outbox":
        workspace.write("outbox", "not a folder")
    else:
        (workspace.root / inside).mkdir(parents=True)
    ran = workspace.veille(*command)
    assert ran.code == INVALID, ran
    assert "outbox" in ran.err
    assert "→" in ran.err
    no_trouble_for_programmers(ran)


def test_a_damaged_outbox(tmp_path: Path) -> None:
    workspace = newsroom(tmp_path / "essai")
    workspace.write("outbox/outbox.sqlite3", "this is not a database, but it is long enough to be looked at" * 50)
    ran = workspace.veille("publish", "--yes")
    assert ran.code == INVALID, ran
    assert "damaged" in ran.err
    no_trouble_for_programmers(ran)


def test_a_folder_that_cannot_be_written_waits(tmp_path: Path) -> None:
    """The pages wait, the rest leaves; when the folder can be written again, they leave too."""
    workspace = newsroom(tmp_path / "essai")
    workspace.write("veille.toml", TOML.replace("[web]\n", '[web]\ntransport = "folder"\noutput = "public/www"\n'))
    workspace.write("public", "not a folder")
    assert workspace.veille("publish", "--yes").code == 0
    ran = workspace.veille("run", "--once")
    assert ran.code == LATER, ran
    assert "public/www" in ran.out
    assert {status.channel for status in workspace.ledger() if status.state == "done"} >= {"feed", "facebook"}
    (workspace.root / "public").unlink()
    workspace.time_passes()
    assert workspace.veille("run", "--once").code == 0
    assert (workspace.root / "public/www/posts/soupe/index.html").is_file()


def test_a_mail_server_that_cannot_be_reached(tmp_path: Path) -> None:
    workspace = newsroom(tmp_path / "essai", readers=["one@example.org", "two@example.org", "three@example.org"])
    port = nobody_listens()
    mail_only(workspace, f"smtp://user:canary-password@127.0.0.1:{port}?tls=none")
    assert workspace.veille("publish", "--yes").code == 0
    ran = workspace.veille("run", "--once")
    assert ran.code == LATER, ran
    assert f"the mail server 127.0.0.1:{port} cannot be used" in ran.out
    assert "newsletter.smtp_url" in ran.out
    assert ran.out.count("✗") == 1  # once, not once for each reader
    assert "canary" not in ran.said
    assert "@example.org" not in ran.said
    (letter,) = workspace.ledger()
    assert letter.counts["ready"] == letter.planned == 3
    states = {(row[5], row[8]) for row in workspace.rows()["delivery"]}
    assert states == {("ready", 0)}  # waiting, and no reader's count of refusals went up
