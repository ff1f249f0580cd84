"""Returned messages as servers write them (tests/bounces/), with a true mark of ours in their slots."""

from __future__ import annotations

from pathlib import Path

from veille.bounces import return_path
from veille.tokens import Keys

FOLDER = Path(__file__).parents[1] / "bounces"
ADDRESS = "bounces@lettre.example.org"
KEYS = Keys({"1": b"k" * 32})


def names() -> list[str]:
    """Every sample."""
    return sorted(path.stem for path in FOLDER.glob("*.eml"))


def sample(
    name: str, delivery: str = "d345", message_id: str = "<unknown@lettre.example.org>", keys: Keys = KEYS
) -> bytes:
    """The bytes of a sample about one delivery."""
    token = return_path(keys, ADDRESS, delivery).partition("+")[2].partition("@")[0]
    slots = {
        "{{TOKEN}}": token,
        "{{TOKEN_UPPER}}": token.upper(),
        "{{TOKEN_CUT}}": token[:-4],
        "{{MESSAGE_ID}}": message_id,
    }
    content = (FOLDER / f"{name}.eml").read_bytes()
    for slot, value in slots.items():
        for encoding in ("ascii", "utf-16-le"):
            content = content.replace(slot.encode(encoding), value.encode(encoding))
    return content
