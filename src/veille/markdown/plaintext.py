"""Plain text from Markdown tokens: the same content as the HTML, for readers who read text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from markdown_it.token import Token

from veille.markdown import contact_facts, digits, label_with_colon
from veille.rendering.rendered import Contact

# Where wrapping depends on more than the breadth of words: tabs, two spaces, a word that is a no-break space alone.
_UNEVEN = re.compile(r"[\t\x0b\x0c\r]|(?:^| )[^\S ]+(?: |$)")


def render(tokens: Sequence[Token], width: int = 72) -> str:
    """Blocks one after the other, a blank line between them.

    Args:
        width: longest line in characters; addresses and numbers are never broken.
    """
    return "\n\n".join(block for block in _blocks(tokens, width) if block.strip())


def words(children: Iterable[Token]) -> str:
    """Inline tokens as one line, without addresses of links."""
    return re.sub(r"[ \t\n]+", " ", _inline(children, with_links=False)).strip(" ")  # no-break spaces stay


def fill(text: str, width: int = 72, indent: str = "", first: str | None = None) -> str:
    """Wrap each line of `text`; no-break spaces hold, long addresses stay whole.

    Args:
        indent: in front of every line.
        first: in front of the first line instead.
    """
    lines: list[str] = []
    for number, line in enumerate(text.split("\n")):
        head = first if first is not None and number == 0 else indent
        if line and _even(line):
            lines += _wrapped(line, width, head, indent)
            continue
        lines += textwrap.wrap(
            line,
            width,
            initial_indent=head,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _even(line: str) -> bool:
    """Whether its words have one ordinary space between each two. (No-break spaces and tabs do not print.)"""
    if line[0] == " " or line[-1] == " " or "  " in line:
        return False
    return line.isprintable() or not _UNEVEN.search(line)


def _wrapped(line: str, width: int, head: str, indent: str) -> Iterator[str]:
    """What `textwrap` makes of words with one space between each two: it looks at every word, this at every break."""
    start, end = 0, len(line)
    while end - start > width - len(head):
        cut = line.rfind(" ", start, start + max(width - len(head), 0) + 1)
        if cut < 0 and (cut := line.find(" ", start)) < 0:  # a long address stays whole
            break
        yield head + line[start:cut]
        start, head = cut + 1, indent
    yield head + line[start:]


def contact_text(contact: Contact, width: int = 72) -> str:
    """A contact as a block: name, then one line a fact."""
    facts = [f"{label_with_colon(label)}{text}" for label, text, _href in contact_facts(contact)]
    return "\n".join([fill(contact.name, width), *(fill(fact, width, indent="  ") for fact in facts)])


def _blocks(tokens: Sequence[Token], width: int) -> Iterator[str]:
    position = 0
    while position < len(tokens):
        token = tokens[position]
        end = _end(tokens, position)
        inside = tokens[position + 1 : end]
        position = end + 1
        match token.type:
            case "heading_open":
                title = words(inside[0].children or ())
                yield f"{fill(title, width)}\n{'-' * min(len(title), width)}"
            case "paragraph_open":
                yield fill(_inline(inside[0].children or ()), width)
            case "blockquote_open":
                lines = render(inside, width - 2).split("\n")
                yield "\n".join(f"> {line}".rstrip() for line in lines)
            case "bullet_list_open" | "ordered_list_open":
                yield _list(token, inside, width)
            case "table_open":
                yield _table(inside, width)
            case "fence" | "code_block":
                yield textwrap.indent(token.content.rstrip("\n"), "    ")
            case "hr":
                yield "* * *"
            case "contact_block":
                yield contact_text(token.meta["contact"], width)


def _end(tokens: Sequence[Token], start: int) -> int:
    """The position of the token that closes the one at `start`."""
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens) - 1


def _list(opening: Token, inside: Sequence[Token], width: int) -> str:
    number = int(opening.attrs.get("start", 1)) if opening.type.startswith("ordered") else None
    items, position = [], 0
    while position < len(inside):
        end = _end(inside, position)
        bullet = f"{number}. " if number is not None else "- "
        body = render(inside[position + 1 : end], width - len(bullet)).replace("\n\n- ", "\n- ")
        items.append(bullet + textwrap.indent(body, " " * len(bullet)).lstrip(" "))
        number = None if number is None else number + 1
        position = end + 1
    loose = any(token.type == "paragraph_open" and not token.hidden for token in inside)
    return ("\n\n" if loose else "\n").join(items)


def _table(inside: Sequence[Token], width: int) -> str:
    """Columns when they fit, else one small list a row: "heading: cell"."""
    rows: list[list[str]] = []
    for token in inside:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_inline(token.children or ()))
    sizes = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    if sum(sizes) + 3 * (len(sizes) - 1) <= width:
        ruled = [rows[0], ["-" * size for size in sizes], *rows[1:]]
        return "\n".join(_row(row, sizes) for row in ruled)
    return "\n\n".join(_row_as_list(rows[0], row, width) for row in rows[1:])


def _row(cells: Sequence[str], sizes: Sequence[int]) -> str:
    return " | ".join(cell.ljust(size) for cell, size in zip(cells, sizes, strict=True)).rstrip()


def _row_as_list(heads: Sequence[str], cells: Sequence[str], width: int) -> str:
    pairs = zip(heads, cells, strict=True)
    return "\n".join(fill(f"{label_with_colon(head)}{cell}", width, "  ", "- ") for head, cell in pairs if cell)


def _inline(children: Iterable[Token], with_links: bool = True) -> str:
    out: list[str] = []
    open_links: list[tuple[str, int]] = []
    for token in children:
        match token.type:
            case "text" | "code_inline" | "reference":
                out.append(token.content)
            case "softbreak":
                out.append(" ")
            case "hardbreak":
                out.append("\n")
            case "contact":
                contact: Contact = token.meta["contact"]
                out.append(f"{contact.name} ({contact.label})" if contact.label else contact.name)
            case "link_open":
                open_links.append((str(token.attrs.get("href", "")), len(out)))
            case "link_close":
                href, start = open_links.pop()
                out.append(_address(href, "".join(out[start:])) if with_links else "")
    return "".join(out)


def _address(href: str, text: str) -> str:
    """` (https://…)`, or "" when the text already says it."""
    scheme, _sep, rest = href.partition(":")
    if scheme in {"tel", "sms"}:
        said = digits(text).removeprefix("+33").lstrip("0") == digits(rest).removeprefix("+33").lstrip("0")
        return "" if said else f" ({rest})"
    shown = rest if scheme == "mailto" else href
    same = re.sub(r"^https?://|/$", "", shown) == re.sub(r"^https?://|/$", "", text.strip())
    return "" if same else f" ({shown})"
