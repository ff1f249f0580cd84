"""Signing in a process of its own.

An RSA signature costs more than all the rest of a letter. In a thread it would take turns with the connections for the
interpreter, letter by letter; beside them it has the other core to itself.
"""

from __future__ import annotations

import logging
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

log = logging.getLogger(__name__)

_LENGTH = struct.Struct(">I")
_MOST = 32  # texts on their way at once: fewer bytes than a pipe holds


class SigningProcess:
    """Signs with one key (RSA, PKCS #1 v1.5, SHA-256). For several threads, which take turns."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def sign(self, texts: Sequence[bytes]) -> list[bytes]:
        """The signatures, in order. Without the process they are made here, one after the other."""
        with self._lock:
            try:
                return [s for n in range(0, len(texts), _MOST) for s in self._asked(texts[n : n + _MOST])]
            except OSError:
                log.warning("the signing process ended; letters are signed without it")
                self._stop()
        return [signature(self._key, text) for text in texts]

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _asked(self, texts: Sequence[bytes]) -> list[bytes]:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_LENGTH.pack(len(texts)) + b"".join(_LENGTH.pack(len(text)) + text for text in texts))
        process.stdin.flush()
        return [_read(process.stdout) for _text in texts]

    def _start(self) -> subprocess.Popen[bytes]:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        process = subprocess.Popen(  # noqa: S603 (our own module)
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; our end is its end
        )
        assert process.stdin is not None
        # By the pipe: arguments and environment can be read by others.
        key = self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        process.stdin.write(_LENGTH.pack(len(key)) + key)
        return process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        process.wait()


def signature(key: RSAPrivateKey, text: bytes) -> bytes:
    """One signature, made here (RFC 6376, 3.3.2: rsa-sha256)."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return key.sign(text, PKCS1v15(), SHA256())


def _read(pipe: IO[bytes]) -> bytes:
    """One text.

    Raises:
        BrokenPipeError: the other side is gone.
    """
    head = pipe.read(_LENGTH.size)
    (length,) = _LENGTH.unpack(head) if len(head) == _LENGTH.size else (0,)
    text = pipe.read(length)
    if len(head) < _LENGTH.size or len(text) < length:
        raise BrokenPipeError
    return text


def main() -> None:
    """The process: a key, then texts until the pipe ends."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    with suppress(BrokenPipeError):
        key = load_der_private_key(_read(asked), password=None)
        assert isinstance(key, RSAPrivateKey)
        while head := asked.read(_LENGTH.size):
            for _n in range(_LENGTH.unpack(head)[0]):
                made = signature(key, _read(asked))
                answers.write(_LENGTH.pack(len(made)) + made)
            answers.flush()


if __name__ == "__main__":
    main()
