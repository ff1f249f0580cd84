"""The main job, run as people run it: one Markdown post reaches mail, feed, web, Facebook and Instagram, once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import feedparser
import pytest

from tests.support.graph_fake import GraphFake, graph_fake
from tests.support.smtp_server import Mail, MailServer, mail_server
from tests.support.workspace import Ran, Workspace, balanced, go_live, newsroom
from veille import tokens
from veille.tokens import Purpose

READERS = [f"{'text' if n % 10 == 0 else 'reader'}{n:02}@example.org" for n in range(1, 51)]
TEXT_ONLY = [address for address in READERS if address.startswith("text")]
BASE = "https://letter.example.org"


@dataclass
class Job:
    """The job after its first run."""

    workspace: Workspace
    mail: MailServer
    fake: GraphFake
    published: Ran
    ran: Ran


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    with mail_server() as mail, graph_fake() as fake:
        workspace = newsroom(tmp_path_factory.mktemp("newsroom") / "essai", readers=READERS)
        (workspace.root / "content/posts/velo.md").write_text(
            "---\ntitle: Un vélo à vingt euros\nkind: good-deal\nchannels: [newsletter, feed, web]\n---\n\n"
            "L'atelier remet des vélos en route.\n",
            encoding="utf-8",
        )  # no date: it has the moment of its first publication, for ever
        soup = workspace.root / "content/posts/soupe.md"
        one = "instagram:\n  images:\n    - {src: soupe.png, alt: Une marmite qui fume}\nkind:"  # each takes 3 s
        soup.write_text(soup.read_text(encoding="utf-8").replace("kind:", one), encoding="utf-8")
        go_live(workspace, mail.url(), fake)
        published = workspace.veille("publish", "--yes")
        assert published.code == 0, published
        ran = workspace.veille("run", "--once", "--json")
        assert ran.code == 0, ran
        yield Job(workspace, mail, fake, published, ran)


def test_every_reader_gets_exactly_one_letter(job: Job) -> None:
    assert job.mail.copies == dict.fromkeys(READERS, 1)
    assert {mail.sender for mail in job.mail.mails} == {"letter@example.org"}
    assert job.ran.data["expanded"] != {}


@pytest.mark.parametrize("reader", [READERS[0], TEXT_ONLY[0]])
def test_headers_are_exact(job: Job, reader: str) -> None:
    (mail,) = [mail for mail in job.mail.mails if mail.recipient == reader]
    message = mail.message
    assert message["From"] == "Essai <letter@example.org>"
    assert message["To"] == reader
    assert message["Reply-To"].addresses[0].addr_spec == "desk@example.org"
    assert message["Subject"] == "La lettre numéro un"
    assert message["Content-Language"] == "en"
    assert re.fullmatch(rb"<[0-9a-f]{32}@letter\.example\.org>", mail.header("Message-ID"))
    assert mail.header("List-Id") == b"Essai <letter.example.org>"
    assert mail.header("List-Unsubscribe-Post") == b"List-Unsubscribe=One-Click"
    assert parsedate_to_datetime(message["Date"]).tzinfo is not None
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Message-ID", "Date", "From", "Subject"):
        assert len(message.get_all(name, [])) == 1


def _unsubscribe(mail: Mail) -> tuple[str, str]:
    raw = mail.header("List-Unsubscribe").decode("ascii")
    match = re.fullmatch(r"<(https://[^<>\s]+)>, <(mailto:[^<>\s]+)>", raw)  # one line, nothing encoded or folded
    assert match, raw
    return match[1], match[2]


def test_the_way_out_is_short_personal_and_signed(job: Job) -> None:
    keys = tokens.load_keys(job.workspace.root / "none", job.workspace.env["VEILLE_WORKSPACE__SECRET_KEY"])
    ids = {row[1]: row[0] for row in job.workspace.rows()["subscriber"]}
    for mail in job.mail.mails:
        link, mailto = _unsubscribe(mail)
        assert len(f"<{link}>") < 78
        token = link.removeprefix(f"{BASE}/u/")
        assert tokens.read(keys, Purpose.UNSUBSCRIBE, token) == ids[mail.recipient]
        assert tokens.read(keys, Purpose.PREFERENCES, token) is None
        assert mailto == f"mailto:desk@example.org?subject=unsubscribe%20{token}"


def test_text_comes_first_and_text_only_readers_get_no_html(job: Job) -> None:
    for mail in job.mail.mails:
        kinds = [part.get_content_type() for part in mail.message.walk() if not part.is_multipart()]
        assert kinds == (["text/plain"] if mail.recipient in TEXT_ONLY else ["text/plain", "text/html"])


def test_both_parts_hold_the_posts_and_the_personal_links(job: Job) -> None:
    (mail,) = [mail for mail in job.mail.mails if mail.recipient == READERS[0]]
    link, _mailto = _unsubscribe(mail)
    for part in mail.message.iter_parts():
        content = part.get_content()
        assert "Une soupe chaude chaque mardi" in content.replace("\u202f", " ")
        assert content.count(link) == 1
        assert content.count(f"{BASE}/p/") == 1
        assert "VEILLE-" not in content
        assert READERS[0] not in content


def test_lines_end_as_smtp_wants_and_stay_short(job: Job) -> None:
    for mail in job.mail.mails:
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail.content)
        assert max(map(len, mail.content.split(b"\r\n"))) <= 998


def test_letters_differ_only_where_they_are_personal(job: Job) -> None:
    """No pixel, no code for one reader: without address, token and id, all letters are the same bytes."""
    seen = set()
    for mail in job.mail.mails:
        if mail.recipient in TEXT_ONLY:
            continue
        parts = [part.get_content() for part in mail.message.iter_parts()]
        seen.add(re.sub(rf"{BASE}/[up]/[\w-]+", "", "".join(parts)))
    assert len(seen) == 1


def test_the_feed_is_read_without_complaint(job: Job) -> None:
    feed = feedparser.parse((job.workspace.root / "public/feed.xml").read_bytes())
    assert not feed.bozo
    titles = {entry.title.replace("\u202f", " ") for entry in feed.entries}
    assert titles == {"Une soupe chaude chaque mardi", "Un vélo à vingt euros"}
    assert {entry.id for entry in feed.entries} == {f"{BASE}/posts/soupe/", f"{BASE}/posts/velo/"}


def test_the_page_has_the_post(job: Job) -> None:
    page = (job.workspace.root / "public/posts/soupe/index.html").read_text(encoding="utf-8")
    assert "une soupe chaude à partager" in page
    assert 'alt="Une marmite qui fume"' in page
    assert (job.workspace.root / "public/editions/lettre-1/index.html").is_file()


def test_facebook_and_instagram_show_it_once_with_alternative_text(job: Job) -> None:
    alts = ["Une marmite qui fume", "La salle avec ses longues tables"]
    (post,) = job.fake.visible_posts()
    assert post.alts == alts
    assert "Une soupe chaude chaque mardi" in post.message
    (media,) = job.fake.visible_media()
    assert media.alts == alts[:1]
    assert "Une soupe chaude chaque mardi" in media.caption
    assert {call.token_in for call in job.fake.calls} == {"header"}


def test_status_tells_all_of_it_and_nobody_is_lost(job: Job) -> None:
    publications = job.workspace.publications()
    assert sorted((p["channel"], p["source"]) for p in publications) == [
        ("facebook", "soupe"),
        ("feed", "soupe"),
        ("feed", "velo"),
        ("instagram", "soupe"),
        ("newsletter", "lettre-1"),
        ("web", "lettre-1"),
        ("web", "soupe"),
        ("web", "velo"),
    ]
    assert {publication["state"] for publication in publications} == {"done"}
    assert balanced(publications)
    counts = {p["channel"]: p["counts"] for p in publications}
    assert counts["newsletter"] | {"planned": 50, "sent": 50} == counts["newsletter"]
    receipts = {p["channel"]: p["receipts"] for p in publications if p["source"] in ("soupe", "lettre-1")}
    assert receipts["newsletter"] == []  # never one for each reader
    (post,), (media,) = job.fake.visible_posts(), job.fake.visible_media()
    assert [receipt["remote_id"] for receipt in receipts["facebook"]] == [post.id]
    assert [receipt["remote_id"] for receipt in receipts["instagram"]] == [media.id]


def test_a_second_time_changes_nothing(job: Job) -> None:
    rows, files = job.workspace.rows(), job.workspace.files("outbox", "public")
    calls = len(job.fake.calls)
    again = job.workspace.veille("publish", "--yes", "--json")
    assert again.code == 0
    assert {publication["change"] for publication in again.data["publications"]} == {"same"}
    assert job.workspace.veille("publish", "--yes").out.startswith("Nothing is owed")
    ran = job.workspace.veille("run", "--once")
    assert (ran.code, ran.out.strip()) == (0, "Nothing was due.")
    assert job.workspace.rows() == rows
    assert job.workspace.files("outbox", "public") == files
    assert len(job.fake.calls) == calls
    assert len(job.mail.mails) == len(READERS)


def test_no_address_leaves_but_in_the_envelope_and_to(job: Job) -> None:
    """Renditions, receipts and files that people see hold no reader."""
    stored = repr({name: rows for name, rows in job.workspace.rows().items() if name != "subscriber"})
    assert "reader01@" not in stored
    shown = [
        path for path in (job.workspace.root / "outbox").rglob("*") if path.is_file() and "sqlite3" not in path.name
    ]
    assert shown
    assert not [path for path in shown if b"reader01@" in path.read_bytes()]
