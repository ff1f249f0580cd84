"""`veille export` as people use it, and PDF from a real Chromium that gets no network."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.content import HELPLINES, newsroom
from tests.support.sheets import large
from tests.support.site_desk import running
from tests.support.workspace import TOML, Ran, Workspace
from veille.callsheet import call_sheet, week_of
from veille.errors import VeilleError
from veille.library import load
from veille.rendering.templating import shipped
from veille_cli.application import build
from veille_publishers.paper import Paper, fitted_sheet
from veille_publishers.printing import find_chromium, pdf, sides
from veille_web.site.fields import TRAP

NOW = "2026-11-25T09:00:00+01:00"
POST = "---\ntitle: {name}\ndate: 2026-11-24\nsummary: Une phrase.\n{front}---\n\nBonjour.\n"
A4 = rb"/MediaBox\s*\[0 0 59[45](\.\d+)? 84[12](\.\d+)?\]"


class Desk(Workspace):
    """A newsroom whose commands run without a process for each."""

    def veille(self, *args: str, **env: str) -> Ran:
        """Run a command here."""
        result = CliRunner().invoke(build(), args, env=env)
        return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path)
    made.write("veille.toml", TOML.replace("[instagram]\n", ""))
    made.write("content/helplines.yaml", HELPLINES)
    made.write("content/posts/soupe.md", POST.format(name="Soupe", front="towns: [bagneux]\n"))
    made.write("content/posts/froid.md", POST.format(name="Froid", front="urgent: true\n"))
    values = {"VEILLE_WORKSPACE": str(tmp_path), "VEILLE_WORKSPACE__SECRET_KEY": "for tests only", "VEILLE_NOW": NOW}
    for name, value in {**values, "COLUMNS": "160"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return made


@contextmanager
def counting() -> Iterator[tuple[str, list[str]]]:
    """A web server on loopback, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_without_an_outbox_the_page_is_made_and_no_outbox_with_it(desk: Desk) -> None:
    ran = desk.veille("export", "call-sheet", "--town", "Bagneux")
    assert ran.code == 0, ran
    page = desk.root / "outbox/paper/call-sheet-2026-11-23-bagneux.html"
    assert "Written: outbox/paper/call-sheet-2026-11-23-bagneux.html" in ran.out
    html = page.read_text(encoding="utf-8")
    assert html.index("Froid") < html.index("Soupe")
    assert [path.name for path in (desk.root / "outbox").iterdir()] == ["paper"]


def test_what_is_queued_counts_and_drafts_never_do(desk: Desk) -> None:
    assert desk.veille("publish", "content/posts/soupe.md", "--at", "2026-12-01 10:00", "--channel", "web").code == 0
    desk.write("content/posts/later.md", POST.format(name="Brouillon", front="draft: true\n"))
    data = json.loads(desk.veille("export", "call-sheet", "--json").out)["data"]
    assert [message["source"] for message in data["messages"]] == ["froid"]
    ran = desk.veille("export", "call-sheet", "--week", "2026-12-03", "--text")
    assert "* Soupe (Bagneux)" in ran.out
    assert "Froid" not in ran.out


def test_what_nobody_approved_is_not_said_on_the_telephone(desk: Desk) -> None:
    desk.write("veille.toml", TOML.replace("[instagram]\n", "") + '\n[approval]\nrequired = ["urgent"]\n')
    desk.write("content/posts/froid.md", POST.format(name="Froid", front="urgent: true\nauthor: Camille Exemple\n"))
    ran = desk.veille("export", "call-sheet", "--text")
    assert ran.code == 0, ran
    assert "Soupe" in ran.out
    assert "Froid" not in ran.out
    assert "content/posts/froid.md" in ran.err


def test_errors_block_and_nothing_is_written(desk: Desk) -> None:
    desk.write("content/posts/froid.md", POST.format(name="Froid", front="urgent: true\npartners: [nobody]\n"))
    ran = desk.veille("export", "call-sheet", "-o", "sheet.html")
    assert ran.code == 3
    assert "content/posts/froid.md" in ran.err
    desk.write("content/helplines.yaml", HELPLINES.replace("verified_on", "x-on"))
    assert desk.veille("export", "poster", "-o", "poster.html").code == 3
    assert not list(desk.root.glob("*.html"))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["call-sheet", "--town", "Bagneu"], 'did you mean "Bagneux"?'),
        (["poster", "--town", "Paris"], "is no town of this newsroom; the towns are: Bagneux"),
        (["call-sheet", "--week", "demain"], "write a day as 2026-11-25"),
    ],
)
def test_what_is_mistyped_is_said(desk: Desk, args: list[str], said: str) -> None:
    ran = desk.veille("export", *args)
    assert ran.code == 2
    assert said in " ".join(ran.err.split())


def test_without_a_browser_the_page_is_there_and_the_reason_is_said(desk: Desk) -> None:
    ran = desk.veille("export", "poster", "--pdf", "-o", "affiche.pdf", PATH=str(desk.root))
    assert ran.code == 4
    assert "No PDF: there is no Chromium on this machine" in ran.out
    assert "VEILLE_CHROMIUM" in ran.out
    assert (desk.root / "affiche.html").is_file()
    assert not (desk.root / "affiche.pdf").exists()
    envelope = json.loads(desk.veille("export", "call-sheet", "--pdf", "--json", VEILLE_CHROMIUM="no-such").out)
    assert envelope["status"] == "partial"
    assert [error["code"] for error in envelope["errors"]] == ["no-browser"]


def test_a_browser_that_fails_or_never_ends_is_said_and_ended(desk: Desk) -> None:
    broken = desk.write("broken", "#!/bin/sh\necho 'no usable display' >&2\nexit 1\n")
    endless = desk.write("endless", f"#!/bin/sh\nsleep 60 &\necho $! > '{desk.root}/child'\nwait\n")
    for program in (broken, endless):
        program.chmod(0o755)
    with pytest.raises(VeilleError, match="no usable display"):
        pdf("<p>", str(broken))
    began = time.monotonic()
    with pytest.raises(VeilleError, match="longer than"):
        pdf("<p>", str(endless), patience=0.3)
    assert time.monotonic() - began < 10
    child = Path("/proc", (desk.root / "child").read_text().strip(), "cmdline")
    assert not child.exists() or not child.read_bytes()  # gone, or waiting for its parent to take note


def test_the_form_is_the_answer_and_nothing_else(desk: Desk) -> None:
    ran = desk.veille("export", "form")
    assert ran.out.startswith("<form ")
    assert ran.out.rstrip().endswith("</form>")
    assert f'name="{TRAP}"' in ran.out
    assert "Paste this" in ran.err
    assert "text" in json.loads(desk.veille("export", "form", "--json").out)["data"]


@pytest.mark.browser
def test_a_pdf_has_a_page_for_each_town_and_is_made_without_network(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium on this machine")
    desk.write("veille.toml", TOML.replace('["Bagneux"]', '["Bagneux", "Sceaux"]'))
    short = tempfile.mkdtemp(prefix="v")  # a browser puts a socket there, whose path has at most 107 bytes
    monkeypatch.setattr("tempfile.tempdir", short)
    base = (shipped() / "paper/base.html.j2").read_text(encoding="utf-8")
    careless = re.sub(r"<meta http-equiv=[^>]*>", "", base)  # a newsroom's own, without our policy
    with counting() as (url, asked):
        desk.write(
            "templates/paper/base.html.j2", careless.replace("</body>", f'<img src="{url}/a.png" hidden></body>')
        )
        ran = desk.veille("export", "poster", "-o", "affiche.pdf")
        assert ran.code == 0, ran
        assert asked == []
    assert sorted(path.name for path in desk.root.glob("affiche*")) == ["affiche.html", "affiche.pdf"]
    content = (desk.root / "affiche.pdf").read_bytes()
    assert sides(content) == 2
    assert re.search(A4, content)
    assert b"/StructTreeRoot" in content
    assert re.search(rb"/FontName\s*/[A-Z]{6}\+Lexend", content)
    Path(short).rmdir()  # the profile is gone, and nothing else is left


@pytest.mark.browser
@pytest.mark.soak
@pytest.mark.parametrize(("messages", "partners"), [(16, 20), (40, 120)])
def test_what_is_estimated_to_fit_fits(tmp_path: Path, messages: int, partners: int) -> None:
    """The estimate alone, as on a machine without a browser; a browser then says whether it was right."""
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium on this machine")
    config = newsroom(tmp_path)
    moment = datetime(2026, 11, 25, tzinfo=UTC)
    whole = call_sheet(load(config), config, (), week=week_of(moment.date(), config), now=moment)
    made, _none = fitted_sheet(large(whole, messages, partners), Paper(config), None)
    assert made.shortened
    assert sides(pdf(Paper(config).call_sheet(made), find_chromium(os.environ))) == 2


def test_whoever_sends_the_pasted_form_lands_on_ours_and_decides_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as site:
        monkeypatch.setenv("VEILLE_WORKSPACE", str(tmp_path))
        html = CliRunner().invoke(build(), ["export", "form"]).stdout
        fields = dict.fromkeys(re.findall(r'<input[^>]* name="([^"]+)"', html), "")
        (action,) = re.findall(r'action="https://letter\.example\.org([^"]+)"', html)
        filled = {**fields, "email": "amel@example.org"}
        answer = site.post(action, filled, Sec_Fetch_Site="cross-site", Origin="https://ville.example.org")
        assert answer.status_code == 200
        assert 'value="amel@example.org"' in answer.text
        assert 'name="stamp"' in answer.text
        assert site.mails() == []
        robot = site.post(action, dict.fromkeys(fields, "amel@example.org"), Sec_Fetch_Site="cross-site")
        assert 'name="stamp"' not in robot.text  # the field that nobody sees was filled in
        assert site.mails() == []
        assert site.get("/subscribe/").status_code == 200  # where the code on posters leads
        assert site.get("/subscribe").headers["location"].endswith("/subscribe/")  # as people type it
