"""Four eyes: what is approved is what readers would see, by somebody else, and one changed letter voids it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from tests.support.desk import Desk
from veille import library
from veille.approval import Desk as Approvals
from veille.errors import ContentError, Severity
from veille.outbox.audit import Audit, Event
from veille.outbox.queue import Change
from veille.publishing import Publisher
from veille.rendering import Templates
from veille.rendering.templating import shipped
from veille.reviewers import NotAllowed, Person, authors, chosen, read, same
from veille.timetable import Clock
from veille.tokens import Keys
from veille_publishers import registry

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)  # a Wednesday, 9 h in Paris
ASKED = (
    '[approval]\nrequired = ["sensitive", "urgent"]\nreviewers = ["Sam Autre <sam@example.org>", "Camille Exemple"]\n'
)
BY_CAMILLE = "author: Camille Exemple\nurgent: true\n"


@dataclass
class Room:
    """A desk whose posts need approval."""

    desk: Desk

    def at(self, now: datetime = NOW) -> Approvals:
        """The desk of approvals at a moment."""
        content = library.load(self.desk.config)
        return Approvals(content, self.desk.config, self.desk.acts, Audit(self.desk.ledger.database), now)

    def approve(self, path: Path, who: str = "Sam Autre", now: datetime = NOW) -> None:
        """What `veille approve` records."""
        approvals = self.at(now)
        source = approvals.library.find(path)
        person = approvals.reviewer(source, who)
        digest = approvals.digest(source)
        approvals.audit.record(Event.APPROVED, at=now, source=source.source, who=person.called, digest=digest)

    def refused(self, *paths: Path) -> list[str]:
        """The files that are not queued because nobody approved them."""
        with pytest.raises(ContentError) as caught:
            self.desk.publish(*paths)
        assert {finding.code for finding in caught.value.findings} == {"not-approved"}
        return [finding.file for finding in caught.value.findings]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    desk = Desk(tmp_path, NOW, ASKED)
    yield Room(desk)
    desk.ledger.database.close()


# what publish refuses


def test_nothing_is_queued_of_what_nobody_approved(room: Room) -> None:
    room.desk.post("calm", "author: Camille Exemple")
    room.desk.post("urgent", BY_CAMILLE)
    assert room.refused() == ["content/posts/urgent.md"]
    assert room.desk.ledger.queue.all() == []


def test_an_approved_post_is_queued_and_stays_when_nothing_changes(room: Room) -> None:
    path = room.desk.post("urgent", BY_CAMILLE)
    room.approve(path)
    assert room.desk.publish(path).changed
    assert not room.desk.publish(path).changed


def test_an_approval_of_an_undated_post_stands_the_next_days(room: Room) -> None:
    path = room.desk.post("urgent", BY_CAMILLE)
    room.approve(path)
    room.desk.ledger.now = NOW + timedelta(days=3, hours=9)
    assert room.desk.publish(path).changed
    room.desk.ledger.now += timedelta(days=1)
    assert not room.desk.publish(path).changed


@pytest.mark.parametrize(
    "edit",
    [
        lambda root: rewrite(root / "content/posts/urgent.md", "Un texte", "Un texto"),
        lambda root: rewrite(root / "content/posts/urgent.md", "Une assiette", "Une  assiettée"),
        lambda root: rewrite(root / "content/posts/urgent.md", "tags: [repas]", "tags: [reps]"),
        lambda root: rewrite(root / "content/partners/ccas-bagneux.yaml", "12 34", "12 35"),
        lambda root: rewrite(root / "content/posts/urgent.md", "author: Camille", "author: Claude"),
        lambda root: Image.new("RGB", (1200, 800), "#c2372c").save(root / "content/media/repas.jpg", quality=20),
    ],
    ids=["body", "alt", "tag", "phone of a partner", "author", "picture"],
)
def test_one_changed_letter_voids_the_approval(room: Room, edit: Callable[[Path], None]) -> None:
    front = BY_CAMILLE + "tags: [repas]\nimage: {src: repas.jpg, alt: Une assiette}\n"
    path = room.desk.post("urgent", front, "Un texte.\n\n{{ partner: ccas-bagneux }}")
    room.approve(path)
    edit(room.desk.root)
    with pytest.raises(ContentError) as caught:
        room.desk.publish(path)
    (finding,) = caught.value.findings
    assert finding.code == "not-approved"
    assert "Sam Autre" in finding.message
    assert "veille approve content/posts/urgent.md --as" in (finding.hint or "")


def test_check_says_that_what_waits_or_stands_was_edited(room: Room) -> None:
    def told() -> list[tuple[str, str]]:
        found = list(room.at().waiting(room.desk.ledger.queue.all()))
        assert {finding.severity for finding in found} <= {Severity.WARNING}
        return [(finding.file, finding.message) for finding in found]

    path = room.desk.post("urgent", BY_CAMILLE, "Un texte.\n\n{{ partner: ccas-bagneux }}")
    room.approve(path)
    room.desk.publish(path)
    assert told() == []
    record = room.desk.root / "content/partners/ccas-bagneux.yaml"
    rewrite(record, "12 34", "12 35")
    ((file, message),) = told()
    assert (file, "Sam Autre" in message) == ("content/posts/urgent.md", True)
    rewrite(record, "12 35", "12 34")
    assert told() == []
    room.desk.to_friday()
    room.desk.run()
    rewrite(path, "Un texte", "Un texto")
    assert [file for file, _message in told()] == ["content/posts/urgent.md"]


def test_check_leaves_alone_what_stood_before_the_rule(room: Room) -> None:
    room.desk.settings("[newsletter]\n[feed]\n[web]\n[facebook]\n")
    path = room.desk.post("old", BY_CAMILLE)
    room.desk.publish()
    room.desk.settings("[newsletter]\n[feed]\n[web]\n[facebook]\n" + ASKED)
    rewrite(path, "Le texte", "Un texte")
    assert list(room.at().waiting(room.desk.ledger.queue.all())) == []


def test_taking_the_change_back_makes_the_approval_good_again(room: Room) -> None:
    path = room.desk.post("urgent", BY_CAMILLE)
    before = path.read_text()
    room.approve(path)
    path.write_text(before.replace("Le texte", "Un texte"))
    assert room.refused(path)
    path.write_text(before)
    assert room.desk.publish(path).changed


def test_what_stands_is_not_asked_about_when_the_rule_is_new(room: Room) -> None:
    room.desk.settings("[newsletter]\n[feed]\n[web]\n[facebook]\n")
    old = room.desk.post("old", BY_CAMILLE)
    room.desk.publish()
    room.desk.settings("[newsletter]\n[feed]\n[web]\n[facebook]\n" + ASKED)
    assert not room.desk.publish().changed
    room.desk.post("calm", "author: Camille Exemple")
    changes = room.desk.publish().changes
    assert Change.UPDATED in {line.change for line in changes if line.owed.channel == "newsletter"}
    rewrite(old, "Le texte", "Un texte")
    assert room.refused() == ["content/posts/old.md"]


def test_a_channel_that_comes_to_reach_people_wants_an_approval_of_what_stood_in_the_sandbox(room: Room) -> None:
    room.desk.settings("[newsletter]\n[feed]\n[web]\n[facebook]\n")
    path = room.desk.post("old", BY_CAMILLE + "channels: [facebook]\n")
    room.desk.publish()
    room.desk.settings("[newsletter]\n[feed]\n[web]\n[facebook]\n" + ASKED)
    room.desk.acts["facebook"].live = True
    assert room.refused(path) == ["content/posts/old.md"]


def test_what_was_taken_down_wants_an_approval_to_stand_again(room: Room) -> None:
    room.desk.settings("[newsletter]\n[feed]\n[web]\n[facebook]\n")
    path = room.desk.post("old", BY_CAMILLE + "channels: [web]\n")
    text = path.read_text(encoding="utf-8")
    room.desk.publish()
    path.unlink()
    room.desk.publish()
    room.desk.settings("[newsletter]\n[feed]\n[web]\n[facebook]\n" + ASKED)
    path.write_text(text, encoding="utf-8")
    assert room.refused(path) == ["content/posts/old.md"]


def test_drafts_need_none(room: Room) -> None:
    room.desk.post("draft", BY_CAMILLE + "draft: true\n")
    assert room.desk.publish().lines == ()


def test_all_means_calm_posts_too(room: Room) -> None:
    room.desk.settings('[newsletter]\n[feed]\n[web]\n[facebook]\n[approval]\nrequired = "all"\n')
    path = room.desk.post("calm", "author: Camille Exemple")
    assert room.refused() == ["content/posts/calm.md"]
    room.approve(path, "Anybody Else")
    assert room.desk.publish().changed


def test_an_edition_needs_its_own_approval_and_its_words_are_in_it(room: Room) -> None:
    member = room.desk.post("urgent", BY_CAMILLE + "channels: [newsletter]\n")
    edition = room.desk.edition("lettre", ["urgent"], "author: Alix Tiers\n")
    room.approve(member)
    assert room.refused(edition) == ["content/editions/lettre.md"]
    with pytest.raises(NotAllowed):
        room.approve(edition, "Camille Exemple")  # wrote what stands in it
    room.approve(edition)
    rewrite(edition, "Intro.", "Introo.")
    assert room.refused(edition)
    rewrite(edition, "Introo.", "Intro.")
    assert room.desk.publish(edition).changed


def test_no_author_is_an_error_with_a_remedy(room: Room) -> None:
    path = room.desk.post("urgent", "urgent: true")
    with pytest.raises(ContentError) as caught:
        room.desk.publish(path)
    assert [finding.code for finding in caught.value.findings] == ["author-missing"]
    with pytest.raises(NotAllowed) as refusal:
        room.approve(path)
    assert "author:" in (refusal.value.hint or "")


def test_two_approvals_and_one_by_somebody_who_became_its_author(room: Room) -> None:
    path = room.desk.post("urgent", BY_CAMILLE)
    room.approve(path)
    room.approve(path)
    source = room.at().library.find(path)
    found = room.at().approval(source, room.at().digest(source))
    assert found is not None
    room.at().audit.record(Event.APPROVED, at=NOW, source="other", who="Camille Exemple", digest=found.digest)
    other = room.desk.post("other", BY_CAMILLE)
    mine = room.at().library.find(other)
    digest = room.at().digest(mine)
    room.at().audit.record(Event.APPROVED, at=NOW, source="other", who="C. Exemple", digest=digest)
    assert room.at().approval(mine, digest) is None


def test_publishing_is_told_in_the_same_transaction(room: Room) -> None:
    path = room.desk.post("calm", "channels: [web, facebook]")
    room.desk.publish(path)
    rewrite(path, "Le texte", "Un texte")
    room.desk.publish(path)
    path.unlink()
    room.desk.publish()
    told = [(e.event, e.text, e.channel) for e in Audit(room.desk.ledger.database).entries(source="calm")]
    assert told == [
        ("published", "new", "web"),
        ("published", "new", "facebook"),
        ("published", "updated", "web"),
        ("published", "updated", "facebook"),
        ("withdrawn", "", "web"),
        ("withdrawn", "", "facebook"),
    ]


# the templates and help lines of the real publishers


def test_what_stands_around_the_text_is_in_the_approval(room: Room) -> None:
    path = room.desk.post("urgent", BY_CAMILLE + "channels: [newsletter]\n")
    before = _digest(room, path)
    assert _digest(room, path, NOW + timedelta(days=2)) == before
    rewrite(room.desk.root / "content/helplines.yaml", "femmes victimes", "femmes, victimes")
    with_another_line = _digest(room, path)
    assert with_another_line != before
    own = room.desk.root / "templates/newsletter/letter.txt.j2"
    own.parent.mkdir(parents=True)
    own.write_text((shipped() / "newsletter/letter.txt.j2").read_text(encoding="utf-8") + "Un mot.\n", encoding="utf-8")
    assert _digest(room, path) != with_another_line


def test_who_wrote_it_is_in_the_approval_though_no_reader_sees_it(room: Room) -> None:
    path = room.desk.post("urgent", BY_CAMILLE + "channels: [facebook]\n")
    before = _real(room, NOW, "facebook")
    source = before.library.find(path)
    rewrite(path, "author: Camille", "author: Claude")
    after = _real(room, NOW, "facebook")
    other = after.library.find(path)
    assert after.renditions(other) == before.renditions(source) != {}
    assert after.digest(other) != before.digest(source)


def _digest(room: Room, path: Path, now: datetime = NOW) -> str:
    approvals = _real(room, now)
    return approvals.digest(approvals.library.find(path))


def _real(room: Room, now: datetime, channel: str = "newsletter") -> Approvals:
    config = room.desk.config
    clock: Clock = lambda: now  # noqa: E731
    context = registry.Context(
        config, Templates(config), clock, lambda: pytest.fail("no network"), keys=Keys({"1": b"k" * 32})
    )
    publishers: dict[str, Publisher] = {channel: registry.load(channel, context)}
    return Approvals(library.load(config), config, publishers, Audit(room.desk.ledger.database), now)


# who is who


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Camille Exemple", "Camille Exemple"),
        ("Camille Exemple", "EXEMPLE Camille"),
        ("C. Exemple", "Camille Exemple"),
        ("Élodie Martin-Exemple", "elodie martin exemple"),
        ("Mme Exemple", "Camille Exemple"),
        ("Camille", "Camille Exemple"),
        ("camille.exemple@example.org", "Camille Exemple"),
        ("Camille <c@example.org>", "Sam <C@example.org>"),
    ],
)
def test_these_may_be_one_person(one: str, other: str) -> None:
    assert same(read(one), read(other))
    assert same(read(other), read(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Camille Exemple", "Sam Exemple"),
        ("Camille Exemple", "Camille Autre"),
        ("La rédaction", "Camille Exemple"),
        ("C. E.", "Camille Exemple"),
        ("D. Exemple", "Camille Exemple"),
    ],
)
def test_these_are_two(one: str, other: str) -> None:
    assert not same(read(one), read(other))


def test_several_authors_are_all_authors() -> None:
    found = authors("Camille Exemple et Sam Autre, Alix Tiers")
    assert [person.called for person in found] == ["Camille Exemple", "Sam Autre", "Alix Tiers"]
    assert [p.address for p in authors("Camille <c@example.org>, Sam <s@example.org>")] == [
        "c@example.org",
        "s@example.org",
    ]


def test_only_reviewers_approve_by_name_or_address() -> None:
    listed = ["Sam Autre <sam@example.org>", "Camille Exemple"]
    assert chosen("autre SAM", listed) == Person("Sam Autre", "sam@example.org")
    assert chosen("SAM@example.org", listed).called == "Sam Autre"
    assert chosen("Alix Tiers", []).called == "Alix Tiers"
    with pytest.raises(NotAllowed) as caught:
        chosen("Sam Autres", listed)
    assert "Sam Autre" in (caught.value.hint or "")
    with pytest.raises(NotAllowed):
        chosen(" . ", listed)
    with pytest.raises(NotAllowed):
        chosen(" . ", [])


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
