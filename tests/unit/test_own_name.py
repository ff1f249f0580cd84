"""Our own name and accounts with a slip: found, and let pass where the account is really called so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, library
from veille import config as settings
from veille.errors import Severity

BRAND = '[brand]\nname = "Kess Kis Pass"\n'


def found(root: Path, body: str, toml: str = BRAND) -> list[str]:
    newsroom(root)
    (root / "veille.toml").write_text(toml, encoding="utf-8")
    config = settings.load(root, {})
    write(root, "title: Bonjour", body)
    told = [f for f in checks.run(library.load(config), config, NOW) if f.code == "own-name"]
    assert {f.severity for f in told} <= {Severity.WARNING}
    return [f.message for f in told]


@pytest.mark.parametrize(
    "body",
    [
        "Rejoins Kess Kiss Pass !",
        "La lettre de Kes Kis Pass",
        "Instagram : @kess_kiss_pass_92",
        "[Notre compte Instagram](https://www.instagram.com/kess_kiss_pass_92/)",
        "[Notre page](https://facebook.com/kesskisspas)",
        "<https://www.instagram.com/kess_kiss_pass_92/>",
        "Instagram : https://www.instagram.com/kess_kiss_pass_92/",
    ],
)
def test_a_slip_in_our_name(tmp_path: Path, body: str) -> None:
    (message,) = found(tmp_path, body)
    assert "Kess Kis Pass" in message


@pytest.mark.parametrize(
    "body",
    [
        "Kess Kis Pass, KESS KIS PASS, kess-kis-pass, #KessKisPass, @kesskispass.92, @kess_kis_pass",
        "[Le compte](https://www.instagram.com/kess.kis.pass_92/) et [la ville](https://www.instagram.com/bagneux92/)",
        "Qu’est-ce qui se passe ? Le pass Navigo, le passage, kess tu fais.",
        "Écris à redaction@kesskispasse.example.org.",
    ],
)
def test_our_name_as_it_is_and_others(tmp_path: Path, body: str) -> None:
    assert found(tmp_path, body) == []


def test_a_name_that_begins_with_an_article(tmp_path: Path) -> None:
    ours = '[brand]\nname = "L’Actu de Bagneux"\n'
    body = "L’Actu de Bagneux et toi. L'Actu de Bagneux a un an. L’Actu de Bagnieux aussi."
    assert found(tmp_path, body, ours) == ["“L’Actu de Bagnieux” is nearly our name, L’Actu de Bagneux"]


def test_an_account_that_is_called_so(tmp_path: Path) -> None:
    ours = BRAND + '[checks]\nhandles = ["@kess_kiss_pass_92"]\n'
    body = "Suis @kess_kiss_pass_92, ou [Instagram](https://instagram.com/Kess_Kiss_Pass_92). Kess Kis Pass"
    assert found(tmp_path, body, ours) == []
    (message,) = found(tmp_path / "other", "Suis @kess_kis_pass_92.", ours)
    assert "kess_kiss_pass_92" in message
