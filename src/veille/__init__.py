"""The core of veille: content, planning, the outbox and dispatch. It knows no network and no terminal."""

__version__ = "0.1.0"
