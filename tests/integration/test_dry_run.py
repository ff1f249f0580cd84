"""What a dry run says is what Meta then receives, request by request; and no secret is in what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.graph_fake import GraphFake, Seen
from tests.support.running import Running
from tests.support.workspace import Workspace, go_live, newsroom

NAMED = re.compile(r"<[^<>]+>")  # what the service will answer
CHANNELS = ("-c", "facebook", "-c", "instagram")


@pytest.fixture
def workspace(tmp_path: Path, fake: GraphFake) -> Workspace:
    """Posts with two pictures, with one, without any (a link), and one for tomorrow that Facebook publishes itself."""
    made = newsroom(tmp_path / "essai")
    (made.root / "content/editions/lettre-1.md").unlink()
    posts = made.root / "content/posts"
    two = (posts / "soupe.md").read_text()
    one = two.replace("Une soupe chaude", "Le repas").replace("une soupe chaude", "un plat")
    (posts / "repas.md").write_text(re.sub(r"images:\n.*\n", "", one))
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    later = two.replace("soupe chaude", "tisane").replace("Chaque mardi", "Le jeudi")
    (posts / "tisane.md").write_text(re.sub(r"publishDate: .*", f"publishDate: {tomorrow}", later))
    go_live(made, "smtp://127.0.0.1:9?tls=none", fake)
    made.env |= {"VEILLE_FACEBOOK__NATIVE_SCHEDULING": "true", "VEILLE_INSTAGRAM__MEDIA": "outbox/media"}
    return made


def as_told(publication: Mapping[str, Any], seen: Sequence[Seen], files: Mapping[str, bytes]) -> None:
    """The same requests, in this order; a name in <…> stands for one answer, the same each time, and for no other."""
    answers: dict[str, str] = {}
    for request, came in zip(publication["requests"], seen, strict=True):
        told = _text(request["method"], request["path"], request["parameters"])
        found = re.fullmatch(
            "(.+?)".join(map(re.escape, NAMED.split(told))), _text(came.method, came.path, came.params)
        )
        assert found, (told, came)
        for name, value in zip(NAMED.findall(told), found.groups(), strict=True):
            assert re.fullmatch(r"[\d_]{15,}", value), (name, value)
            assert answers.setdefault(name, value) == value
        assert [files[request[key]] for key in ("file",) if key in request] == list(came.files.values())
    assert len(set(answers.values())) == len(answers)


def _text(method: str, path: str, params: Mapping[str, str]) -> str:
    return json.dumps([method, path, dict(sorted(params.items()))], ensure_ascii=False)


def test_the_requests_of_a_dry_run_are_those_that_meta_gets(workspace: Workspace, fake: GraphFake) -> None:
    dry = workspace.veille("publish", "--dry-run", "--json", *CHANNELS)
    assert (dry.code, fake.calls) == (0, []), dry
    done = workspace.veille("publish", *CHANNELS, "--yes")
    assert (done.code, "POST" in done.said) == (0, False), done
    running = Running(workspace.root, workspace.env)
    running.run()
    states = [(channel, state) for channel, state, _code in running.states()]
    assert states.count(("facebook", "scheduled")) == states.count(("instagram", "ready")) == 1
    assert states.count(("facebook", "sent")) == states.count(("instagram", "sent")) == 3
    publications = dry.data["publications"]
    told = [p for p in publications if p["channel"] == "facebook"]
    told += [p for p in publications if p["channel"] == "instagram" and p["source"] != "tisane"]
    files = {path.name: path.read_bytes() for path in (workspace.root / "outbox").rglob("*.jpg")}
    place = 0
    for publication in told:
        end = place + len(publication["requests"])
        as_told(publication, fake.calls[place:end], files)
        place = end
    assert place == len(fake.calls)
    asked = [(call.path.count("/photos"), "scheduled_publish_time" in call.params) for call in fake.calls]
    assert (sum(photos for photos, _later in asked), sum(later for _photos, later in asked)) == (5, 1)
    assert "CAROUSEL" in {call.params.get("media_type") for call in fake.calls}
    of_an_edit(running, fake)
    running.room.close()


def of_an_edit(running: Running, fake: GraphFake) -> None:
    """Other words for what is public: one request, and no second post."""
    path = running.root / "content/posts/velo.md"
    path.write_text(path.read_text().replace("L'atelier remet", "L'atelier du samedi remet"))
    only, before = ("publish", str(path), "-c", "facebook"), len(fake.calls)
    (publication,) = json.loads(running.asked(*only, "--dry-run", "--json").stdout)["data"]["publications"]
    assert (publication["change"], len(publication["requests"])) == ("edit", 1)
    assert running.ask(*only, "--yes")[0] == 0
    running.later(minutes=10)  # its clock stood still meanwhile
    running.run()
    as_told(publication, fake.calls[before:], {})
    assert len(fake.visible_posts()) == 3


def test_people_read_the_same_requests_without_the_access(workspace: Workspace, fake: GraphFake) -> None:
    desk = Running(workspace.root, workspace.env)
    only = ("publish", "--dry-run", "content/posts/velo.md", *CHANNELS)
    code, said = desk.ask(*only, "--requests")
    data = json.loads(desk.asked(*only, "--json").stdout)["data"]
    lines = " ".join(said.split())
    for request in (one for publication in data["publications"] for one in publication["requests"]):
        assert f"{request['method']} {request['path']}" in lines
        for name, value in request["parameters"].items():
            assert f"{name}: {' '.join(value.split())}" in lines
    assert (code, "EAAfake" in said) == (0, False)
    assert desk.ask("publish", "--requests", "--yes")[0] == 2
    assert not fake.calls
