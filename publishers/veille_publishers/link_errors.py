"""Why a link could not be opened, out of what requests, urllib3, ssl and the resolver say."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions as u3

from veille.linking.answers import Answer, Outcome

# X509_V_ERR_*: the certificate of the site itself does not hold, whoever looks at it.
_EXPIRED, _NOT_YET, _SELF_SIGNED, _OTHER_NAME, _OTHER_ADDRESS, _REVOKED = 10, 9, 18, 62, 64, 23
_INVALID = (_EXPIRED, _NOT_YET, _SELF_SIGNED, _OTHER_NAME, _OTHER_ADDRESS, _REVOKED)
_NO_WAY_OUT = (errno.ENETUNREACH, errno.ENETDOWN)
_NO_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def answer_for(error: BaseException, address: str) -> Answer:
    """What an exception tells about an address."""
    chain = list(_chain(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            outcome = Outcome.CERTIFICATE if cause.verify_code in _INVALID else Outcome.CHAIN
            return Answer(address, outcome, detail=str(cause.verify_message).strip("."))
        if isinstance(cause, socket.gaierror):
            outcome = Outcome.NO_HOST if cause.errno in _NO_NAME else Outcome.OFFLINE
            return Answer(address, outcome, detail=str(cause.strerror))
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in chain):
        return Answer(address, Outcome.OFFLINE, detail="proxy")
    if any(isinstance(cause, OSError) and cause.errno in _NO_WAY_OUT for cause in chain):
        return Answer(address, Outcome.OFFLINE, detail="no route")
    if isinstance(error, requests.exceptions.InvalidURL | u3.LocationParseError | UnicodeError):
        return Answer(address, Outcome.NO_HOST, detail="no valid name")
    return Answer(address, Outcome.SILENT, detail=type(error).__name__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything that it was made from; requests keeps causes in `args`, urllib3 in `reason`."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and not any(cause is known for known in seen):
            seen.append(cause)
            yield cause
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
