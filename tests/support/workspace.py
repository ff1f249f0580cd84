"""A newsroom in a folder of its own, and the real `veille` command run in it as people run it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from tests.support import warm_veille
from tests.support.content import HELPLINES
from tests.support.graph_fake import GraphFake
from veille.outbox.database import driver, open_database
from veille.outbox.report import Report, Status

VEILLE = Path(sys.executable).with_name("veille")
REPOSITORY = Path(__file__).parents[2]
FINAL = ("sent", "failed", "cancelled", "held")
_DATABASE = ("outbox.sqlite3", "outbox.sqlite3-wal", "outbox.sqlite3-shm")
_WRITTEN_AT = re.compile(rb",\s*\d{19}(?=\s*\])")  # nanoseconds, in the list of files that a channel wrote
NOT_CONTENT = (*_DATABASE, "ballast", "run.lock", "secret.key", "rendered.json")

TOML = """\
[workspace]
name = "Essai"
language = "en"
base_url = "https://letter.example.org"
towns = ["Bagneux"]

[newsletter]
from = "Essai <letter@example.org>"
reply_to = "desk@example.org"
list_id = "Essai <letter.example.org>"
send_window = ""

[feed]

[web]

[facebook]

[instagram]
"""
WITH_PICTURES = """\
---
title: Une soupe chaude chaque mardi
date: {moment}
publishDate: {moment}
kind: service
image: {{src: soupe.png, alt: Une marmite qui fume}}
images:
  - {{src: salle.png, alt: La salle avec ses longues tables}}
---

Chaque mardi, une soupe chaude à partager. Viens comme tu es.
"""
WITHOUT_PICTURE = """\
---
title: Un vélo à vingt euros
date: {moment}
publishDate: {moment}
kind: good-deal
---

L'atelier remet des vélos en route.
.
Une ligne qui commence par un point, comme dans un vrai courrier.
"""
EDITION = """\
---
title: La lettre numéro un
date: {moment}
publishDate: {moment}
posts: [soupe, velo]
---

Bonne lecture !
"""


@dataclass(frozen=True)
class Ran:
    """What a finished command left."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The one object of --json."""
        values = json.loads(self.out)
        assert isinstance(values, dict)
        return values

    @property
    def data(self) -> dict[str, Any]:
        """`data` of the envelope."""
        data = self.envelope["data"]
        assert isinstance(data, dict)
        return data

    @property
    def said(self) -> str:
        """Everything that a person saw."""
        return self.out + self.err


def clean_environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the machine that runs the tests but its programs."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "COLUMNS": "200", **extra}


def start_veille(
    args: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, *, chunk: int | None = None
) -> subprocess.Popen[str]:
    """Start the command and do not wait.

    Args:
        chunk: expand a letter in chunks of that many readers, and make waits between looks short (`quick_veille`).
    """
    extra = dict(env or {})
    command = [str(VEILLE), *args]
    if chunk is not None:
        extra |= {"VEILLE_TEST_CHUNK": str(chunk), "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-m", "tests.support.quick_veille", *args]
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=clean_environment(cwd, extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def finish(process: subprocess.Popen[str], timeout: float = 60) -> Ran:
    """Wait for a command that was started."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {timeout} s:\n{out}\n{err}") from None
    return Ran(process.returncode, out, err)


def run_veille(
    args: Sequence[str],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    *,
    chunk: int | None = None,
    timeout: float = 60,
) -> Ran:
    """Run the command to its end, in a clean environment and without a terminal (see `warm_veille`)."""
    extra = dict(env or {})
    if not warm_veille.fits(extra):
        return finish(start_veille(args, cwd, env, chunk=chunk), timeout)
    if chunk is not None:
        extra["VEILLE_TEST_CHUNK"] = str(chunk)
    return Ran(*warm_veille.run([str(VEILLE), *args], cwd, clean_environment(cwd, extra), timeout))


@dataclass
class Workspace:
    """A newsroom in `root`, with the environment in which its commands run."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    chunk: int | None = None

    def veille(self, *args: str, **env: str) -> Ran:
        """Run a command here; keyword arguments are environment variables."""
        return run_veille(args, self.root, self.env | env, chunk=self.chunk)

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Start a command here."""
        return start_veille(args, self.root, self.env | env, chunk=self.chunk)

    def on_terminal(self, typed: str, *args: str) -> int:
        """Run a command before which a person sits, who types this. Returns how it ended."""
        ours, theirs = os.openpty()
        try:
            process = subprocess.Popen(
                [str(VEILLE), *args],
                cwd=self.root,
                env=clean_environment(self.root, self.env),
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=theirs,
            )
            os.write(ours, typed.encode())
            return process.wait(timeout=60)
        finally:
            os.close(ours)
            os.close(theirs)

    def killed_at(self, point: str, *args: str) -> None:
        """Run a command that dies at a failpoint."""
        ran = self.veille(*args, VEILLE_FAILPOINT=point)
        assert ran.code == -signal.SIGKILL, f"{point} was not reached by {args}: {ran}"

    def copy(self, root: Path) -> Workspace:
        """The same newsroom, as it stands, in another folder."""
        shutil.copytree(self.root, root)
        return Workspace(root, dict(self.env), self.chunk)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the newsroom."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def setting(self, section: str, line: str) -> None:
        """Add a line to a section of veille.toml."""
        path = self.root / "veille.toml"
        path.write_text(path.read_text(encoding="utf-8").replace(f"[{section}]\n", f"[{section}]\n{line}\n"))

    def subscribe(self, *addresses: str) -> None:
        """Import readers; those whose address starts with "text" get the letter without HTML."""
        rows = [f"{address},fr,,,{str(address.startswith('text')).lower()}" for address in addresses]
        self.write("readers.csv", "\n".join(["email,language,towns,audience,text_only", *rows, ""]))
        ran = self.veille("subscribers", "import", "readers.csv")
        assert ran.code == 0, ran

    def publications(self) -> list[dict[str, Any]]:
        """What `veille status --json` says."""
        ran = self.veille("status", "--json")
        assert ran.code == 0, ran
        found: list[dict[str, Any]] = ran.data["publications"]
        return found

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the ledger, by table."""
        connection = driver().connect(str(self.root / "outbox/outbox.sqlite3"))
        try:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in names}
        finally:
            connection.close()

    def change(self, statement: str, *values: Any) -> int:
        """Change the ledger behind veille's back, as time or another program would. Returns the rows changed."""
        connection = driver().connect(str(self.root / "outbox/outbox.sqlite3"))
        try:
            with connection:
                return int(connection.execute(statement, values).rowcount)
        finally:
            connection.close()

    def time_passes(self) -> None:
        """Every wait of a delivery is over, and that of a mail server that failed."""
        self.change("UPDATE delivery SET due_at = 0 WHERE state IN ('ready', 'unknown')")
        self.change("UPDATE channel SET rests_until = NULL")

    def files(self, *folders: str, forget: str = "") -> dict[str, str]:
        """Every file that people see, with the SHA-256 of its bytes.

        Args:
            forget: an address that differs from one run to another; it does not count.
        """
        found = (path for folder in folders for path in sorted((self.root / folder).rglob("*")) if path.is_file())
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(
                _WRITTEN_AT.sub(b"", path.read_bytes()).replace(forget.encode(), b"")
            ).hexdigest()
            for path in found
            if path.name not in NOT_CONTENT
        }

    def ledger(self) -> list[Status]:
        """What `veille status` says, read without starting it."""
        database = open_database("sqlite:///outbox/outbox.sqlite3", self.root)
        try:
            return Report(database).publications()
        finally:
            database.close()


def newsroom(root: Path, *, readers: Sequence[str] = (), moment: datetime | None = None) -> Workspace:
    """A small newsroom in the sandbox: a post with two pictures, one without, an edition made by hand.

    Args:
        moment: when everything of it is due; an hour ago by default.
    """
    due = (moment or datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    workspace = Workspace(root, {"VEILLE_WORKSPACE__SECRET_KEY": "for tests only"})
    workspace.write("veille.toml", TOML)
    workspace.write("content/helplines.yaml", HELPLINES)
    workspace.write("content/posts/soupe.md", WITH_PICTURES.format(moment=due))
    workspace.write("content/posts/velo.md", WITHOUT_PICTURE.format(moment=due))
    workspace.write("content/editions/lettre-1.md", EDITION.format(moment=due))
    (root / "content/media").mkdir()
    Image.new("RGB", (400, 300), "#c2372b").save(root / "content/media/soupe.png")
    Image.new("RGB", (300, 300), "#2b6cc2").save(root / "content/media/salle.png")
    if readers:
        workspace.subscribe(*readers)
    return workspace


def go_live(workspace: Workspace, smtp_url: str, fake: GraphFake) -> None:
    """All five channels live: mail to `smtp_url`, files to public/, Facebook and Instagram to the fake."""
    media = workspace.root / "outbox/media"
    media.mkdir(parents=True, exist_ok=True)
    social = {"TRANSPORT": "graph", "API_URL": fake.url, "READBACK": "0 s"}
    sections = {
        "NEWSLETTER": {"TRANSPORT": "smtp", "SMTP_URL": smtp_url, "RESEND_AFTER": "0 s"},
        "FEED": {"TRANSPORT": "folder", "OUTPUT": "public"},
        "WEB": {"TRANSPORT": "folder", "OUTPUT": "public"},
        "FACEBOOK": {**social, "PAGE_ID": fake.page_id, "ACCESS_TOKEN": fake.page_token},
        "INSTAGRAM": {
            **social,
            "USER_ID": fake.ig_user_id,
            "ACCESS_TOKEN": fake.ig_token,
            "MEDIA": "outbox/media",
            "MEDIA_BASE_URL": fake.media_server_for(media),
        },
    }
    workspace.env |= {f"VEILLE_{name}__{key}": value for name, keys in sections.items() for key, value in keys.items()}


def mail_only(workspace: Workspace, smtp_url: str) -> None:
    """The letter live, and no other channel."""
    text = TOML.partition("[feed]")[0]
    workspace.write("veille.toml", text)
    workspace.env |= {"VEILLE_NEWSLETTER__TRANSPORT": "smtp", "VEILLE_NEWSLETTER__SMTP_URL": smtp_url}


def balanced(publications: Sequence[Mapping[str, Any]]) -> bool:
    """planned = sent + failed + cancelled + held, for every publication."""
    return all(
        publication["counts"]["planned"] == sum(publication["counts"][state] for state in FINAL)
        for publication in publications
    )


def wait_until(true: Any, seconds: float = 20) -> None:
    """Wait until a function says yes.

    Raises:
        AssertionError: it did not in this time.
    """
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not true after {seconds} s"
        time.sleep(0.02)
