"""Opening links to see whether a page is there: politely, several at once, without cookies, and never for long.

HEAD first, which costs a server nothing; GET where HEAD is refused, of which nothing but the head is read.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import requests
import urllib3.exceptions as u3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from veille import __version__
from veille.checks.links.ground import host_of, is_inside
from veille.linking.answers import NOT_ANSWERED, Answer, Outcome
from veille_publishers.link_errors import answer_for

AT_ONCE = 8
PER_HOST = 2
REDIRECTS = 10
SPARED_AFTER = 3  # times in a row that a host let us wait for nothing: its other pages are not tried
PATIENCE = 30.0  # seconds that a server may ask us to wait
GIVE_UP_AFTER = 8  # hosts without any answer, and none with one: there is no network
_DEADLINE = 4  # times the time-out: the longest that one address may take, whatever it does
_PAUSE = 2.0  # seconds, where a server says "later" and not when
_ALWAYS_THERE = "example.com"  # kept by IANA (RFC 2606): who does not find this name finds none
_REDIRECTING = (301, 302, 303, 307, 308)
_FOR_GOOD = (301, 308)
_LATER = (429, 503)
_REFUSED = (401, 402, 403, 405, 406, 407, 451, 999)


class _Nobody(AuthBase):
    """No name and no password: neither of ~/.netrc nor of the address itself."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _session(site: str) -> requests.Session:
    session = requests.Session()
    session.auth = _Nobody()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update(
        {
            "User-Agent": f"veille/{__version__} (+{site}; link check)",
            "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
            "Accept-Language": "fr,en;q=0.5",
        }
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=AT_ONCE, pool_maxsize=AT_ONCE, max_retries=0))
    return session


@dataclass
class _Round:
    """What is under way in one call.

    Args:
        waiting: addresses with the moment before which they are not opened.
        running: since when each is being opened.
        again: those that were asked a second time.
    """

    waiting: list[tuple[float, str]]
    running: dict[str, float] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    results: queue.Queue[tuple[Answer, float | None]] = field(default_factory=queue.Queue)
    quiet: set[str] = field(default_factory=set)  # hosts that gave no answer
    waits: Counter[str] = field(default_factory=Counter)  # times in a row that a host let us wait for nothing
    answered: bool = False


class LinkFetch:
    """The web as `veille.linking` sees it.

    Args:
        timeout: seconds for a connection, and between two bytes of an answer.
        site: the newsroom's own address, which tells a server's owner who asks.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, timeout: float, site: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout = timeout
        self._clock = clock
        self._session = _session(site)
        self._lock = threading.Lock()
        self._finds_names: bool | None = None  # None: nobody asked yet

    def __call__(self, addresses: Sequence[str]) -> Iterator[Answer]:
        """What came of each address, as it comes.

        One address takes at most four times the time-out; one whose server asks for it is opened once more, after
        half a minute at most.
        """
        state = _Round([(0.0, address) for address in dict.fromkeys(addresses)])
        while state.waiting or state.running:
            if not state.answered and len(state.quiet) >= GIVE_UP_AFTER:
                yield from self._given_up(state)
                return
            yield from self._spared(state)
            self._start(state)
            yield from self._collect(state) if state.running or state.waiting else ()

    def _spared(self, state: _Round) -> Iterator[Answer]:
        """Pages of a host that does not answer: hundreds of them would take an hour."""
        tired = {host for host, times in state.waits.items() if times >= SPARED_AFTER}
        for entry in [entry for entry in state.waiting if tired and host_of(entry[1]) in tired]:
            state.waiting.remove(entry)
            yield self._noted(state, Answer(entry[1], Outcome.SILENT, detail="timeout"))

    def _start(self, state: _Round) -> None:
        """Open what may be opened now, never more than a host and we ourselves can bear."""
        now = self._clock()
        busy = Counter(host_of(address) for address in state.running)
        for entry in list(state.waiting):
            not_before, address = entry
            host = host_of(address)
            if len(state.running) < AT_ONCE and not_before <= now and busy[host] < PER_HOST:
                state.waiting.remove(entry)
                state.running[address] = now
                busy[host] += 1
                worker = threading.Thread(target=self._work, args=(address, state.results), daemon=True)
                worker.start()

    def _work(self, address: str, results: queue.Queue[tuple[Answer, float | None]]) -> None:
        results.put(self._open(address))

    def _collect(self, state: _Round) -> Iterator[Answer]:
        """Wait for one answer; whoever takes too long is left behind."""
        try:
            answer, pause = state.results.get(timeout=self._wait(state))
        except queue.Empty:
            limit = self._clock() - _DEADLINE * self._timeout
            for address in [address for address, since in state.running.items() if since <= limit]:
                del state.running[address]
                yield self._noted(state, Answer(address, Outcome.SILENT, detail="timeout"))
            return
        if state.running.pop(answer.url, None) is None:
            return  # it was left behind
        if pause is not None and pause <= PATIENCE and answer.url not in state.again:
            self._put_off(state, answer.url, pause)
        else:
            yield self._noted(state, answer)

    def _wait(self, state: _Round) -> float:
        """Seconds until something has to be done even when no answer comes."""
        ends = [since + _DEADLINE * self._timeout for since in state.running.values()]
        starts = [moment for moment, _address in state.waiting] if len(state.running) < AT_ONCE else []
        now = self._clock()
        later = [moment for moment in (*ends, *starts) if moment > now]
        return max(0.005, min(later) - now) if later else 0.005

    def _put_off(self, state: _Round, address: str, pause: float) -> None:
        """Once more later, and until then nothing else of this host."""
        moment, host = self._clock() + pause, host_of(address)
        state.again.add(address)
        state.waiting.append((moment, address))
        state.waiting[:] = [(max(at, moment) if host_of(a) == host else at, a) for at, a in state.waiting]

    def _noted(self, state: _Round, answer: Answer) -> Answer:
        host = host_of(answer.url)
        state.waits[host] = state.waits[host] + 1 if "timeout" in answer.detail.lower() else 0
        if answer.outcome in NOT_ANSWERED:
            state.quiet.add(host)
        else:
            state.answered = True
        return answer

    def _given_up(self, state: _Round) -> Iterator[Answer]:
        for address in (*state.running, *(address for _at, address in state.waiting)):
            yield Answer(address, Outcome.OFFLINE, detail="no host answers")

    # One address ----

    def _open(self, address: str) -> tuple[Answer, float | None]:
        """What came of an address, and the seconds after which its server wants to be asked again."""
        path = [address]
        for_good, permanent, cookies = True, "", False
        try:
            while True:
                response = self._ask(path[-1])
                target = self._session.get_redirect_target(response)
                if response.status_code not in _REDIRECTING or not target:
                    return self._final(address, path, permanent, response)
                cookies = cookies or "Set-Cookie" in response.headers
                path.append(_joined(path[-1], target))
                for_good = for_good and response.status_code in _FOR_GOOD
                permanent = path[-1] if for_good else permanent
                if wrong := _wrong_way(path):
                    # Some sites send everybody in a circle who does not take their cookie.
                    outcome = Outcome.REFUSED if wrong is Outcome.LOOP and cookies else wrong
                    return Answer(address, outcome, response.status_code, path[-1]), None
        except (requests.RequestException, u3.HTTPError, OSError, ValueError) as error:
            return self._unless_offline(answer_for(error, address)), None

    def _unless_offline(self, answer: Answer) -> Answer:
        """A name that does not exist tells nothing where no name is found; asked once, without any connection."""
        if answer.outcome is not Outcome.NO_HOST:
            return answer
        with self._lock:
            if self._finds_names is None:
                self._finds_names = _resolves(_ALWAYS_THERE)
        return answer if self._finds_names else replace(answer, outcome=Outcome.OFFLINE)

    def _ask(self, address: str) -> requests.Response:
        """HEAD; GET where HEAD is refused, breaks, or says that there is nothing."""
        try:
            response = self._send("HEAD", address)
        except (requests.exceptions.SSLError, requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError):
            raise
        except (requests.Timeout, requests.ConnectionError) as error:
            if answer_for(error, address).outcome is not Outcome.SILENT:
                raise
            response = None
        if response is None or (response.status_code >= 400 and not _asks_for_patience(response)):
            response = self._send("GET", address)
        return response

    def _send(self, method: str, address: str) -> requests.Response:
        """The head of an answer; its body is not read."""
        response = self._session.request(method, address, timeout=self._timeout, allow_redirects=False, stream=True)
        response.close()
        return response

    def _final(
        self, address: str, path: Sequence[str], permanent: str, response: requests.Response
    ) -> tuple[Answer, float | None]:
        status = response.status_code
        final = path[-1] if len(path) > 1 else ""
        pause = _pause(response.headers.get("Retry-After", "")) if status in _LATER else None
        return Answer(address, _outcome(status), status, final, permanent), pause


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 443))
    except OSError:
        return False


def _asks_for_patience(response: requests.Response) -> bool:
    return response.status_code == 429 or (response.status_code == 503 and "Retry-After" in response.headers)


def _outcome(status: int) -> Outcome:
    if status in (404, 410):
        return Outcome.GONE
    if status in _REFUSED:
        return Outcome.REFUSED
    if status >= 500 or status in (408, 425, 429):
        return Outcome.BUSY
    return Outcome.FINE if status < 400 else Outcome.REFUSED


def _pause(wanted: str) -> float:
    """Seconds to wait; a date is as good as never (RFC 9110, section 10.2.3)."""
    if not wanted.strip():
        return _PAUSE
    return float(wanted) if wanted.strip().isdecimal() else PATIENCE + 1


def _joined(base: str, target: str) -> str:
    return urljoin(base, requests.utils.requote_uri(target)).partition("#")[0]


def _wrong_way(path: Sequence[str]) -> Outcome | None:
    """Why a forwarded address is not followed any further."""
    first, last = path[0], path[-1]
    if urlsplit(last).scheme not in ("http", "https") or not host_of(last):
        return Outcome.ASTRAY
    if is_inside(host_of(last)) and not is_inside(host_of(first)):
        return Outcome.ASTRAY  # nobody outside could open it, and we do not look into our own network
    return Outcome.LOOP if last in path[:-1] or len(path) > REDIRECTS + 1 else None
