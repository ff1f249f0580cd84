"""What a letter uses: elements, attributes, CSS properties and the rest, each by a short name with how it stands there.

Names are those of `uses` in data/caniemail.json: "property:border-radius", "pair:display:flex", "element:svg",
"media:prefers-color-scheme", "unit:rem" and so on. Rules inside @media are seen only by programs that read @media, so
of those nothing but the @media itself counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from lxml import etree

from veille.checks.markup import document

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NOT_OUTLOOK = re.compile(r"<!--\[if !mso[^\]]*\]><!-->.*?<!--<!\[endif\]-->", re.DOTALL | re.IGNORECASE)
_FUNCTION = re.compile(r"([a-z-]+)\(")
_UNIT = re.compile(r"(?<![\w#.-])-?(?:\d+\.?\d*|\.\d+)(rem|vh|vw|vmin|vmax|ch)\b")
_WORD = re.compile(r"!important|(?<![\w-])(?:initial|fit-content|min-content|max-content|system-ui|ui-[a-z-]+)\b")
_MEDIA = re.compile(r"\(\s*([a-z-]+)")
_PSEUDO = re.compile(r"::?([a-z-]+)")
_TYPED = ("input", "button")


@lru_cache(maxsize=4)
def uses(html: str) -> Mapping[str, str]:
    """Name of what is used -> the words with which it first stands there."""
    found: dict[str, str] = {}
    for element in document(html).iter():
        if isinstance(element.tag, str):
            for name, words in _of_element(element):
                found.setdefault(name, words)
    return found


def unseen_by_outlook(html: str) -> frozenset[str]:
    """What stands only where classic Outlook for Windows does not read."""
    without = _NOT_OUTLOOK.sub("", html)
    return frozenset() if without == html else frozenset(uses(html)) - frozenset(uses(without))


def _of_element(element: etree._Element) -> Iterator[tuple[str, str]]:
    tag = str(element.tag)
    yield f"element:{tag}", f"<{tag}>"
    for name, value in element.attrib.items():
        yield f"attribute:{name}", f'{name}="…"'
        if name == "style":
            yield from _declarations(str(value))
    if tag in _TYPED:
        kind = element.get("type", "text" if tag == "input" else "submit")
        yield f"{tag}:{kind}", f'<{tag} type="{kind}">'
    elif tag == "meta" and element.get("name"):
        yield f"meta:{element.get('name')}", f'<meta name="{element.get("name")}">'
    elif tag == "img":
        yield from _of_picture(element.get("src", ""))
    elif tag == "style":
        yield from _sheet(element.text or "")


def _of_picture(source: str) -> Iterator[tuple[str, str]]:
    if source.startswith("data:"):
        yield "image:data", 'src="data:…"'
    elif suffix := PurePosixPath(urlsplit(source).path).suffix.lower().removeprefix("."):
        yield f"image:{suffix}", f".{suffix}"


@lru_cache(maxsize=2048)
def _declarations(css: str) -> tuple[tuple[str, str], ...]:
    """Of the inside of a rule, or of a style attribute."""
    found: list[tuple[str, str]] = []
    for declaration in css.split(";"):
        name, colon, value = declaration.partition(":")
        name, value = name.strip().lower(), " ".join(value.lower().split())
        if not colon or name.startswith(("mso-", "-webkit-", "-ms-", "-moz-")):
            continue
        words = f"{name}: {value}"
        found.append((f"property:{name}", name))
        found.append((f"pair:{name}:{value.removesuffix('!important').strip()}", words))
        found += [(f"function:{match}", words) for match in _FUNCTION.findall(value)]
        found += [(f"unit:{match}", words) for match in _UNIT.findall(value)]
        found += [(f"word:{match}", words) for match in _WORD.findall(value)]
    return tuple(found)


@lru_cache(maxsize=16)
def _sheet(css: str) -> tuple[tuple[str, str], ...]:
    """Of a style sheet."""
    found: list[tuple[str, str]] = []
    for prelude, inside in _rules(_COMMENT.sub("", css)):
        if prelude.startswith("@"):
            name = re.split(r"[^a-z-]", prelude[1:].lower(), maxsplit=1)[0]
            found.append((f"at:{name}", f"@{name}"))
            found += [(f"media:{feature}", f"@{name} ({feature})") for feature in _MEDIA.findall(prelude)]
        else:
            found += [(f"pseudo:{name}", f":{name}") for name in _PSEUDO.findall(prelude)]
            found += [(f"selector:{sign}", prelude.strip()) for sign in "+~>[*" if sign in prelude]
            found += _declarations(inside)
    return tuple(found)


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """What stands before the braces, and between them; "" between them for what ends with ";"."""
    start = position = 0
    while (hit := re.compile(r"[{;]").search(css, position)) is not None:
        prelude, position = css[start : hit.start()].strip(), hit.end()
        if hit[0] == "{":
            position = _closing(css, hit.end())
            yield prelude, css[hit.end() : position - 1]
        elif prelude.startswith("@"):
            yield prelude, ""
        start = position


def _closing(css: str, position: int) -> int:
    """Behind the brace that closes the one before `position`."""
    depth = 1
    for hit in re.compile(r"[{}]").finditer(css, position):
        depth += 1 if hit[0] == "{" else -1
        if depth == 0:
            return hit.end()
    return len(css) + 1
