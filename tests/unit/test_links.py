"""Web and mail addresses, without opening one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, config, library
from veille.checks.links import CHECK
from veille.checks.links.detours import Detour, detour_of
from veille.checks.links.web import tracking, untracked
from veille.checks.rules import Context
from veille.checks.subjects import Link
from veille.config import Config
from veille.errors import Finding, Severity
from veille.linking import Answer, Outcome
from veille.linking.verdicts import verdicts

OURS = {rule.code for rule in CHECK.rules}
URL = "https://www.exemple.fr/page"


@pytest.fixture
def room(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def found(room: Config, body: str = "Bonjour.", front: str = "title: a") -> list[Finding]:
    write(room.root, front, body, "posts/a.md")
    return [f for f in checks.run(library.load(room), room, NOW) if f.code in OURS]


def codes(room: Config, body: str = "Bonjour.", front: str = "title: a") -> list[str]:
    return [finding.code for finding in found(room, body, front)]


BROKEN = {
    "the seed": "sur https://www.hauts-de-seine.fr/toutes-les-\nactualites/detail/que-faire-face-aux-violences",
    "on one line": "sur https://www.exemple.fr/toutes-les- actualites/detail",
    "behind a slash": "sur https://www.exemple.fr/\nactualites/detail/que-faire",
    "before a slash": "sur https://www.exemple.fr\n/actualites/detail",
    "in the query": "sur https://www.exemple.fr/?page=\n12",
    "www and a space": "sur www. exemple.fr",
    "before the ending": "sur www.exemple .fr et ailleurs",
    "after https": "sur https: //www.exemple.fr/page",
    "after the slashes": "sur https:// www.exemple.fr/page",
    "one slash": "sur https:/www.exemple.fr/page",
    "no colon": "sur https//www.exemple.fr/page",
    "a slip": "sur htpps://www.exemple.fr/page",
    "twice": "[Le programme](https://https://www.exemple.fr)",
    "a space at the end": "[Le programme](https://www.exemple.fr/page%20)",
    "a comma for a stop": "[Le programme](https://www.exemple,fr/page)",
    "two stops": "[Le programme](https://www..exemple.fr/page)",
    "in a caption": "",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_broken_web_addresses(room: Config, body: str) -> None:
    front = "title: a" if body else "title: a\ninstagram: {caption: 'voir www. exemple.fr'}"
    findings = found(room, body or "Bonjour.", front)
    assert [f.code for f in findings if f.code not in ("url-bare", "http-link")] == ["url-broken"]
    assert len(findings) == 1


def test_the_broken_address_of_a_source_document_is_put_together(room: Config) -> None:
    body = "Tous les contacts utiles sont à retrouver sur https://www.hauts-de-seine.fr/toutes-les-\n"
    (finding,) = found(
        room, body + "actualites/detail/que-faire-face-aux-violences-intrafamiliales-pendant-confinement"
    )
    assert (finding.line, finding.column, finding.severity) == (5, 47, Severity.ERROR)
    assert "<https://www.hauts-de-seine.fr/toutes-les-actualites/detail/que-faire-face" in str(finding.hint)


def test_a_broken_address_is_put_together_without_what_closes_its_brackets(room: Config) -> None:
    (finding,) = found(room, "Voir [la page](https://www.exemple.fr/toutes-les-\nactualites/aide/).")
    assert "<https://www.exemple.fr/toutes-les-actualites/aide/>" in str(finding.hint)


SOUND = {
    "link": f"Lis [le programme de décembre]({URL}).",
    "autolink": f"Tout est sur <{URL}>.",
    "autolink before a line break": f"Tout est sur <{URL}/>\nactualites/detail/que-faire ne compte pas",
    "words with a stop": f"[Le site de la mairie (service-public.fr)]({URL})",
    "the address as words": "[www.exemple.fr](https://www.exemple.fr/page)",
    "an accent in its name": "[Le site de l'été](https://été.exemple.fr:8443/page)",
    "a shown home page": "[exemple.fr](https://lettre.exemple.fr/page)",
    "an account": "Suis @kess_kiss_pass et @bagneux.jeunes sur Instagram",
    "at a time": "Rendez-vous @ 18 h",
    "mail link": "[Écrire à l'atelier](mailto:redaction@ville.fr)",
    "mail autolink": "Écris à <redaction@ville.fr>.",
    "phone": "[Appelle-nous](tel:+33199001234)",
    "two links to one page": f"[Le programme]({URL}) et encore [le programme]({URL}/)",
    "brackets": "Le prix (à payer) est de 3 euros (a) ou (at) rien.",
    "inclusive": "Tou·te·s, et/ou tod@s",
    "no mark": f"[Le film de la sortie]({URL}?id=3&page=2&reference=5)",
    "the article": f"[Lire l'article sur l'observatoire]({URL})",
    "example": "[Le site de l'association](https://association.example.org/x)",
    "a page of ours": "[Le repas](/posts/a/), [l'accueil](/), [le fil](/feed.xml)",
    "words with http": "Le protocole http et la norme https ne disent rien.",
    "a sentence behind": f"Voir <{URL}> - peut-être.",
}


@pytest.mark.parametrize("body", SOUND.values(), ids=SOUND)
def test_no_false_alarm(room: Config, body: str) -> None:
    (room.root / "veille.toml").write_text(
        '[newsletter]\nfrom = "Lettre <lettre@ville.fr>"\nreply_to = "redaction@ville.fr"'
    )
    assert codes(config.load(room.root, {}), body) == []


def test_addresses_that_nobody_can_click_on(room: Config) -> None:
    (finding,) = found(room, ["Tout est sur https://www.exemple.fr/page", " (voir www.exemple.fr/a_(b)).\n"][0])
    assert (finding.code, finding.line, finding.column) == ("url-bare", 5, 14)
    assert f"<{URL}>" in str(finding.hint)
    (finding,) = found(room, "Tout est là (www.exemple.fr/a_(b)).")
    assert "<https://www.exemple.fr/a_(b)>" in str(finding.hint)
    assert codes(room, front=f"title: a\nfacebook: {{text: 'Tout est sur {URL}'}}") == []
    assert codes(room, "Écris à contact@ville.fr.") == ["url-bare", "mail-unrecorded"]


def test_typed_before_a_sentence_is_not_broken(room: Config) -> None:
    for ending in ("/\nrendez-vous mardi", "/ et/ou par téléphone", "/ - une page", "\nOn y va", "/\nLa suite demain"):
        assert codes(room, f"Tout est sur https://www.exemple.fr{ending}") == ["url-bare"], ending


@pytest.mark.parametrize(
    "words",
    [
        "ici",
        "Cliquez ici",
        "« lire la suite »",
        "En savoir plus…",
        "En savoir plus >",
        "> Lien",
        "ce lien",
        "**ICI**",
        "→",
    ],
)
def test_words_that_say_nothing(room: Config, words: str) -> None:
    (finding,) = found(room, f"Pour t'inscrire, [{words}]({URL}).")
    assert (finding.code, finding.severity) == ("link-words", Severity.WARNING)


def test_a_link_without_words_is_an_error(room: Config) -> None:
    (finding,) = found(room, f"Un lien : []({URL}).")
    assert (finding.code, finding.severity) == ("link-words", Severity.ERROR)


def test_the_same_words_to_two_pages(room: Config) -> None:
    (finding,) = found(room, f"[Le programme]({URL}/1)\n\n[le programme]({URL}/2)")
    assert (finding.code, finding.line) == ("link-twins", 7)


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        (f"{URL}?utm_source=lettre&utm_medium=mail", URL),
        (f"{URL}?id=3&fbclid=IwAR0", f"{URL}?id=3"),
        (f"{URL}?GCLID=1#haut", f"{URL}#haut"),
        (f"{URL}#xtor=EPR-12", URL),
        (f"{URL}?mc_cid=1&mc_eid=2&_hsenc=3&igshid=4", URL),
        ("https://youtu.be/abc?si=xyz", "https://youtu.be/abc"),
        (f"{URL}?mtm_campaign=a&q=b%20c", f"{URL}?q=b%20c"),
        ("https://www.facebook.com/ville?__cft__[0]=x", "https://www.facebook.com/ville"),
    ],
)
def test_tracking_marks(room: Config, address: str, clean: str) -> None:
    assert tracking(address)
    assert untracked(address) == clean
    (finding,) = found(room, f"[Le programme]({address})")
    assert (finding.code, finding.severity) == ("link-tracking", Severity.ERROR)
    assert clean in str(finding.hint)
    assert codes(room, f"[Le programme]({address})", "title: a\nallow: {link-tracking: compte rendu}") == []


def test_a_mark_in_the_front_matter_has_its_line(room: Config) -> None:
    (finding,) = found(room, front=f"title: a\nevent:\n  start: 2026-12-01\n  url: {URL}?utm_source=a")
    assert (finding.code, finding.line, finding.field) == ("link-tracking", 5, "event.url")
    assert tracking(f"{URL}?si=1&feature=2&s=3&ref=4") == []


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("https://bit.ly/3xYz", "open it once"),
        ("https://www.tinyurl.com/abc", "open it once"),
        ("https://urlz.fr/abc", "open it once"),
        ("https://lnkd.in/abc", "open it once"),
        ("https://t.co/abc", "open it once"),
        ("https://www.google.com/url?sa=t&url=https%3A%2F%2Fwww.exemple.fr%2Fpage", URL),
        ("https://www.google.com/url?q=https%3A%2F%2Fwww.exemple.fr%2Fpage%3Futm_source%3Da", URL),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.exemple.fr%2Fpage&h=AT0", URL),
        ("https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.exemple.fr%2Fpage&data=05", URL),
    ],
)
def test_detours(room: Config, address: str, hint: str) -> None:
    (finding,) = found(room, f"[Le programme]({address})")
    assert (finding.code, finding.severity) == ("link-detour", Severity.ERROR)
    assert hint in str(finding.hint)


@pytest.mark.parametrize("address", ["https://www.google.com/maps", "https://habit.ly.fr/x", "https://monbit.ly-x.fr/"])
def test_what_only_looks_like_a_detour(room: Config, address: str) -> None:
    assert codes(room, f"[Le plan du quartier]({address})") == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("[Le programme](http://www.exemple.fr)", "http-link"),
        ("[Le programme](https://equipe:secret@www.exemple.fr/planning)", "link-password"),
        ("[Le programme](https://intranet/a.pdf)", "link-private"),
        ("[Le programme](https://192.168.1.4/a.pdf)", "link-private"),
        ("[Le programme](https://serveur.mairie.local/a.pdf)", "link-private"),
        ("[www.exemple.fr](https://www.autre.fr/page)", "link-mismatch"),
        ("[https://exemple.fr/a](https://exemple.fr.autre.com/a)", "link-mismatch"),
        ("[lettre@ville.fr](mailto:accueil@ville.fr)", "link-mismatch"),
    ],
)
def test_where_a_link_leads(room: Config, body: str, code: str) -> None:
    assert code in codes(room, body)
    assert "secret" not in "".join(finding.message for finding in found(room, body))


def test_an_invented_address_is_an_error_where_people_read_it(room: Config) -> None:
    body = "[L'association](https://association.example.org) et <https://www.example.test/a>"
    assert codes(room, body) == []
    toml = '[workspace]\nbase_url = "https://lettre.ville.fr"\n[web]\ntransport = "folder"\noutput = "public"\n'
    (room.root / "veille.toml").write_text(toml)
    partner = room.root / "content/partners/ccas-bagneux.yaml"
    partner.write_text(f"{partner.read_text()}email: ccas@example.org\nurl: https://ccas.example.org\n")
    findings = found(config.load(room.root, {}), body)
    assert [(f.code, f.line, f.field) for f in findings] == [
        ("link-example", 5, "email"),
        ("link-example", 6, "url"),
        ("link-example", 5, None),
        ("link-example", 5, None),
    ]


OWN = {
    "/posts/sortie-patinoir/": "sortie-patinoire",
    "https://veille.example.org/posts/inconnu/": "/posts/NAME/",
    "/editions/lettre-13/": "/posts/NAME/",
    "/posts/brouillon/": "draft: false",
    "/posts/affiche": "add web",
    "/u/1u2-abcdefghijkl": "take it out",
}


@pytest.mark.parametrize(("path", "hint"), OWN.items())
def test_links_into_our_own_site(room: Config, path: str, hint: str) -> None:
    write(room.root, "title: a", name="posts/2026-11-19-sortie-patinoire.md")
    write(room.root, "title: a\ndraft: true", "Bientôt.", name="posts/brouillon.md")
    write(room.root, "title: a\nchannels: [instagram]", "Affiche.", name="posts/affiche.md")
    (finding,) = found(room, f"[La sortie de samedi]({path})")
    assert (finding.code, finding.file, finding.line) == ("link-own", "content/posts/a.md", 5)
    assert hint in str(finding.hint)


BROKEN_MAILS = {
    "a space before": "Écris à contact @ville.fr vite",
    "a space behind": "Écris à contact@ ville.fr vite",
    "no domain": "Écris à contact@ ou passe",
    "no domain at the end": "Écris à contact@",
    "no ending": "Écris à contact@ville pour venir",
    "comma": "Écris à contact@ville,fr pour venir",
    "two stops": "Écris à contact@ville..fr pour venir",
    "two signs": "Écris à contact@@ville.fr pour venir",
    "line break": "Écris à contact@hauts-de-\nseine.fr pour venir",
    "hidden": "Écris à contact(at)ville.fr pour venir",
    "hidden with spaces": "Écris à contact [at] ville [point] fr",
    "link": "[Écris-nous vite](mailto:contact@ville)",
}


@pytest.mark.parametrize("body", BROKEN_MAILS.values(), ids=BROKEN_MAILS)
def test_mail_addresses_that_are_not_complete(room: Config, body: str) -> None:
    (finding,) = found(room, body)
    assert finding.code == "mail-malformed"
    assert finding.severity is (Severity.WARNING if "at" in body.split("contact")[-1][:5] else Severity.ERROR)


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("atelier@gamil.com", "gmail.com"),
        ("a.b@hotmial.fr", "hotmail.fr"),
        ("a@ville.con", "ville.com"),
        ("a@oragne.fr", "orange.fr"),
    ],
)
def test_slips_in_mail_addresses(room: Config, address: str, meant: str) -> None:
    (finding,) = found(room, f"Écris à <{address}>.")
    assert (finding.code, finding.severity) == ("mail-typo", Severity.ERROR)
    assert meant in str(finding.hint)


def test_slips_in_records(room: Config) -> None:
    partner = room.root / "content/partners/ccas-bagneux.yaml"
    partner.write_text(f"{partner.read_text()}email: ccas@gamil.com\n")
    (finding,) = found(room)
    assert (finding.code, finding.file, finding.line) == ("mail-typo", "content/partners/ccas-bagneux.yaml", 5)


def test_addresses_are_held_against_the_records(room: Config) -> None:
    partner = room.root / "content/partners/ccas-bagneux.yaml"
    partner.write_text(f"{partner.read_text()}email: ccas.bagneux@ville.fr\n")
    assert codes(room, "Écris à <ccas.bagneux@ville.fr>.") == []
    (finding,) = found(room, "Écris à <ccas.bagneu@ville.fr>.")
    assert (finding.code, finding.severity) == ("mail-unrecorded", Severity.WARNING)
    assert "ccas.bagneux@ville.fr" in str(finding.hint)
    assert "partner" in str(found(room, "Écris à <autre@association.fr>.")[0].hint)


@pytest.mark.parametrize(
    "body",
    ["<camille.exemple@ville.fr>", "camille.exemple@ville.fr", "camille.exemple @ville.fr", "camille.exemple@gamil.com",
     "camille.exemple(at)ville.fr", "[Écris à Camille](mailto:camille.exemple@ville)",
     "[camille.autre@ville.fr](mailto:camille.exemple@ville.fr)"],
)  # fmt: skip
def test_findings_hold_no_address_of_a_person(room: Config, body: str) -> None:
    findings = found(room, f"Écris à {body} vite")
    assert findings or body.startswith("<")
    for finding in findings:
        assert "exemple" not in f"{finding.message} {finding.hint} {finding.excerpt}"
    assert "mail-unrecorded" not in [finding.code for finding in findings]


def test_every_rule_explains_itself_and_its_example_is_found(room: Config) -> None:
    """The wrong example of a rule is found by it, and the right one is not."""
    network = {"link-dead", "link-moved", "link-unreachable", "link-certificate", "links-unchecked"}
    toml = '[workspace]\nbase_url = "https://lettre.ville.fr"\n[web]\ntransport = "folder"\noutput = "public"\n'
    (room.root / "veille.toml").write_text(toml)
    room = config.load(room.root, {})
    write(room.root, "title: a", name="posts/sortie-patinoire.md")
    for rule in CHECK.rules:
        assert rule.title
        assert rule.why
        assert rule.remedy
        if rule.code not in network:
            wrong = rule.wrong if " " in rule.wrong or not rule.wrong.startswith("http") else f"[Texte]({rule.wrong})"
            assert rule.code in codes(room, wrong), rule.code
            assert rule.code not in codes(room, rule.right.replace("{{", "").replace("}}", "")), rule.code


def test_a_thousand_posts_are_looked_at_quickly(room: Config) -> None:
    body = ("Un texte tout à fait ordinaire, avec des mots, des virgules et des points. " * 8 + "\n\n") * 5
    write(room.root, "title: a", f"{body}[Le programme]({URL}) et <redaction@ville.fr>", "posts/a.md")
    content = library.load(room)
    context = Context(content, room, NOW)
    (subject,) = [s for s in checks.subjects(content, room) if s.file.endswith("a.md")]
    assert subject.texts
    assert subject.links
    each = CHECK.each
    assert each
    started = time.process_time()
    for _turn in range(50):
        list(each(subject, context))
    assert (time.process_time() - started) / 50 < 0.0015  # twice the budget: the machine is shared


def test_what_stands_behind_a_service_is_shown_only_when_it_is_an_address() -> None:
    assert detour_of("https://www.google.com/url?q=cours+de+danse") == Detour("www.google.com")
    assert detour_of("https://www.exemple.fr/url?q=cours") is None


def test_several_sites_that_say_nothing_are_a_computer_without_network() -> None:
    def said(count: int) -> list[str]:
        hosts = [f"https://www.site{number}.fr/" for number in range(count)]
        link = Link("", "Page", "content/posts/a.md", 5, 1, None, None, 0)
        answers = {host: Answer(host, Outcome.SILENT) for host in hosts}
        return [finding.code for finding in verdicts({host: [link] for host in hosts}, answers)]

    assert said(2) == ["link-unreachable"] * 2
    assert said(3) == ["links-unchecked"]
