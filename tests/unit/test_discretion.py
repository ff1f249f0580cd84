"""What shows on a locked screen tells nothing of a sensitive post."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from tests.unit.test_segments import gathered, one, payload_of, reader
from veille import checks, config, library
from veille.discretion import telling_word
from veille.errors import Finding, Severity
from veille.posts import NewsletterOptions
from veille_publishers.letter import letter_of_variant, variant


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("VIOLENCES : que faire ?", "VIOLENCES"),
        ("Stop au harcelement", "harcelement"),
        ("Parler de l’abus", "abus"),
        ("Contraception, IVG : tes droits", "Contraception"),
        ("SIDA et vih", "SIDA"),
        ("Des comportements violents", "violents"),
        ("Une conduite addictive", "addictive"),
        ("Pris pour taper : des coups", "coups"),
        ("Un coup de poing", "coup"),
        ("Pregnant? Abused?", "Pregnant"),
        ("Le 3919 t’écoute", "3919"),
        ("On t’écoute au 39\u00a019", "39 19"),
        ("Le 119, jour et nuit", "119"),
        ("3 919 visiteurs, 119 jouets, 3114 places et 31 14 euros", ""),
        ("Un coup de main et un coup d’œil", ""),
        ("Tout à coup, un coup de pouce", ""),
        ("La violette et le violon, en aide", ""),
        ("First aid at school", ""),
        ("Trois balades, un vélo à 20 euros", ""),
        ("", ""),
    ],
)
def test_words_that_tell(text: str, found: str) -> None:
    assert telling_word(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Un refuge pour la nuit", "refuge"),
        ("Les REFUGES de Bagneux", "REFUGES"),
        ("Quand ? Samedi à Bagneux", ""),
        ("Un réfugié raconte", ""),
        ("Pour toi, avec Kess", ""),
    ],
)
def test_words_of_a_sensitive_title_tell_but_for_common_ones_and_towns(text: str, found: str) -> None:
    assert telling_word(text, ["Quand partir : un refuge pour toi à Bagneux, avec Kess"], ["Bagneux", "Kess"]) == found


# what people wrote


def _findings(root: Path, extra: str = "") -> list[Finding]:
    (root / "veille.toml").write_text((root / "veille.toml").read_text(encoding="utf-8") + extra, encoding="utf-8")
    made = config.load(root, {})
    return [finding for finding in checks.run(library.load(made), made, NOW) if finding.code == "not-discreet"]


def _sensitive(root: Path, front: str = "", title: str = "Un refuge pour partir") -> None:
    write(root, f"title: {title}\nsensitive: true\n{front}", name="posts/aide.md")
    write(root, "title: Des vélos", name="posts/velos.md")


def _brief(findings: list[Finding]) -> list[tuple[str, str | None, Severity]]:
    return [(finding.where, finding.field, finding.severity) for finding in findings]


ERROR, WARNING = Severity.ERROR, Severity.WARNING


def test_an_edition_may_not_tell_in_subject_preheader_or_title(tmp_path: Path) -> None:
    newsroom(tmp_path)
    _sensitive(tmp_path)
    front = "title: Le refuge\nposts: [aide, velos]\nnewsletter:\n  subject: Un viol\n  preheader: Le refuge"
    write(tmp_path, front, name="editions/n.md")
    write(tmp_path, "title: Les refuges\nposts: [velos, aide]", name="editions/o.md")
    write(tmp_path, "title: Les refuges et le viol\nposts: [velos]", name="editions/p.md")
    found = _findings(tmp_path)
    assert _brief(found) == [
        ("content/editions/n.md:5", "newsletter.subject", ERROR),
        ("content/editions/n.md:6", "newsletter.preheader", ERROR),
        ("content/editions/o.md:2", "title", ERROR),
    ]
    assert "“viol”" in found[0].message
    assert "content/posts/aide.md" in str(found[0].hint)
    assert "allow: {not-discreet" in str(found[0].hint)


def test_the_sensitive_post_can_allow_it(tmp_path: Path) -> None:
    newsroom(tmp_path)
    _sensitive(tmp_path, "allow: {not-discreet: 'titre neutre'}\nnewsletter: {subject: Un refuge}")
    write(tmp_path, "title: Le refuge\nposts: [aide, velos]", name="editions/n.md")
    assert _findings(tmp_path, '[newsletter]\nfrom = "Stop Violences <a@example.org>"\n') == []


def test_address_title_and_picture_of_a_sensitive_post_are_neutral(tmp_path: Path) -> None:
    made = newsroom(tmp_path)
    (tmp_path / "content/media/repas.jpg").rename(tmp_path / "content/media/femme_battue.jpg")
    front = "title: Une gifle\nimage: {src: femme_battue.jpg, decorative: true}"
    write(tmp_path, f"{front}\nsensitive: true", name="posts/harcelement-que-faire.md")
    write(tmp_path, front, name="posts/violences.md")
    ours = ("slug-not-discreet", "title-not-discreet", "picture-not-discreet")
    found = [f for f in checks.run(library.load(made), made, NOW) if f.code in ours]
    file = "content/posts/harcelement-que-faire.md"
    assert sorted((f.where, f.code, f.severity) for f in found) == [
        (file, "slug-not-discreet", ERROR),
        (f"{file}:2", "title-not-discreet", WARNING),
        (f"{file}:3", "picture-not-discreet", WARNING),
    ]


def test_a_sensitive_post_may_not_tell_in_its_own_words_for_the_letter(tmp_path: Path) -> None:
    newsroom(tmp_path)
    _sensitive(tmp_path, "newsletter:\n  subject: Partir\n  preheader: Quelqu’un te frappe ?")
    assert _brief(_findings(tmp_path)) == [
        ("content/posts/aide.md:5", "newsletter.subject", ERROR),
        ("content/posts/aide.md:6", "newsletter.preheader", ERROR),
    ]


def test_a_preheader_of_another_post_is_left_out_and_its_author_told(tmp_path: Path) -> None:
    newsroom(tmp_path)
    _sensitive(tmp_path)
    write(tmp_path, "title: b\nnewsletter: {preheader: Pas loin du refuge}", name="posts/b.md")
    write(tmp_path, "title: La lettre\nposts: [b, aide]", name="editions/n.md")
    assert _brief(_findings(tmp_path)) == [("content/posts/b.md:3", "newsletter.preheader", WARNING)]


@pytest.mark.parametrize(("sender", "count"), [("Stop Violences <a@example.org>", 1), ("Kess <a@example.org>", 0)])
def test_the_sender_is_neutral_once_there_is_a_sensitive_post(tmp_path: Path, sender: str, count: int) -> None:
    newsroom(tmp_path)
    write(tmp_path, "title: Des vélos", name="posts/velos.md")
    assert _findings(tmp_path, f'[newsletter]\nfrom = "{sender}"\n') == []
    _sensitive(tmp_path)
    found = _findings(tmp_path)
    assert _brief(found) == [("veille.toml", "newsletter.from", WARNING)] * count


# what nobody wrote


def test_defaults_never_tell(tmp_path: Path) -> None:
    """Headlines beside a sensitive post that give it away are passed over; without it they may lead."""
    sensitive = one("a", ("bagneux",), sensitive=True, title="Un refuge")
    beside = (
        one("b", title="La marche contre les violences", newsletter=NewsletterOptions(preheader="Les refuges ouvrent")),
        one("c", title="Les refuges de la ville"),
        one("d", title="Des vélos"),
        one("e", title="Des jeux"),
    )
    made = gathered(tmp_path, sensitive, *beside)
    assert (made.subject, made.preheader) == ("Des vélos", "Des jeux")
    payload = payload_of(tmp_path, made)
    here = letter_of_variant(payload, variant(payload, reader("bagneux")))
    assert (here.subject, here.preheader) == ("Des vélos", "Des jeux")
    elsewhere = letter_of_variant(payload, variant(payload, reader("fontenay")))
    assert (elsewhere.subject, elsewhere.preheader) == ("La marche contre les violences", "Les refuges ouvrent")
    alone = gathered(tmp_path, sensitive, beside[0])
    assert (alone.subject, alone.preheader) == ("Lettre", "Lettre")
