"""How long `veille check` takes on 1,000 posts of about 400 words, without links, and where the time goes.

The bar is 10 s for the whole process (issue: nothing wrong leaves). Beside it stand: reading the same folder alone,
and, in a running `veille preview`, checking again after one post changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from veille import checks, config, library

ROOT = Path(__file__).parents[1]
NOW = "2026-11-25T09:00:00+01:00"
POSTS, WORDS, LIMIT = 1_000, 400, 10.0


def newsroom(root: Path) -> None:
    """The sample newsroom with `POSTS` posts: its own texts, put together to `WORDS` words each."""
    shutil.copytree(ROOT / "content", root / "content")
    shutil.copy(ROOT / "veille.toml", root)
    files = sorted((root / "content/posts").glob("*.md"))
    bodies = [file.read_text(encoding="utf-8").split("---\n", 2)[2].strip() for file in files]
    for number in range(POSTS):
        text, turn = bodies[number % len(bodies)], number
        while len(text.split()) < WORDS:
            turn += 1
            text += f"\n\n{bodies[turn % len(bodies)]}"
        head = f'---\ntitle: "Article numéro {number}"\ndate: 2026-11-20\nsummary: "Un article parmi mille."\n---\n\n'
        path = root / f"content/posts/2026-11-20-article-{number}.md"
        path.write_text(f"{head}Article {number}.\n\n{text}\n", encoding="utf-8")


def whole(root: Path) -> float:
    """The wall time of `veille check` as a person waits for it, in seconds."""
    command = [str(Path(sys.executable).parent / "veille"), "-C", str(root), "check", "--json"]
    start = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env={**os.environ, "VEILLE_NOW": NOW})
    return time.perf_counter() - start


def parts(root: Path) -> dict[str, float]:
    """Seconds of reading, of each check, and of checking again after one change."""
    made, now = config.load(root, {}), datetime.fromisoformat(NOW).astimezone(UTC)
    start = time.perf_counter()
    content = library.load(made)
    times = {"reading": time.perf_counter() - start}
    context = checks.Context(content, made, now)
    subjects = list(checks.subjects(content, made))
    start = time.perf_counter()
    pieces = sum(len(subject.texts) + len(subject.links) for subject in subjects)
    assert pieces > POSTS
    times["taking texts apart"] = time.perf_counter() - start
    for check in checks.CHECKS:
        name = next((look.__module__ for look in (check.each, check.whole) if look), "")
        start = time.perf_counter()
        if check.each:
            for subject in subjects:
                list(check.each(subject, context))
        if check.whole:
            list(check.whole(context))
        times[name] = times.get(name, 0.0) + time.perf_counter() - start
    checker = checks.Checker()
    checker.run(content, made, now)
    post = root / "content/posts/2026-11-20-article-7.md"
    post.write_text(post.read_text(encoding="utf-8") + "\nUne ligne de plus.\n", encoding="utf-8")
    content = library.load(made)
    start = time.perf_counter()
    checker.run(content, made, now)
    times["again after one change, without reading"] = time.perf_counter() - start
    return times


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        newsroom(root)
        seconds = min(whole(root) for _ in range(2))
        times = Counter(parts(root))
    label = f"veille check, {POSTS} posts of {WORDS} words"
    print(f"{label:<50} {seconds:6.2f} s  (at most {LIMIT})")
    for name, taken in times.most_common():
        print(f"  {name:<48} {taken:6.2f} s")
    sys.exit(seconds > LIMIT)


if __name__ == "__main__":
    main()
