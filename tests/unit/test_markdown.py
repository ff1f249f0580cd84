from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from veille.errors import ContentError
from veille.markdown import Document, absolute, first_paragraph, parse, resolve, to_html, to_text
from veille.rendering.rendered import Contact

SITE = "https://lettre.example.org"
CONTACTS = {
    "partner:ccas": Contact(
        "CCAS <Ville>",
        "01\u00a099\u00a000\u00a012\u00a034",
        "tel:0199001234",
        detail="Aide & écoute",
        hours="lundi, 9\u00a0h",
        address="2 rue du Modèle",
        email="ccas@example.org",
        url="https://ccas.example.org/",
    ),
    "helpline:3919": Contact("Violences Femmes Info", "39\u00a019", "tel:3919", free=True),
    "helpline:114": Contact("Urgence 114", "114", "sms:114", free=True),
}
XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "<javascript:alert(1)>",
    '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
    '[x](https://a.example/"onclick="alert(1))',
    "<svg/onload=alert(1)>",
    "<style>body{display:none}</style>",
    "<!-- --><iframe src=//evil.example>",
    "</div></td></tr></table><h1>x</h1>",
    "<mj-include path='/etc/passwd' />",
    "</mj-text><mj-raw><script>1</script></mj-raw>",
    "```html\n<script>alert(1)</script>\n```",
    "`<b onclick=x>`",
    "| <script> | b |\n|---|---|\n| <img onerror=x> | 2 |",
    "{{ partner: <script> }}",
    "<![CDATA[<script>]]>",
    "\u202e<script>\u0000</script>",
]


def resolved(text: str, lang: str = "fr") -> Document:
    return resolve(parse(text, file="x.md", line=7, lang=lang), contacts=CONTACTS, base_url=SITE)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(html)
    return parser.seen


@pytest.mark.parametrize("attack", XSS)
def test_nothing_that_acts_comes_through(attack: str) -> None:
    try:
        html = to_html(resolved(f"Avant {attack}\n\n{attack}"))
    except ContentError:
        return  # refused with a finding: nothing leaves
    for tag, attributes in tags(html):
        assert tag not in {"script", "style", "img", "iframe", "svg", "mj-raw", "mj-include", "h1"}
        assert set(attributes) <= {"href", "aria-label", "start", "scope", "class"}
        assert (attributes.get("href") or "https:").split(":")[0] in {"https", "http", "mailto", "tel", "sms"}


def test_post_text_is_never_a_template() -> None:
    document = resolved("{{7*7}} {{ config }} {% raw %} {{ '': 1 }}")
    assert "{{7*7}} {{ config }} {% raw %}" in to_html(document)
    assert "{{7*7}} {{ config }} {% raw %}" in to_text(document)


def test_raw_html_is_shown_as_it_was_typed() -> None:
    document = resolved("a <b>gras</b> <!-- note -->\n\n<div>x</div>")
    assert "a &lt;b&gt;gras&lt;/b&gt; &lt;!-- note --&gt;" in to_html(document)
    assert "a <b>gras</b> <!-- note -->\n\n<div>x</div>" in to_text(document)


def test_headings_start_at_h2_and_skip_no_level() -> None:
    html = to_html(resolved("# Un\n\n#### Deux\n\n## Trois\n\n###### Six"))
    assert re.findall(r"<(h\d)>", html) == ["h2", "h3", "h3", "h4"]


def test_a_lone_reference_is_a_block_and_an_inline_one_a_linked_number() -> None:
    html = to_html(resolved("{{ partner: ccas }}\n{{helpline: 114}}\n\nAppelle {{ helpline: 39 19 }} vite."))
    assert html.count('<div class="contact">') == 2
    assert "CCAS &lt;Ville&gt;" in html
    assert '<a href="tel:0199001234" aria-label="Call 01 99 00 12 34">01\u00a099' in html
    assert '<a href="sms:114" aria-label="Send a text message to 114">114</a>' in html
    assert 'Violences Femmes Info (<a href="tel:3919" aria-label="Call 39 19">39\u00a019</a>) vite' in html


def test_a_reference_in_code_stays_text() -> None:
    assert "{{ helpline: 3919 }}" in to_html(resolved("Écris `{{ helpline: 3919 }}`"))


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("un\ndeux ![photo](a.jpg)", 8, "picture-in-body"),
        ("{{ partner: cca }}", 7, "unknown-contact"),
        ("un\n\n{{ helpline: 3975 }}", 9, "unknown-contact"),
        ("{{ partnaire: ccas }}", 7, "unknown-reference"),
        ("[là](#plus-bas)", 7, "link"),
        ("[là](page.html)", 7, "link"),
        ("[là](//evil.example/x)", 7, "link"),
        ("[là](ftp://x.example)", 7, "link"),
        ("[là](https://)", 7, "link"),
        ("| a |\n|---|\n| [là](#x) |", 9, "link"),
        ("- un\n- ![x](y)", 8, "picture-in-body"),
    ],
)
def test_what_cannot_be_read_everywhere_is_refused_with_its_line(text: str, line: int, code: str) -> None:
    with pytest.raises(ContentError) as caught:
        resolved(text)
    assert [(finding.line, finding.code) for finding in caught.value.findings] == [(line, code)]
    assert all(finding.hint for finding in caught.value.findings)


def test_every_finding_comes_at_once() -> None:
    with pytest.raises(ContentError) as caught:
        resolved("![a](b) [c](#d)\n{{ partner: cca }}")
    assert [finding.line for finding in caught.value.findings] == [7, 7, 8]
    assert 'did you mean "ccas"?' in str(caught.value)


def test_links_of_our_own_site_become_absolute() -> None:
    assert f'href="{SITE}/posts/x/"' in to_html(resolved("[x](/posts/x/)"))
    assert absolute("/x", "") is None


def test_links_carry_no_noise() -> None:
    assert to_html(resolved('[x](https://a.example "titre")')) == '<p><a href="https://a.example">x</a></p>'


RICH = """
## Où, quand

Viens **mercredi** 25 novembre à 14h30, [inscris-toi ici](https://a.example/i?x=1&y=2) ou écris à <aide@example.org>.

1. Passe au CCAS
2. Demande `le bon`

> Ça aide, 120 %.

| Jour | Lieu |
|------|------|
| 1er mai | Bagneux |

{{ partner: ccas }}

Appelle [39 19](tel:3919) ou {{ helpline: 114 }}.

- un
  - deux

```
code 42
```
"""


def _shown(html: str) -> str:
    html = re.sub(r'<a href="(?:mailto:)?([^"]*)"[^>]*>(.*?)</a>', r" \2 \1 ", html).replace("&amp;", "&")
    return re.sub(r"<[^>]+>", " ", html).replace("&lt;", "<").replace("&gt;", ">")


def test_html_and_text_say_the_same() -> None:
    document = resolved(RICH)
    html, text = _shown(to_html(document)), to_text(document)
    for pattern in (r"https?://[^\s)]+", r"[\w.]+@[\w.]+", r"\d+", r"[^\W\d_]{4,}"):
        in_html = {found.rstrip(".,") for found in re.findall(pattern, html)} - {"3919", "0199001234"}
        in_text = {found.rstrip(".,") for found in re.findall(pattern, text)}
        assert in_html - in_text <= {"https", "tel", "sms"}
        assert in_text - in_html == set()


def test_text_is_wrapped_and_keeps_numbers_and_addresses_whole() -> None:
    url = "https://a.example/" + "x" * 90
    text = to_text(resolved(f"mot {'mot ' * 15}{{{{ helpline: 3919 }}}} [ici]({url})\n\n> {'mot ' * 30}"))
    assert url in text
    assert "39\u00a019" in text
    assert max(len(line) for line in text.splitlines() if url not in line) <= 72
    assert all(line.startswith(">") for line in text.split("\n\n")[1].splitlines())


def test_text_forms() -> None:
    text = to_text(resolved(RICH))
    assert "inscris-toi ici\n(https://a.example/i?x=1&y=2)" in text or "ici (https://a.example" in text
    assert "aide@example.org (" not in text
    assert "39\u00a019 ou" in text
    assert "1. Passe au CCAS\n2. Demande le bon" in text
    assert "> Ça aide, 120\u00a0%." in text
    assert "- un\n  - deux" in text
    assert "    code 42" in text


def test_a_wide_table_becomes_a_list_a_row() -> None:
    cell = "mot " * 15
    text = to_text(resolved(f"| Jour | Lieu |\n|---|---|\n| {cell} | {cell} |"))
    assert text.startswith("- Jour: mot")
    assert "\n- Lieu: mot" in text


def test_typography_reads_across_emphasis_but_not_into_code_and_links() -> None:
    html = to_html(resolved("**Viens** ! l'**eau** `a !` <https://a.example/?b!>"))
    assert html == (
        "<p><strong>Viens</strong>\u202f! l’<strong>eau</strong> <code>a !</code> "
        '<a href="https://a.example/?b!">https://a.example/?b!</a></p>'
    )
    assert to_html(resolved("Come!", "en")) == "<p>Come!</p>"


def test_first_paragraph() -> None:
    assert first_paragraph(resolved("# T\n\n> cité\n\n{{ partner: ccas }}\n\nUn **deux**\n[trois](/x).\n\nQuatre")) == (
        "Un deux trois."
    )
    assert first_paragraph(resolved("")) == ""


def test_an_empty_body_is_empty() -> None:
    assert (to_html(resolved("")), to_text(resolved(""))) == ("", "")
