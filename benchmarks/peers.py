"""What other programs reach with the same letter: one process for each, which prints what it measured as JSON.

    python -m benchmarks.peers NAME PORT LETTERS LETTER.eml

Every reader gets the letter with links of their own, in the header and in both bodies, as our letter has them.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import re
import smtplib
import sys
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
SENDER = "lettre@example.org"
CONNECTIONS = 10
_TOKEN = re.compile(rb"https://[^/\s]+/[up]/([\w-]{20,})")


class Letter:
    """One letter of ours, taken apart at what is personal."""

    def __init__(self, content: bytes) -> None:
        self.message = message_from_bytes(content, policy=policy.SMTP)
        tokens = sorted(set(_TOKEN.findall(content)))
        if len(tokens) != 2:
            raise ValueError("the letter does not carry the two personal links")
        address = str(self.message["To"]).encode()
        self._parts: list[bytes] = re.split(b"(%s)" % b"|".join(map(re.escape, (*tokens, address))), content)
        self.slots = [*tokens, address]
        self._text, self._html = self.text_of("plain"), self.text_of("html")

    def values(self, reader: int) -> tuple[bytes, bytes, bytes]:
        """The personal values of a reader: two tokens and the address."""
        mark = hashlib.sha256(str(reader).encode()).hexdigest()[:20].encode()
        return b"1p1-%s" % mark, b"1u1-%s" % mark, b"reader%07d@example.org" % reader

    def joined(self, reader: int) -> bytes:
        """The letter of one reader, from ready bytes."""
        values = dict(zip(self.slots, self.values(reader), strict=True))
        return b"".join([values.get(part, part) for part in self._parts])

    def built(self, reader: int) -> EmailMessage:
        """The letter of one reader as the manuals show it: headers, then the two texts."""
        new = EmailMessage(policy=policy.SMTP)
        for name, value in self.message.items():
            if not name.lower().startswith(("content-", "mime-")):
                new[name] = self.filled(str(value), reader)
        new.set_content(self.filled(self._text, reader))
        new.add_alternative(self.filled(self._html, reader), subtype="html")
        return new

    def filled(self, text: str, reader: int) -> str:
        """The text with this reader's values."""
        for slot, value in zip(self.slots, self.values(reader), strict=True):
            text = text.replace(slot.decode(), value.decode())
        return text

    def text_of(self, kind: str) -> str:
        """The body as text: "plain" or "html"."""
        part: Any = self.message.get_body((kind,))
        return str(part.get_content())


def smtplib_built(letter: Letter, port: int, letters: int) -> None:
    """The loop of the manuals: one connection, an EmailMessage for each reader."""
    with smtplib.SMTP(HOST, port) as smtp:
        for reader in range(letters):
            smtp.send_message(letter.built(reader))


def smtplib_joined(letter: Letter, port: int, letters: int) -> None:
    """One connection, the message made by joining ready bytes."""
    with smtplib.SMTP(HOST, port) as smtp:
        for reader in range(letters):
            smtp.sendmail(SENDER, letter.values(reader)[2].decode(), letter.joined(reader))


def aiosmtplib_joined(letter: Letter, port: int, letters: int) -> None:
    """A pool of ten connections, the message made by joining ready bytes."""
    aiosmtplib = importlib.import_module("aiosmtplib")  # not among our dependencies

    async def worker(numbers: Any) -> None:
        async with aiosmtplib.SMTP(hostname=HOST, port=port, use_tls=False, start_tls=False) as smtp:
            for reader in numbers:
                await smtp.sendmail(SENDER, letter.values(reader)[2].decode(), letter.joined(reader))

    async def pool() -> None:
        numbers = iter(range(letters))
        await asyncio.gather(*(worker(numbers) for _ in range(CONNECTIONS)))

    asyncio.run(pool())


PEERS: dict[str, Callable[[Letter, int, int], None]] = {
    "smtplib + EmailMessage": smtplib_built,
    "smtplib, ready bytes": smtplib_joined,
    "aiosmtplib": aiosmtplib_joined,
}


def main() -> None:
    """Send, and print the seconds from the first connection to the last answer."""
    name, port, letters, path = sys.argv[1:]
    letter = Letter(Path(path).read_bytes())
    letter.joined(0)
    start = time.perf_counter()
    PEERS[name](letter, int(port), int(letters))
    print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
