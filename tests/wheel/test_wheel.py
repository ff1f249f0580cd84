"""The wheel alone, in a clean environment, makes a newsroom and publishes it. No index is asked."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOTS = {"veille", "veille_publishers", "veille_web", "veille_cli"}


def run(command: Sequence[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("VEILLE_", "PYTHON"))}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run([*build, "--wheel-dir", folder, ROOT], folder)
    return next(folder.glob("veille-*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_four_packages_and_their_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == ROOTS
    for needed in (
        "veille/outbox/database.py",
        "veille/outbox/migrations/versions/v0001_first.py",
        "veille/locale/fr/LC_MESSAGES/veille.mo",
        "veille/_templates/newsletter/letter.mjml.j2",
        "veille/_templates/web/site.css.j2",
        "veille/_templates/web/lexend.woff2",
        "veille/_templates/cards/Lexend-Bold.ttf",
        "veille/_templates/cards/OFL.txt",
        "veille/_sample/veille.toml",
        "veille/_sample/content/helplines.yaml",
        "veille/_sample/subscribers.example.csv",
    ):
        assert needed in names
    assert not [name for name in names if name.endswith((".pyc", ".sqlite3", "secret.key"))]


@pytest.mark.slow
def test_a_new_newsroom_publishes_on_all_five_channels(wheel: Path, tmp_path: Path) -> None:
    run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    site = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], tmp_path).stdout.strip())
    install: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        wheel,
    ]
    run(install, tmp_path)
    # The dependencies of this environment, behind the wheel's own packages; its editable install stays out.
    (site / "zz-dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = run([python, "-c", "import veille, veille_cli; print(veille.__file__, veille_cli.__file__)"], tmp_path)
    assert str(ROOT) not in where.stdout.replace(str(site), "")

    veille = tmp_path / "venv" / "bin" / "veille"
    run([veille, "init", "demo"], tmp_path)
    demo = tmp_path / "demo"
    run([veille, "subscribers", "import", "subscribers.example.csv"], demo)
    run([veille, "publish"], demo)
    status = run([veille, "run", "--once"], demo)
    assert "envoy" in status.stdout  # the French catalogue is in the wheel
    outbox = demo / "outbox"
    assert (outbox / "web" / "index.html").is_file()
    assert (outbox / "web" / "feed.xml").is_file()
    for folder in ("newsletter", "facebook", "instagram"):
        assert list((outbox / folder).iterdir())
