"""1,000 posts of about 400 words as web pages: veille beside Hugo and Pelican, on the same posts in the same run.

Two figures. A post is saved while `veille preview` runs: how long until its page, with the lists that name it, lies on
the disk; the others build their whole site for that. And the whole site in a fresh process: texts, pages, lists, no
checks and no ledger. Hugo and Pelican are taken from VEILLE_BENCH_HUGO and VEILLE_BENCH_PELICAN, else from the PATH.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.workspace import environment

POSTS, WORDS, ROUNDS = 1_000, 400, 3
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
PATIENCE = 300.0  # seconds
_CATEGORIES = ("Santé", "Mobilité", "Sorties", "Droits", "Emploi", "Logement")
_TAGS = ("vélo", "stage", "musique", "sport", "soirée", "atelier", "famille", "bénévolat", "cuisine", "cinéma")
_TEXT = (
    "la ville ouvre une salle calme pour réviser avec un goûter et des livres chaque mercredi après midi sans "
    "dossier tu viens seul ou avec un ami on cherche un stage un vélo un toit les portes restent ouvertes"
)
_WORDS = _TEXT.split()
_TOML = """\
[workspace]
name = "Mesures"
base_url = "https://site.example.org"
towns = ["Bagneux", "Bourg-la-Reine", "Fontenay-aux-Roses"]

[web]
"""
_HUGO_TOML = """\
baseURL = "https://site.example.org/"
title = "Mesures"
languageCode = "fr"
[pagination]
pagerSize = 50
[taxonomies]
category = "categories"
tag = "tags"
"""
_HUGO_BASE = """\
<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{{ .Title }}</title>
<link rel="canonical" href="{{ .Permalink }}"></head><body>
<nav>{{ range .Site.Taxonomies.categories }}<a href="{{ .Page.RelPermalink }}">{{ .Page.Title }}</a> {{ end }}</nav>
<main>{{ block "main" . }}{{ end }}</main></body></html>
"""
_HUGO_SINGLE = """\
{{ define "main" }}<h1>{{ .Title }}</h1><time>{{ .Date }}</time>{{ .Content }}
{{ range first 3 (.Site.RegularPages.Related .) }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>
<p>{{ .Params.summary }}</p>{{ end }}{{ end }}
"""
_HUGO_LIST = """\
{{ define "main" }}<h1>{{ .Title }}</h1>{{ range (.Paginate .RegularPagesRecursive).Pages }}
<h2><a href="{{ .RelPermalink }}">{{ .Title }}</a></h2><p>{{ .Params.summary }}</p>{{ end }}{{ end }}
"""
_PELICAN = """\
SITENAME = "Mesures"
SITEURL = "https://site.example.org"
AUTHOR = "Mesures"
DEFAULT_LANG = "fr"
TIMEZONE = "Europe/Paris"
DEFAULT_PAGINATION = 50
THEME = "simple"
FEED_ALL_RSS = "feed.xml"
"""


@dataclass(frozen=True)
class Text:
    """One post, before any program has its own form of it."""

    number: int
    title: str
    day: str
    category: str
    tags: tuple[str, ...]
    summary: str
    body: str


def texts(count: int) -> Iterator[Text]:
    """Invented posts, the same in every run."""
    rng = random.Random(7)

    def words(many: int) -> str:
        return " ".join(rng.choice(_WORDS) for _ in range(many)).capitalize()

    for number in range(count):
        parts = [f"{words(45)} **{words(3)}** [{words(2)}](https://exemple.example.org/{number}) {words(20)}."]
        for _ in range(4):
            items = "\n".join(f"- {words(5)}" for _ in range(3))
            parts += [f"## {words(3)}", f"{words(60)}.", items]
        body = "\n\n".join(parts)
        day = (NOW - timedelta(days=2 + number // 2)).date().isoformat()
        tags = tuple(sorted(rng.sample(_TAGS, 2)))
        yield Text(number, f"Article {number} {words(4)}", day, rng.choice(_CATEGORIES), tags, f"{words(14)}.", body)


def write_veille(root: Path, posts: list[Text]) -> None:
    """The newsroom."""
    for name in ("posts", "editions", "partners", "media"):
        (root / "content" / name).mkdir(parents=True)
    (root / "veille.toml").write_text(_TOML, encoding="utf-8")
    (root / "content/helplines.yaml").write_text("helplines: []\n", encoding="utf-8")
    for post in posts:
        (root / f"content/posts/article-{post.number}.md").write_text(_matter(post), encoding="utf-8")


def write_hugo(root: Path, posts: list[Text]) -> None:
    """The same posts with templates that show about as much: lists in pages, what to read next, RSS, a site map."""
    (root / "content/posts").mkdir(parents=True)
    layouts = root / "layouts/_default"
    layouts.mkdir(parents=True)
    (root / "hugo.toml").write_text(_HUGO_TOML, encoding="utf-8")
    for name, content in (("baseof", _HUGO_BASE), ("single", _HUGO_SINGLE), ("list", _HUGO_LIST)):
        (layouts / f"{name}.html").write_text(content, encoding="utf-8")
    for post in posts:
        (root / f"content/posts/article-{post.number}.md").write_text(_matter(post), encoding="utf-8")


def write_pelican(root: Path, posts: list[Text]) -> None:
    """The same posts with Pelican's own plain theme."""
    (root / "content").mkdir(parents=True)
    (root / "pelicanconf.py").write_text(_PELICAN, encoding="utf-8")
    for post in posts:
        head = f"Title: {post.title}\nDate: {post.day}\nCategory: {post.category}\nTags: {', '.join(post.tags)}\n"
        text = f"{head}Slug: article-{post.number}\nSummary: {post.summary}\n\n{post.body}\n"
        (root / f"content/article-{post.number}.md").write_text(text, encoding="utf-8")


def _matter(post: Text) -> str:
    tags = ", ".join(post.tags)
    head = f'title: "{post.title}"\ndate: {post.day}\nsummary: "{post.summary}"\ncategories: [{post.category}]'
    return f"---\n{head}\ntags: [{tags}]\n---\n\n{post.body}\n"


def build(root: Path) -> None:
    """Read the content and write the whole site, in this process."""
    from veille import config, library, shared_work
    from veille.publishing import Publication
    from veille.rendering import Templates, render_post
    from veille_publishers.files import lay
    from veille_publishers.registry import Context
    from veille_publishers.web import Web

    made = config.load(root, {})
    content = library.load(made)
    web = Web(Context(made, Templates(made), lambda: NOW, lambda: sys.exit("pages need no HTTP")))
    ready = shared_work.each(lambda post: web.render(render_post(post, content, made, now=NOW)), content.posts)
    standing = []
    for post, rendition in zip(content.posts, ready, strict=True):
        assert rendition is not None
        due = datetime.fromisoformat(rendition.payload["item"]["date"]).astimezone(UTC)
        standing.append(Publication(post.source, post.source, "web", "", post.title, post.slug, due, 1, rendition))
    lay(web.folder, web.pieces(standing), "web")


def run_preview(root: Path) -> None:
    """`veille preview`, as it runs in a terminal; ends with its input."""
    import threading

    from veille import config
    from veille_web.preview import Preview
    from veille_web.preview_server import show

    stop = threading.Event()

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise KeyboardInterrupt

    def listen() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=listen, daemon=True).start()

    def load() -> config.Config:
        return config.load(root, {})

    show(
        Preview(lambda: NOW),
        load(),
        load,
        started=lambda _url: print("started", flush=True),
        wait=wait,
        say=lambda error: print(error, file=sys.stderr),
    )


@contextmanager
def preview(root: Path) -> Iterator[None]:
    """A running preview of the newsroom, once it shows everything."""
    command = [sys.executable, "-m", "benchmarks.site", "preview", str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if process.stdout.readline() != b"started\n":
            raise RuntimeError("the preview did not start")
        yield
    finally:
        process.stdin.close()
        process.wait(timeout=PATIENCE)


def rebuild(root: Path, number: int, turn: int) -> float:
    """Seconds from saving a post, title and text changed, until its page and its list on the disk have the change."""
    sign = f"Changement{turn}x{number}"
    source = root / f"content/posts/article-{number}.md"
    text = source.read_text(encoding="utf-8").replace('title: "', f'title: "{sign} ', 1)
    site = root / "outbox/preview/site"
    start = time.perf_counter()
    source.write_text(f"{text}\n{sign}\n", encoding="utf-8")
    page, lists = site / f"posts/article-{number}/index.html", sorted((site / "posts").glob("*/index.html"))
    lists = [site / "posts/index.html", *(path for path in lists if path.parent.name.isdigit())]
    while sign not in page.read_text(encoding="utf-8") or not any(sign in p.read_text(encoding="utf-8") for p in lists):
        if time.perf_counter() - start > PATIENCE:
            raise RuntimeError("the preview did not build the change")
        time.sleep(0.005)
    return time.perf_counter() - start


def timed(command: list[str], root: Path, output: Path) -> float:
    """The wall time of a whole process that writes a site from nothing."""
    shutil.rmtree(output, ignore_errors=True)
    start = time.perf_counter()
    done = subprocess.run(command, check=False, cwd=root, env=environment(), capture_output=True, text=True)
    taken = time.perf_counter() - start
    pages = len(list(output.rglob("*.html")))
    if done.returncode or pages <= POSTS:
        raise RuntimeError(f"{command[0]}: exit {done.returncode}, {pages} pages\n{done.stdout}{done.stderr}")
    return taken


def builders(root: Path, posts: list[Text]) -> dict[str, Callable[[], float] | None]:
    """How each program builds the whole site; None: it is not here."""
    write_veille(root / "veille", posts)
    write_hugo(root / "hugo", posts)
    write_pelican(root / "pelican", posts)
    hugo, pelican = (os.environ.get(f"VEILLE_BENCH_{n.upper()}") or shutil.which(n) for n in ("hugo", "pelican"))
    ours = [sys.executable, "-m", "benchmarks.site", "build", str(root / "veille")]
    theirs = [str(pelican), "content", "-o", "output", "-s", "pelicanconf.py"]
    here = Path(__file__).parents[1]
    return {
        "veille": lambda: timed(ours, here, root / "veille/outbox/web"),
        "hugo": (lambda: timed([str(hugo)], root / "hugo", root / "hugo/public")) if hugo else None,
        "pelican": (lambda: timed(theirs, root / "pelican", root / "pelican/output")) if pelican else None,
    }


def measure() -> tuple[dict[str, float], float]:
    """The median of the whole build of each program that is here, and of one post rebuilt in a running preview."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        known = builders(root, list(texts(POSTS)))
        times: dict[str, list[float]] = {name: [] for name, run in known.items() if run}
        again: list[float] = []
        with preview(root / "veille"):
            for turn in range(ROUNDS):
                again += [rebuild(root / "veille", number, turn) for number in (3, POSTS // 2, POSTS - 3)]
        for _turn in range(ROUNDS):
            for name, run in known.items():
                if run:
                    times[name].append(run())
    return {name: statistics.median(taken) for name, taken in times.items()}, statistics.median(again)


def main() -> None:
    """Print the table."""
    whole, one = measure()
    print(f"{POSTS} posts of about {WORDS} words; seconds, the median of {ROUNDS} rounds")
    print(f"{'veille preview, one post saved':<32} {one:6.2f}")
    for name in ("veille", "hugo", "pelican"):
        taken = f"{whole[name]:6.2f}" if name in whole else "not here: see benchmarks/README.md"
        print(f"{f'{name}, the whole site':<32} {taken}")
    bars = {
        "one post, to Hugo's whole site": (one / whole["hugo"], 1.0) if "hugo" in whole else None,
        "one post, to Pelican's whole site": (one / whole["pelican"], 1.0) if "pelican" in whole else None,
        "the whole site, to Pelican's": (whole["veille"] / whole["pelican"], 1.0) if "pelican" in whole else None,
    }
    met = True
    for name, bar in bars.items():
        if bar:
            met &= bar[0] < bar[1]
            print(f"{name:<36} {bar[0]:6.2f}  < {bar[1]}  {'met' if bar[0] < bar[1] else 'NOT'}")
    if "hugo" in whole:
        print(f"{'the whole site, to Hugo’s':<36} {whole['veille'] / whole['hugo']:6.2f}")
    sys.exit(not met)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["build", where]:
            build(Path(where))
        case ["preview", where]:
            run_preview(Path(where))
        case _:
            main()
