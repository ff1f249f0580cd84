"""Meta's error codes as one table: what each calls for, and what people are told.

Meanings: Meta, "Handling errors" (developers.facebook.com/docs/graph-api/guides/error-handling, read 2026-09-11) and
"Instagram Platform error codes" (page of 2026-06-02). Subcodes of Facebook, and some of Instagram, stand in no page of
Meta's; other publishers met them. The reactions are our judgement. `graph_errors` reads this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Reaction(StrEnum):
    """What an answer calls for."""

    SAFE_RETRY = "safe-retry"  # nothing visible can have happened
    RECONCILE = "reconcile"  # look whether it was carried out
    WAIT = "wait"  # a throttle or quota refused it before anything was written
    NEW_CONTAINER = "new-container"  # this Instagram container is of no more use
    NOT_READY = "not-ready"  # the same call again, a little later
    REAUTH = "reauth"  # the access must be renewed
    HUMAN = "human"  # somebody must log in at Facebook or Instagram
    PERMANENT = "permanent"  # the post must change


@dataclass(frozen=True)
class Rule:
    """What one answer means.

    Args:
        public: the reaction when the call makes something public. RECONCILE here and HUMAN below: look, and whatever
            is found, a person must act before anything else leaves.
        hidden: the reaction for reads and invisible steps.
        words: what happened, for people, in English (translated when shown).
        hint: what to do about it.
        wait: how long, when the answer does not say.
        other_token: a read may succeed with the account's other token; this answer proves nothing.
    """

    public: Reaction
    hidden: Reaction
    words: str
    hint: str = ""
    wait: timedelta | None = None
    other_token: bool = False


@dataclass(frozen=True)
class Row:
    """A rule for one code, one subcode, or the two together; None matches any."""

    code: int | None
    subcode: int | None
    rule: Rule


def N_(message: str) -> str:
    """Mark a text of the table for the catalogue."""
    return message


_R = Reaction
_CONNECT = N_("renew the access: `veille connect facebook` (or `veille connect instagram`); the queue is kept")
_LOG_IN = N_("log in at facebook.com or in the app, follow what it asks, then let the channel go on")
_LATER = N_("nothing to do: it is tried again later")
_LOOK = N_("nothing to do: veille looks at the page before it tries again")
_PICTURE = N_("replace the picture in the front matter and publish again")
_CHANGE = N_("change the post and publish again")
_CAPTION = N_("shorten the caption and publish again")
_REPORT = N_("run the command again with --debug and report what it says")
_DELETE = N_("delete the post in the app")


def _same(reaction: Reaction, words: str, hint: str, wait: timedelta | None = None) -> Rule:
    """The same reaction whatever the call."""
    return Rule(reaction, reaction, words, hint, wait)


def _unsure(hidden: Reaction, words: str, hint: str, *, other_token: bool = False) -> Rule:
    """A public step may have been carried out: look first."""
    return Rule(_R.RECONCILE, hidden, words, hint, other_token=other_token)


UNKNOWN = _unsure(_R.SAFE_RETRY, N_("Meta answered with an error that does not say what happened"), _LOOK)
UNSURE = _unsure(_R.SAFE_RETRY, N_("Meta had a fault of its own"), _LOOK)
DAMAGED = _unsure(_R.NEW_CONTAINER, N_("Instagram could not use what we prepared"), _LATER)
THROTTLE = _same(_R.WAIT, N_("Meta asks us to slow down"), _LATER)
TOKEN = _same(_R.REAUTH, N_("Meta no longer accepts our access"), _CONNECT)
SIGNATURE = _same(
    _R.REAUTH,  # every post would fail alike: the channel stops, and no post is lost
    N_("Meta does not accept our signature"),
    N_("check app_secret: it must belong to the app of the token"),
)
PERSON = _same(_R.REAUTH, N_("this is the access of a person, but Facebook wants that of the page"), _CONNECT)
WINDOW = _same(_R.PERMANENT, N_("Facebook does not take a post for this time"), N_("nothing to do: veille keeps it"))

_PERMISSION = _same(_R.REAUTH, N_("the access lacks a permission for this page or account"), _CONNECT)
_BLOCKED = _same(_R.HUMAN, N_("Meta has restricted this account for now"), _LOG_IN)
_CONTENT = _same(_R.HUMAN, N_("Meta has restricted this account because of something that was posted"), _LOG_IN)
_NO_LINK = _same(
    _R.NOT_READY, N_("Facebook could not open the link"), N_("check that the page is on line; it is tried again")
)
_TOO_BIG = _same(_R.PERMANENT, N_("a picture is too big for Instagram"), _PICTURE)
_NOT_JPEG = _same(_R.PERMANENT, N_("Instagram accepts JPEG pictures only"), _PICTURE)
_WRONG_SHAPE = _same(_R.PERMANENT, N_("a picture is too narrow or too wide for Instagram"), _PICTURE)
_TOO_LONG = _same(
    _R.PERMANENT, N_("the caption is too long for Instagram"), N_("shorten instagram.caption and publish again")
)
_NOT_OURS = _same(_R.PERMANENT, N_("Instagram does not take a post in this form"), _REPORT)
_SLOW = _unsure(_R.SAFE_RETRY, N_("Instagram took too long to fetch a picture"), _LATER)
_FACEBOOK_FILE = _same(_R.PERMANENT, N_("Facebook cannot read a picture"), _PICTURE)

_GENERAL = (
    Row(1, None, UNSURE),
    Row(2, None, UNSURE),
    Row(3, None, _PERMISSION),
    *(Row(code, None, THROTTLE) for code in (4, 17, 32, 341, 613, 80001, 80002)),
    Row(4, 2207051, _unsure(_R.HUMAN, N_("Instagram took this for spam"), _LOG_IN)),
    Row(10, None, Rule(_R.REAUTH, _R.REAUTH, _PERMISSION.words, _CONNECT, other_token=True)),
    *(Row(code, None, _PERMISSION) for code in range(200, 300) if code != 240),
    Row(100, None, _same(_R.PERMANENT, N_("Meta does not accept the content of this post"), _CHANGE)),
    Row(
        100,
        33,
        _unsure(
            _R.REAUTH,
            N_("Meta does not show us this object; the access may lack a permission"),
            _CONNECT,
            other_token=True,
        ),
    ),
    Row(102, None, TOKEN),
    Row(104, None, SIGNATURE),
    Row(190, None, TOKEN),
    Row(190, 458, _same(_R.REAUTH, N_("our app was removed from the account"), _CONNECT)),
    Row(190, 459, _BLOCKED),
    Row(190, 460, _same(_R.REAUTH, N_("the password was changed, so our access ended"), _CONNECT)),
    Row(190, 463, _same(_R.REAUTH, N_("our access has expired"), _CONNECT)),
    Row(190, 464, _BLOCKED),
    Row(190, 467, _same(_R.REAUTH, N_("our access was withdrawn"), _CONNECT)),
    Row(
        190,
        492,
        _same(_R.REAUTH, N_("the person who gave the access has no role on the page any more"), _CONNECT),
    ),
    Row(240, None, TOKEN),
    Row(324, None, _FACEBOOK_FILE),
    Row(368, None, _BLOCKED),
    Row(368, 1390008, _same(_R.HUMAN, N_("Meta has restricted this account because it posted too fast"), _LOG_IN)),
    Row(368, 4854002, _same(_R.HUMAN, N_("Meta wants to know who is behind this account"), _LOG_IN)),
    Row(368, 1404082, _CONTENT),
    Row(368, 1404102, _CONTENT),
    Row(506, None, _unsure(_R.PERMANENT, N_("Facebook says that this text was just posted"), _LOOK)),
    Row(1609005, None, _NO_LINK),
    Row(
        2500,
        None,
        _same(
            _R.PERMANENT,
            N_("Meta did not understand the request"),
            N_("check api_version, page_id and user_id in veille.toml"),
        ),
    ),
)

_FACEBOOK = (  # met by other publishers only
    Row(None, 1346003, _same(_R.PERMANENT, N_("Facebook takes this text for abusive"), _CHANGE)),
    Row(None, 1349125, _FACEBOOK_FILE),
    Row(None, 1363047, UNSURE),
    Row(None, 1366046, _same(_R.PERMANENT, N_("a picture is too big for Facebook"), _PICTURE)),
    Row(None, 1366051, _unsure(_R.PERMANENT, N_("Facebook says that this was already posted"), _LOOK)),
    Row(None, 1404006, _BLOCKED),
    Row(None, 1404078, _BLOCKED),
    Row(None, 1404112, _BLOCKED),
    Row(None, 1609005, _NO_LINK),
    Row(None, 1609008, _same(_R.PERMANENT, N_("Facebook takes no links to facebook.com"), _CHANGE)),
    Row(None, 1609010, UNSURE),
    Row(None, 2061006, _same(_R.PERMANENT, N_("Facebook does not take the link for an address"), _CHANGE)),
    Row(None, 2069019, _FACEBOOK_FILE),
)

_INSTAGRAM = (
    Row(-2, 2207003, _SLOW),
    Row(-2, 2207020, DAMAGED),
    Row(-1, 2207001, UNSURE),
    Row(-1, 2207032, _unsure(_R.SAFE_RETRY, N_("Instagram could not prepare the post"), _LATER)),
    Row(-1, 2207053, DAMAGED),
    Row(-1, 2207073, _same(_R.PERMANENT, N_("Instagram refuses to delete this post"), _DELETE)),
    Row(1, 2207057, _NOT_OURS),
    Row(
        9,
        2207042,
        _same(
            _R.WAIT,
            N_("the account has reached Instagram's number of posts for one day"),
            _LATER,
            timedelta(hours=1),
        ),
    ),
    Row(24, 2207006, DAMAGED),
    Row(24, 2207008, DAMAGED),
    Row(25, 2207050, _BLOCKED),
    Row(100, 2207023, _NOT_OURS),
    Row(
        100,
        2207028,
        _same(_R.PERMANENT, N_("an Instagram post with several pictures has 2 to 10 of them"), _PICTURE),
    ),
    *(Row(100, subcode, _NOT_OURS) for subcode in (2207035, 2207036, 2207037)),
    Row(100, 2207040, _same(_R.PERMANENT, N_("there are too many mentions or hashtags for Instagram"), _CAPTION)),
    Row(352, 2207026, _same(_R.PERMANENT, N_("Instagram does not take this kind of video"), _PICTURE)),
    Row(
        9004,
        None,
        _unsure(
            _R.SAFE_RETRY,
            N_("Instagram could not fetch a picture from our site"),
            N_("check that everybody can open the pictures below media_base_url; it is tried again"),
        ),
    ),
    Row(9007, None, _same(_R.NOT_READY, N_("Instagram is still preparing the post"), _LATER, timedelta(seconds=30))),
    Row(36000, None, _TOO_BIG),
    Row(None, 2207004, _TOO_BIG),
    Row(36001, None, _NOT_JPEG),
    Row(None, 2207005, _NOT_JPEG),
    Row(36003, None, _WRONG_SHAPE),
    Row(None, 2207009, _WRONG_SHAPE),
    Row(36004, None, _TOO_LONG),
    Row(None, 2207010, _TOO_LONG),
    Row(None, 2207076, _SLOW),  # 2207076 to 2207085 stand in no page of Meta's
    Row(None, 2207077, _SLOW),
    Row(None, 2207081, _NOT_OURS),
    Row(None, 2207082, DAMAGED),
    Row(None, 2207085, DAMAGED),
)

ROWS = (*_GENERAL, *_FACEBOOK, *_INSTAGRAM)
TABLE = {(row.code, row.subcode): row.rule for row in ROWS}

# Where Meta says the cause in words only: (code, a part of the message).
BY_TEXT: tuple[tuple[int, str, Rule], ...] = (
    (100, "appsecret_proof", SIGNATURE),
    (100, "scheduled publish time", WINDOW),
    (100, "scheduled_publish_time", WINDOW),
    (200, "as the page itself", PERSON),
)

BY_STATUS = {401: TOKEN, 429: THROTTLE}
