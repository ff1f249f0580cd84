"""`veille partners` as people use it: who is asked again, what is confirmed, and who was shown the old number."""

from __future__ import annotations

import email
import json
from email.policy import default
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.content import HELPLINES
from tests.support.smtp_server import mail_server
from tests.support.workspace import TOML, Ran, Workspace
from veille.signup import Words, keep
from veille_cli.application import build
from veille_cli.wiring import newsroom

NOW = "2026-11-25T09:00:00+01:00"
RECORD = """\
# Who to ask: the reception, on the ground floor.
name: CCAS de Bagneux   # as on the door
needs: [food]

phone: "01 99 00 10 11"
email: ccas@example.org
hours: le lundi, de 9 h à 12 h
verified_on: 02/06/2026  # by telephone
"""
POST = "---\ntitle: {name}\ndate: 2026-11-25\npublishDate: {day}\n{front}---\n\n{body}\n"


class Desk(Workspace):
    """A newsroom whose commands run without a process for each."""

    def veille(self, *args: str, **env: str) -> Ran:
        """Run a command here."""
        result = CliRunner().invoke(build(), args, env=env)
        return Ran(result.exit_code, result.stdout, result.stderr)

    def done(self, *args: str, **env: str) -> str:
        """Run a command that must succeed; what it answers."""
        ran = self.veille(*args, **env)
        assert ran.code == 0, ran
        return ran.out

    def correct(self, old: str, new: str, name: str = "ccas") -> None:
        """Change a record in the editor."""
        path = self.root / f"content/partners/{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    def used_in(self, identity: str) -> dict[tuple[str, str], tuple[str, list[str]]]:
        """(source, channel) -> where it stands, and the old values that it shows."""
        found = json.loads(self.done("partners", "used-in", identity, "--json"))["data"]["publications"]
        return {(p["source"], p["channel"]): (p["where"], [c["old"] for c in p["old"]]) for p in found}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A partner in three posts: one is published now, one in a fortnight, one names nobody."""
    made = Desk(tmp_path)
    made.write("veille.toml", TOML.replace("[instagram]\n", ""))  # drawing its cards takes time
    made.write("content/helplines.yaml", HELPLINES)
    made.write("content/partners/ccas.yaml", RECORD)
    made.write("content/partners/radio.yaml", "name: Radio\nneeds: [leisure]\nverified_on: 2026-11-20\n")
    now = "2026-11-25T08:00:00+01:00"
    made.write("content/posts/soupe.md", POST.format(name="soupe", day=now, front="partners: [ccas]\n", body="Viens."))
    made.write("content/posts/later.md", POST.format(
        name="later", day="2026-12-09 10:00", front="channels: [facebook, web]\n", body="Appelle {{ partner: ccas }} !"
    ))  # fmt: skip
    made.write("content/posts/other.md", POST.format(name="other", day=now, front="channels: [feed]\n", body="Rien."))
    values = {"VEILLE_WORKSPACE": str(tmp_path), "VEILLE_WORKSPACE__SECRET_KEY": "for tests only", "VEILLE_NOW": NOW}
    for name, value in {**values, "COLUMNS": "160"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return made


def test_a_corrected_number_reaches_pages_by_itself_and_what_left_is_listed(desk: Desk) -> None:
    desk.done("subscribers", "add", "amel@example.org", "--consent", "paper")
    desk.done("publish", "content/posts/soupe.md", "--at", "now")
    desk.done("publish")
    desk.done("run", "--once")
    posts = {path: path.read_bytes() for path in (desk.root / "content/posts").iterdir()}
    desk.correct("10 11", "10 12")
    old = ["01 99 00 10 11"]
    before = desk.used_in("ccas")
    assert before["soupe", "web"] == before["soupe", "feed"] == ("stands", old)
    assert before["soupe", "facebook"] == ("sent", old)
    assert before["later", "facebook"] == before["later", "web"] == ("queued", old)
    assert ("other", "feed") not in before

    desk.done("publish")
    assert desk.used_in("ccas")["soupe", "web"] == ("rewriting", [])
    desk.done("run", "--once")
    for page in ("web/posts/soupe/index.html", "web/feed.xml"):
        text = (desk.root / "outbox" / page).read_text(encoding="utf-8").replace("\u00a0", " ")
        assert "01 99 00 10 12" in text
        assert "10 11" not in text
    after = desk.used_in("ccas")
    assert after["soupe", "web"] == after["soupe", "feed"] == ("stands", [])
    assert after["later", "facebook"] == ("queued", [])
    assert {channel for (_s, channel), (_w, found) in after.items() if found} == {
        "newsletter", "facebook"}  # fmt: skip
    said = " ".join(desk.done("partners", "used-in", "ccas", "--old").split())
    for words in ("phone: 01 99 00 10 11 → 01 99 00 10 12", "a letter that left cannot change", "correct it by hand"):
        assert words in said
    assert {path: path.read_bytes() for path in posts} == posts


def test_a_help_line_is_found_in_every_emergency_block(desk: Desk) -> None:
    desk.done("publish")
    desk.done("run", "--once")
    found = desk.used_in("39 19")
    assert ("soupe", "web") in found
    assert ("soupe", "facebook") not in found  # not sensitive, and not named
    desk.write("content/helplines.yaml", HELPLINES.replace("39 19", "39 20"))
    gone = desk.used_in("3919")  # the record is no more
    assert gone["soupe", "web"][1]
    unknown = desk.veille("partners", "used-in", "cca")
    assert unknown.code == 1
    assert 'did you mean "ccas"?' in unknown.err


def test_who_is_due_is_asked_in_a_mail_that_they_can_answer(desk: Desk) -> None:
    listed = json.loads(desk.done("partners", "due", "--mail", "--json"))["data"]
    assert [(entry["id"], entry["age"]) for entry in listed["due"]] == [("ccas", 176)]
    (path,) = (desk.root / "outbox/notices").iterdir()
    mail = email.message_from_bytes(path.read_bytes(), policy=default)
    assert (mail["To"], mail["Reply-To"]) == ("ccas@example.org", "Essai <desk@example.org>")
    text = mail.get_content()
    assert mail.get_content_type() == "text/plain"
    for words in ("- Phone: 01 99 00 10 11", "- Hours: le lundi, de 9 h à 12 h", "Last confirmed", "answer “yes”"):
        assert words in text
    refused = desk.veille("partners", "due", "--send")
    assert (refused.code, "newsletter.transport" in refused.err) == (3, True)
    assert "must be asked" in desk.done("partners", "due", "--days", "3")
    assert "Nobody must be asked" in desk.done("partners", "due", "--days", "400")


def test_the_mails_leave_through_the_mail_server_of_the_letter(desk: Desk) -> None:
    with mail_server() as server:
        live = {"VEILLE_NOW": "", "VEILLE_NEWSLETTER__TRANSPORT": "smtp", "VEILLE_NEWSLETTER__SMTP_URL": server.url()}
        written = desk.done("partners", "due", "--mail", **live)
        assert "outbox/notices/partner-ccas.eml" in written
        assert server.mails == []
        said = desk.done("partners", "due", "--send", **live)
        assert "CCAS de Bagneux: Sent." in said
        (mail,) = server.mails
    assert "ccas@example.org" not in said
    assert b"01 99 00 10 11" in mail.content


def test_they_answer_and_the_record_keeps_its_layout(desk: Desk) -> None:
    desk.done("publish")
    path = desk.root / "content/partners/ccas.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    said = desk.done("partners", "confirm", "ccas", "--by", "accueil: 1er étage")
    assert "still show the old ones" not in said
    expected = RECORD.replace("02/06/2026", "25/11/2026") + 'verified_by: "accueil: 1er étage"\n'
    assert path.read_bytes() == expected.replace("\n", "\r\n").encode()
    assert "Nobody must be asked" in desk.done("partners", "due")
    desk.correct("le lundi", "le mardi")
    assert "hours: le lundi, de 9 h à 12 h → le mardi, de 9 h à 12 h" in desk.done("partners", "confirm", "ccas")
    rows = desk.rows()["audit"]
    assert [row[2:4] for row in rows if "confirmed" in row] == [("confirmed", "ccas")] * 2
    listed = json.loads(desk.done("partners", "list", "--need", "food", "--json"))["data"]["partners"]
    assert [(partner["id"], partner["needs"]) for partner in listed] == [("ccas", ["food"])]
    assert "Something to eat" in desk.done("partners", "list", "--need", "food")


def test_the_journal_tells_of_new_words_in_a_sentence(desk: Desk) -> None:
    words = Words(("By subscribing you agree.",))
    with newsroom() as room:
        keep(room.database, words, room.clock())
    told = desk.done("log")
    assert f"new words beside the button “Subscribe” (version {words.version})" in told
    assert "consent-words" not in told
