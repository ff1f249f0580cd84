"""Bounces and complaints: letters that carry a signed return path, and what comes back about them.

`verp` marks each letter, `mime` takes a returned message apart within limits, `codes` says what a code means,
`reading` puts it together, `collecting` records it in the ledger.
"""

from veille.bounces.verp import return_path

__all__ = ["return_path"]
