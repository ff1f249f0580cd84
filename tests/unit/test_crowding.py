"""Too much at once on one page: warned of while there is time to change it, once, and only where it is so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.content import newsroom
from tests.support.desk import Desk
from veille import checks, crowding, library, likeness, quotas
from veille.config import Config
from veille.crowding import Showing
from veille.errors import Finding, Severity
from veille.queueing import Prepared, prepare
from veille.rendering.templating import Templates
from veille_publishers import http, registry

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)  # a Wednesday, 9 h in Paris
MINUTE = timedelta(minutes=1)
TEXT = (
    "Chaque mercredi de 14 h à 18 h, une équipe t’accueille sans rendez-vous pour parler de tes droits, de ton "
    "logement ou de ta santé. C’est gratuit et personne ne saura que tu es venu."
)
OTHER = "Cinquante vélos réparés cherchent leur cycliste : vingt euros avec un antivol, et un casque si tu n’en as pas."


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def showing(source: str, minutes: float = 0, words: str = "", **more: Any) -> Showing:
    values: dict[str, Any] = {"channel": "facebook", "file": f"content/posts/{source}.md", "changed": True, **more}
    return Showing(source=source, title=source.title(), due=NOW + minutes * MINUTE, words=words, **values)


# --- within the hour ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("apart", "warned"), [(0, True), (59, True), (60, False), (61, False)])
def test_two_posts_within_the_hour(config: Config, apart: int, warned: bool) -> None:
    found = crowding.too_close([showing("b", apart), showing("a")], config)
    assert bool(found) == warned
    if warned:
        [finding] = found
        assert (finding.code, finding.severity) == (crowding.TOO_CLOSE, Severity.WARNING)
        assert finding.file == "content/posts/b.md", "the later one is moved"
        assert "“A”" in finding.message
        assert "“B”" in finding.message
        assert "facebook: {at: 2026-11-25 10:00}" in str(finding.hint), "the first moment an hour after the other"


def test_each_page_for_itself(config: Config) -> None:
    assert crowding.too_close([showing("a"), showing("b", 5, channel="instagram")], config) == []
    both = [showing(name, at, channel=page) for page in ("facebook", "instagram") for name, at in (("a", 0), ("b", 5))]
    [finding] = crowding.too_close(both, config)
    assert "Facebook, Instagram" in finding.message
    assert "publishDate: 2026-11-25 10:00" in str(finding.hint)


def test_nobody_reads_the_same_warning_every_day(config: Config) -> None:
    waiting = [showing("a", changed=False, file=""), showing("b", 5, changed=False, file="")]
    assert crowding.too_close(waiting, config) == []
    [finding] = crowding.too_close([*waiting, showing("c", 10)], config)
    assert finding.file == "content/posts/c.md"


def test_what_left_cannot_be_moved(config: Config) -> None:
    """An edit of a post that is out there is no reason to warn of its time."""
    assert crowding.too_close([showing("a", out=True), showing("b", 5, changed=False)], config) == []
    [finding] = crowding.too_close([showing("a", 5, out=True, changed=False), showing("b", 0)], config)
    assert finding.file == "content/posts/b.md"


def test_the_proposed_time_is_free_itself(config: Config) -> None:
    others = [showing(f"o{n}", n * 70, changed=False) for n in range(5)]
    [finding] = crowding.too_close([*others, showing("new", 3)], config)
    assert "{at: 2026-11-25 14:40}" in str(finding.hint), "an hour after the fifth: no gap before is two hours long"
    assert crowding.too_close([*others, showing("new", 340)], config) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 600), max_size=12), st.integers(0, 600))
def test_any_proposed_time_is_free(dues: list[int], own: int) -> None:
    others = sorted(NOW + due * MINUTE for due in dues)
    free = crowding._free(NOW + own * MINUTE, others)
    assert free >= NOW + own * MINUTE
    assert all(abs(free - other) >= crowding.APART for other in others)


def test_many_at_once_are_one_warning(config: Config) -> None:
    [finding] = crowding.too_close([showing(f"post-{n}") for n in range(18)], config)
    assert "18 posts" in finding.message
    assert "and 15 more" in finding.message


# --- Instagram's day ---------------------------------------------------------------------------------


def day(count: int, apart: float, **more: Any) -> list[Showing]:
    return [showing(f"p{n:03}", n * apart, channel="instagram", **more) for n in range(count)]


def test_instagram_takes_so_many_in_a_day(config: Config) -> None:
    assert crowding.over_quota(day(25, 55), config) == []
    [finding] = crowding.over_quota(day(26, 55), config)
    assert (finding.code, finding.severity) == (crowding.OVER_QUOTA, Severity.WARNING)
    assert finding.file == "content/posts/p025.md"
    assert "26" in finding.message
    assert "25" in finding.message
    assert crowding.over_quota(day(26, 57.6), config) == [], "the first is a day old when the last leaves"
    assert crowding.over_quota(day(26, 55), config, quota=50) == [], "the account told its own number"
    assert len(crowding.over_quota(day(4, 55), config, quota=3)) == 1


def test_the_day_is_counted_with_what_waits_and_what_left(config: Config) -> None:
    out = day(25, 50, changed=False, out=True, file="")
    [finding] = crowding.over_quota([*out, showing("new", 1300, channel="instagram")], config)
    assert finding.file == "content/posts/new.md"
    assert crowding.over_quota([*out, showing("new", 1300)], config) == [], "Facebook has no such limit"
    assert crowding.over_quota([*day(30, 10, changed=False)], config) == []


# --- the same words again ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (TEXT, True),
        (f"  {TEXT.upper()}\n\n", True),
        (f"{TEXT}\n\nhttps://example.org/posts/a/\n\n#Bagneux #Droits", True),
        (TEXT.replace("mercredi", "jeudi"), True),
        (f"Nouveau ! {TEXT}", True),
        (OTHER, False),
        (f"{OTHER} {' '.join(TEXT.split()[:9])}", False),
        (" ".join(reversed(TEXT.split())), False),
    ],
)
def test_nearly_the_same_words(config: Config, text: str, warned: bool) -> None:
    found = crowding.too_similar([showing("a", 0, TEXT), showing("b", 5000, text)], config)
    assert [(finding.code, finding.file) for finding in found] == (
        [(crowding.TOO_SIMILAR, "content/posts/b.md")] if warned else []
    )


def test_word_for_word_is_said_so(config: Config) -> None:
    pair = [showing("a", 0, TEXT, changed=False), showing("b", 9, TEXT)]
    [finding] = crowding.too_similar(pair, config)
    assert "word for word" in finding.message
    assert "Facebook refuses that" in finding.message
    assert "mercredi 25 novembre 2026 à 9" in finding.message
    assert finding.severity is Severity.WARNING


def test_texts_far_apart_in_time_or_on_other_pages_are_not_compared(config: Config) -> None:
    month = 31 * 24 * 60
    assert crowding.too_similar([showing("a", 0, TEXT), showing("b", month, TEXT)], config) == []
    assert crowding.too_similar([showing("a", 0, TEXT), showing("b", 1, TEXT, channel="instagram")], config) == []
    assert crowding.too_similar([showing("a", 0, TEXT, changed=False)] * 2, config) == []
    assert crowding.too_similar([showing("a"), showing("b")], config) == [], "nothing to compare"


def test_both_pages_are_one_warning(config: Config) -> None:
    pages = ("facebook", "instagram")
    texts = [showing(name, 0, TEXT, channel=page) for page in pages for name in "ab"]
    [finding] = crowding.too_similar(texts, config)
    assert "Facebook, Instagram" in finding.message


words = st.lists(st.sampled_from(TEXT.split()), min_size=1, max_size=25).map(" ".join)


@settings(max_examples=80, deadline=None)
@given(st.lists(words, min_size=2, max_size=6))
def test_no_pair_is_missed(texts: list[str]) -> None:
    """Against comparing everything with everything."""
    found = {one.source for one, _o, _s in crowding._pairs([showing(str(n), n, t) for n, t in enumerate(texts)])}
    groups = [likeness.groups_of_words(text) for text in texts]
    expected = {
        str(n)
        for n in range(len(texts))
        if any(len(groups[n] & groups[m]) / len(groups[n] | groups[m]) >= likeness.ALIKE for m in range(n))
    }
    assert found == expected


@pytest.mark.parametrize("alike", [True, False], ids=["all alike", "the same last lines"])
def test_hundreds_of_posts_cost_little(alike: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: how often two texts are compared."""
    foot = "Qui appeler ? Fil Santé Jeunes : 0 800 235 236, tous les jours de 9 h à 23 h, gratuit et anonyme. " * 2
    own = [" ".join(f"mot{0 if alike else n}x{k}" for k in range(100)) for n in range(400)]
    compared: list[float] = []
    real = likeness._likeness

    def counted(one: frozenset[str], other: frozenset[str]) -> float:
        compared.append(real(one, other))
        return compared[-1]

    monkeypatch.setattr(likeness, "_likeness", counted)
    pairs = list(crowding._pairs([showing(f"{n:04}", n, f"{own[n]} numéro {n} {foot}") for n in range(400)]))
    assert len(pairs) == (399 if alike else 0)
    assert len(compared) <= 400 * 20


# --- what publish and check say ----------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, NOW, "[instagram]\n")
    context = registry.Context(
        config=made.config,
        templates=Templates(made.config),
        clock=lambda: made.ledger.now,
        http=http.session,
    )
    for name in ("facebook", "instagram"):
        real: Any = registry.load(name, context)
        real.channel = name  # as the acts of a desk say it
        made.acts[name] = real
    yield made
    made.ledger.database.close()


def told(prepared: Prepared) -> list[Finding]:
    return [finding for finding in prepared.findings if finding.code in crowding.CODES]


def dry(desk: Desk) -> list[Finding]:
    content = library.load(desk.config)
    made = prepare(desk.plan(), content, desk.config, desk.acts, desk.ledger.queue, desk.ledger.now)
    return told(made)


def test_publish_compares_with_what_waits_and_with_what_left(desk: Desk) -> None:
    desk.post("a", "date: 2026-11-25\nchannels: [facebook]", TEXT, title="L’accueil du mercredi")
    assert told(desk.publish()) == []
    desk.run()
    assert desk.state("a", "facebook") == "done"
    desk.ledger.now += timedelta(days=5)
    path = desk.post("b", "date: 2026-11-30\nchannels: [facebook]", f"Rappel. {TEXT}", title="L’accueil du mercredi")
    [finding] = dry(desk)
    assert finding.code == crowding.TOO_SIMILAR
    assert finding.file == "content/posts/b.md"
    assert finding.line == 2
    assert "L’accueil du mercredi" in finding.message
    path.write_text(
        path.read_text(encoding="utf-8").replace("---\n", "---\nallow: {posts-too-similar: Un rappel.}\n", 1)
    )
    assert dry(desk) == [], "the post says why"
    assert told(desk.publish()) == []
    desk.run()
    desk.ledger.now += timedelta(days=40)
    desk.post("c", "date: 2027-01-04\nchannels: [facebook]", f"{TEXT} Encore.", title="Toujours le mercredi")
    assert dry(desk) == [], "nobody remembers"


def test_publish_looks_at_the_times_of_everything_on_the_page(desk: Desk) -> None:
    front = "date: 2026-11-25\nchannels: [facebook, instagram]\nfacebook: {at: 2026-11-27 12:%s}"
    desk.post("a", front % "00" + "\ninstagram: {at: 2026-11-27 15:00}", TEXT)
    desk.post("b", front % "40" + "\ninstagram: {at: 2026-11-27 18:00}", OTHER)
    [finding] = dry(desk)
    assert (finding.code, finding.file, finding.line) == (crowding.TOO_CLOSE, "content/posts/b.md", 5)
    assert "{at: 2026-11-27 13:00}" in str(finding.hint)
    assert [found.code for found in told(desk.publish())] == [crowding.TOO_CLOSE]
    assert dry(desk) == [], "it was said, and nothing changes"
    desk.post("a", front % "10" + "\ninstagram: {at: 2026-11-27 15:00}", TEXT)
    assert [found.file for found in dry(desk)] == ["content/posts/a.md"]


def test_publish_counts_what_instagram_will_be_asked_for(desk: Desk) -> None:
    for number, hour in enumerate((8, 10, 12, 14)):
        words = f"Idée {number} : {' '.join(f'mot{number}{k}' for k in range(20))}"
        desk.post(f"p{number}", f"channels: [instagram]\ninstagram: {{at: 2026-11-27 {hour}:00}}", words)
    assert dry(desk) == []
    path = quotas.path(desk.config)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(quotas.content(desk.config.settings.instagram.user_id, 3))  # as the account said
    [finding] = dry(desk)
    assert (finding.code, finding.file) == (crowding.OVER_QUOTA, "content/posts/p3.md")


def test_check_knows_the_times_that_posts_state(desk: Desk) -> None:
    front = "date: 2026-11-25\nfacebook: {at: 2026-11-27 12:%s}"
    desk.post("a", front % "00")
    desk.post("b", front % "59")
    desk.post("c", "date: 2026-11-25\ndraft: true\nfacebook: {at: 2026-11-27 12:30}")

    def found(now: datetime) -> list[str]:
        return [f.file for f in checks.run(library.load(desk.config), desk.config, now) if f.code in crowding.CODES]

    assert found(NOW) == ["content/posts/b.md"]
    assert found(NOW + timedelta(days=9)) == [], "they left"


def test_a_sandbox_without_crowds_says_nothing(desk: Desk) -> None:
    desk.post("a", "channels: [facebook]\nfacebook: {at: 2026-11-27 12:00}", TEXT)
    desk.post("b", "channels: [facebook]\nfacebook: {at: 2026-11-27 18:00}", OTHER)
    assert dry(desk) == []
