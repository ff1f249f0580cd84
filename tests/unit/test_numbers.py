"""Every number of a text is found and judged; dates, prices and addresses are left alone."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.ledger import NOW
from tests.support.numbers_room import DATA, look, numbers_room
from veille import library
from veille.checks.numbers import find
from veille.checks.numbers.denied import lists
from veille.checks.numbers.finder import canonical
from veille.config import Config
from veille.library import Library

CASES: list[dict[str, Any]] = tomllib.loads((DATA / "cases.toml").read_text(encoding="utf-8"))["case"]
PLAIN = [(DATA / "ordinary_numbers.txt").read_text("utf-8"), (DATA.parent / "ordinary.txt").read_text("utf-8")]
ORDINARY = [p.strip() for text in PLAIN for p in text.split("\n\n") if p.strip()]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return numbers_room(tmp_path_factory.mktemp("room"))


@pytest.fixture(scope="module")
def room(config: Config) -> Library:
    found = library.load(config)
    assert found.findings == ()
    return found


def test_the_table_is_large() -> None:
    assert len(CASES) >= 120
    assert len(ORDINARY) >= 200
    assert sum(not case["codes"] for case in CASES) >= 30


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["text"])[:40])
def test_case(config: Config, room: Library, case: dict[str, Any]) -> None:
    found = look(config, room, case["text"])
    assert [finding.code for finding in found] == case["codes"], [str(f) for f in found]
    said = " ".join(f"{finding.message} {finding.hint}" for finding in found)
    assert [words for words in case.get("says", ()) if words not in said] == []
    assert case.get("hint", "") in said


NAMED = [p.strip() for p in (DATA / "named.txt").read_text("utf-8").split("\n\n")]


@pytest.mark.parametrize("body", NAMED, ids=lambda body: str(body)[:30])
def test_numbers_under_their_own_names_are_right(config: Config, room: Library, body: str) -> None:
    assert {finding.code for finding in look(config, room, body)} == {"number-retyped"}


@pytest.mark.parametrize(
    ("name", "fine", "wrong"),
    [
        ("Commissariat de Bagneux", "Commissariat de police : ", "Pompiers : "),
        ("Gendarmerie de Sceaux", "Gendarmerie : ", "SAMU : "),
        ("Caserne de Montrouge", "Les pompiers (", "La police ("),
        ("France Victimes 92", "France Victimes : ", "Violences Femmes Info : "),
    ],
)
def test_a_house_of_a_service_has_a_number_of_its_own(
    config: Config, room: Library, name: str, fine: str, wrong: str
) -> None:
    house = replace(room.partners["ccas-bagneux"], id="house", name=name, phone="+33199001017", sms="")
    known = replace(room, partners={"house": house})
    for written in ("01 99 00 10 17", "{{ partner: house }}"):
        assert "number-mistaken" not in {finding.code for finding in look(config, known, f"{fine}{written}")}
        assert "number-mistaken" in {finding.code for finding in look(config, known, f"{wrong}{written}")}


def test_ordinary_french_with_numbers_is_left_alone(config: Config, room: Library) -> None:
    body = "\n\n".join(ORDINARY)
    assert [f"{f.code}: {f.excerpt}" for f in look(config, room, body)] == []


def test_a_finding_has_its_place_and_says_what_to_do(config: Config, room: Library) -> None:
    (finding,) = look(config, room, "Bonjour.\n\nLe numéro vert répond au 0800 300 30, toujours.")
    assert finding.where == "content/posts/x.md:7:26"
    assert finding.message.startswith("“0800 300 30” has 9 digits; French numbers have 10. It is the Belgian line")
    assert finding.hint == "write {{ helpline: 3919 }}"
    assert "répond au 0800 300 30" in finding.excerpt


def test_the_front_matter_is_looked_at(config: Config, room: Library) -> None:
    front = "title: Appelle le 3020\nfacebook: {text: Appelle le 39 19}\nsummary: 0800 300 30"
    found = look(config, room, "Bonjour.", front)
    assert [(f.code, f.field) for f in found] == [("number-denied", "title"), ("number-foreign", "summary")]


def test_how_grave_it_is(config: Config, room: Library) -> None:
    graveness = {
        "Le club : 01 47 29 36 69.": [("number-unlisted", "warning")],
        "Le club : O1 47 29 36 69.": [("number-unlisted", "warning"), ("number-format", "error")],
    }
    for body, expected in graveness.items():
        assert [(f.code, f.severity.value) for f in look(config, room, body)] == expected
    (finding,) = look(config, room, "Le club : 01 47 29 36 69.", "title: Bonjour\nsensitive: true")
    assert (finding.code, finding.severity.value) == ("number-unlisted", "error"), "a sensitive post is about help"


# What may be anything ----

WRONG = ["080030030", "0800200000", "0800202223", "0884284637", "0808807700"]
SEPARATORS = st.sampled_from(["", " ", "\u00a0", "\u202f", ".", "-", "/", " - ", "\n", " / ", "\u2011", "·", "\u200b"])


@st.composite
def dressed(draw: st.DrawFn, digits: str) -> str:
    """The digits with anything between them, zeros and ones as letters now and then."""
    parts = [digits[0]]
    for digit in digits[1:]:
        parts.append(draw(SEPARATORS) + digit)
    return "".join(parts)


@settings(max_examples=120)
@given(st.data())
def test_a_wrong_number_is_found_in_any_dress(data: st.DataObject) -> None:
    digits = data.draw(st.sampled_from(WRONG))
    written = data.draw(dressed(digits))
    before, after = data.draw(st.sampled_from([("Le ", "."), ("Tél : ", " merci"), ("(", ")"), ("au ", "\net")]))
    found = find(f"{before}{written}{after}", frozenset(lists().denied))
    assert [number.digits for number in found] == [digits]
    assert found[0].start == len(before)
    assert found[0].end == len(before) + len(written)


@settings(max_examples=60)
@given(st.permutations([" ", ".", "-", "\u00a0"]))
def test_separators_make_no_difference(separators: list[str]) -> None:
    pairs = ["01", "47", "29", "36", "69"]
    written = pairs[0] + "".join(gap + pair for gap, pair in zip(separators, pairs[1:], strict=True))
    assert [number.digits for number in find(f"Tél. {written} !")] == ["0147293669"]


_SIGNS = st.text(alphabet="0123456789 .-/+()OolI\n,hx€", max_size=20)
_NUMBERS = st.sampled_from(["01 47 29 36 69", "+33 (0)6 39 98 10 11", "0800\n202 223", "39 19", "O1.47.29.36.69"])


@settings(max_examples=60)
@example(["Tél.", "01 47 29 36 69", "ou", "39 19"], " ")
@given(st.lists(_SIGNS | _NUMBERS, max_size=6), st.sampled_from([" ", ", ", "\n", ""]))
def test_nothing_breaks_it_and_offsets_hold(pieces: list[str], between: str) -> None:
    text = between.join(pieces)
    for number in find(text, frozenset(lists().denied)):
        assert 0 <= number.start < number.end <= len(text)
        assert number.written == " ".join(text[number.start : number.end].split())


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("+33 (0)1 99 00 12 34", "0199001234"),
        ("0033 1 99 00 12 34", "0199001234"),
        ("0032 800 30 030", "+3280030030"),
        ("39 19", "3919"),
        ("", ""),
    ],
)
def test_one_form_for_comparing(written: str, digits: str) -> None:
    assert canonical(written) == digits


def test_every_denied_number_has_a_sentence_and_a_source() -> None:
    for denied in lists().denied.values():
        assert denied.why.endswith((".", ".”"))
        assert denied.source
        assert denied.sure or not denied.instead


# The day on which it is shown ----


def test_a_record_grows_old(config: Config, room: Library) -> None:
    later = NOW.replace(year=NOW.year + 1)
    codes = [(f.code, f.severity.value) for f in look(config, room, "Appelle le 39 19.", now=later)]
    assert ("number-record-old", "error") in codes
    codes = [(f.code, f.severity.value) for f in look(config, room, "{{ helpline: 3919 }}", now=later)]
    assert codes == [("number-record-old", "error")]
    (finding,) = look(config, room, "Bonjour.", "title: a\nhelplines: [3919]", now=later)
    assert (finding.code, finding.field) == ("number-record-old", "helplines")
    ago = f"title: a\ndate: {(later - timedelta(days=60)).date()}"
    assert look(config, room, "{{ helpline: 3919 }}", ago, now=later) == []  # it left long ago


def test_it_is_the_day_of_showing_that_counts(config: Config, room: Library) -> None:
    front = f"title: a\npublishDate: {date(2027, 6, 1)}"
    assert [f.code for f in look(config, room, "{{ helpline: 3919 }}", front)] == ["number-record-old"]


DISGUISED = (
    *("٠٨٠٠ ٣٠٠ ٣٠", "०८०० ३०० ३०", "⁰⁸⁰⁰ ³⁰⁰ ³⁰", "₀₈₀₀ ₃₀₀ ₃₀", "⓪⑧⓪⓪ ③⓪⓪ ③⓪", "𝟘𝟠𝟘𝟘 𝟛𝟘𝟘 𝟛𝟘", "０８００ ３００ ３０"),
    *("0️⃣8️⃣0️⃣0️⃣ 3️⃣0️⃣0️⃣ 3️⃣0️⃣", "0️⃣ 8️⃣ 0️⃣ 0️⃣ 3️⃣ 0️⃣ 0️⃣ 3️⃣ 0️⃣", "0800\u200e300\u200e30", "08\u034f00 300 30"),
    *("0800’300’30", "[0800] 300 30", "~~0800~~ 300 30", "0800*300*30", "0800 \u2062300 30", "0800 : 300 : 30"),
    *(
        "0800;300;30",
        "0800,300, 30",
        "0800📞300📞30",
        "0800 → 300 → 30",
        "0800     300 30",
        "#080030030",
        "#0800 300 30",
    ),
)


@pytest.mark.parametrize("written", DISGUISED)
@pytest.mark.parametrize("sentence", ["Appelle le {}.", "Écoute : {}"])
def test_no_disguise_hides_a_wrong_number(written: str, sentence: str) -> None:
    found = find(sentence.format(written), frozenset(lists().denied))
    assert [number.digits for number in found] == ["080030030"]


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("Tél0800 300 30", "080030030"),
        ("au0800300300", "0800300300"),
        ("tel01 99 00 12 34", "0199001234"),
        ("#appelle0800202223", "0800202223"),
        ("le 3919² répond", "3919"),
        ("le 3️⃣9️⃣2️⃣0️⃣", "3920"),
    ],
)
def test_a_number_that_is_stuck_to_something(written: str, digits: str) -> None:
    found = find(f"Appelle {written}.", frozenset({*lists().denied, "3919"}))
    assert [number.digits for number in found] == [digits]


@pytest.mark.parametrize(
    "text",
    [
        "Un local de 12 m² et une cour de 80 m², soit 92 m² !",
        "La salle B012 et la route D906 sont fermées.",
        "Les départements 75, 92, 93 et 94 ; les lots n° 08, 09, 10, 11 et 12.",
        "Ouvert de 08:00 à 12:00 et de 14:00 à 18:00.",
        "Le score : 3’10, puis 4’25 et 12’.",
        "#Bagneux2026 #Été2027 @ville92220",
        "Le reste de l’histoire¹ est sur le site².",
    ],
)
def test_what_only_looks_disguised_is_left_alone(text: str) -> None:
    assert find(text, frozenset(lists().denied)) == []


def test_a_chat_link_dials(config: Config, room: Library) -> None:
    found = look(config, room, "Victime ? Écris-nous sur [WhatsApp](https://wa.me/33612345678).")
    assert [(f.code, f.severity.value) for f in found] == [("number-mobile", "error")]


@pytest.mark.parametrize(
    "text",
    [
        *("Tél. : 3920", "Contact : 3920", "☎ 3920", "📞 3920", "Le 3920 répond jour et nuit.", "Harcèlement ? 3019 !"),
        *("3920, c’est le numéro contre les violences", "Appelle le 17, compose le 51.", "Samu : 51", "Le SAMU au 51"),
        *("Appelle le 3 9 2 0.", "Appelle le 392 0.", "Appelle le 3 920.", "Appelle le 3919 ou 3920."),
        *("Llama al 3920", "Zadzwoń pod 3920", "اتصل بالرقم 3920", "Emergency: 999", "Harcèlement ? 3020 !"),
    ],
)
def test_a_short_number_that_nobody_verified_is_an_error(config: Config, room: Library, text: str) -> None:
    assert "error" in {f.severity.value for f in look(config, room, text)}


def test_what_short_numbers_look_like_and_are_not(config: Config, room: Library) -> None:
    text = (
        "Les pompiers du 81 et le Samu 51 ont défilé. Contact : salle 3920. La rue compte 3100 habitants. "
        "Tél. du bureau 3014. Le score est de 71 à 51. Appelle avant le 19. Numéro de dossard : 119. "
        "L’avenue est fermée entre le 112 et le 118. Le bus 3920 répond à un besoin."
    )
    assert look(config, room, text) == []


@pytest.mark.parametrize(
    "text", ["Envoie un SMS au 39 19.", "Écris au 39 19 par SMS.", "Un texto au {{ helpline: 3919 }}"]
)
def test_a_line_that_takes_no_text_messages(config: Config, room: Library, text: str) -> None:
    assert ("number-label", "error") in {(f.code, f.severity.value) for f in look(config, room, text)}
