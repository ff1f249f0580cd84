"""The identity of a newsroom: one list of tokens for letter, pages, cards and previews.

Every pair of text and ground below is at least 4.5:1 (WCAG 2.1, criterion 1.4.3); a test computes it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Palette:
    """Colours of one scheme, as #rrggbb."""

    ground: str  # the page
    surface: str  # what lies on the page
    ink: str  # text
    muted: str  # dates, places, captions
    rule: str  # thin lines; never the only sign
    action: str  # buttons and links: the coral
    on_action: str  # text on the coral
    highlight: str  # behind ink text: the sun
    on_highlight: str
    help: str  # "Qui appeler ?": the green, as text and as rule
    help_ground: str  # behind help text


LIGHT = Palette(
    ground="#fbf7f0",
    surface="#ffffff",
    ink="#1d1b2e",
    muted="#5b586e",
    rule="#e6dfd3",
    action="#c2372b",
    on_action="#ffffff",
    highlight="#ffd447",
    on_highlight="#1d1b2e",
    help="#12603f",
    help_ground="#e3f3e8",
)
DARK = Palette(
    ground="#15131f",
    surface="#1f1c2d",
    ink="#f5f1e8",
    muted="#b9b4c7",
    rule="#3a3550",
    action="#ff8a75",
    on_action="#1d1b2e",
    highlight="#ffd447",
    on_highlight="#1d1b2e",
    help="#8fe0b3",
    help_ground="#143226",
)

# Type scale in px; body 17, ratio about 1.25. Spacing in px, multiples of 4. Radius in px.
TYPE = {"small": 14, "body": 17, "lead": 20, "h3": 21, "h2": 27, "h1": 36, "display": 48}
LINE_HEIGHT = {"body": 1.55, "heading": 1.15}
SPACE = {"xs": 4, "s": 8, "m": 16, "l": 24, "xl": 40, "xxl": 64}
RADIUS = 10
MEASURE = "34rem"  # longest line of text
LETTER_WIDTH = 600  # px
SYSTEM_FONTS = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Brand:
    """What a newsroom changes in one place: `[brand]` in veille.toml.

    Args:
        name: shown in the header of everything that we send or show.
        tagline: one line under the name.
        logo: path of a PNG inside the workspace, or empty for the drawn word mark.
        light, dark: the palettes, with the newsroom's own colours put in.
    """

    name: str
    tagline: str = ""
    logo: str = ""
    light: Palette = LIGHT
    dark: Palette = DARK


def pairs(palette: Palette) -> list[tuple[str, str, str]]:
    """Every (name, text colour, ground colour) that templates put together."""
    on_page = [(name, getattr(palette, name)) for name in ("ink", "muted", "action", "help")]
    return [
        *(
            (f"{name} on {ground}", text, getattr(palette, ground))
            for name, text in on_page
            for ground in ("ground", "surface")
        ),
        ("on_action on action", palette.on_action, palette.action),
        ("on_highlight on highlight", palette.on_highlight, palette.highlight),
        ("help on help_ground", palette.help, palette.help_ground),
        ("ink on help_ground", palette.ink, palette.help_ground),
    ]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two #rrggbb colours, 1 to 21 (WCAG 2.1, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


COLOUR_NAMES = tuple(f.name for f in fields(Palette))
