"""What the pages with one question or one answer say. None of them says whether an address is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from veille.i18n import gettext as _
from veille.signup import Answer, Outcome


@dataclass(frozen=True)
class Message:
    """A page without fields.

    Args:
        links: (address, words).
        button: what the button says; "" for none.
        address: where the button posts to.
        hidden: fields of its form.
    """

    title: str
    paragraphs: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()
    button: str = ""
    address: str = ""
    hidden: dict[str, str] = field(default_factory=dict)
    status: int = 200
    retry: int = 0  # seconds


def _home() -> tuple[tuple[str, str], ...]:
    return (("", _("See what is new")),)


def _anew() -> tuple[tuple[str, str], ...]:
    return (("subscribe/", _("Subscribe")),)


def sent() -> Message:
    """After the form, whoever it was about."""
    return Message(
        _("Look in your mailbox"),
        (
            _("If this address does not receive the letter yet, a mail is on its way. Press the button in it."),
            _("Nothing there after ten minutes? Look among the unwanted mail, then try again tomorrow."),
        ),
        _home(),
    )


def busy(answer: Answer) -> Message:
    """A limit was reached."""
    if answer is Answer.CLIENT_BUSY:
        words = _("Many subscriptions came from your connection. Please try again in an hour.")
        return Message(_("A moment, please"), (words,), _home(), status=429, retry=3600)
    words = _("A great many people are subscribing just now. Please try again in an hour.")
    return Message(_("A moment, please"), (words,), _home(), status=503, retry=3600)


def confirm(outcome: Outcome, address: str, preferences: str = "") -> Message:
    """What a link of a confirmation mail leads to.

    Args:
        preferences: the reader's own page, once they are one.
    """
    if outcome is Outcome.OPEN:
        words = _("One press, and you receive the next letter.")
        return Message(_("Confirm your subscription"), (words,), button=_("I subscribe"), address=address)
    if outcome is Outcome.DONE:
        words = _("You receive the next letter. In each one there is a link to leave in one click.")
        links = ((preferences, _("Choose towns and topics")), *_home())
        return Message(_("You are subscribed"), (words,), links)
    if outcome is Outcome.USED:
        return Message(_("This link was used before"), (_("If you pressed the button, all is well."),), _home())
    if outcome is Outcome.EXPIRED:
        words = _("It worked for two days. Ask for a new one: it takes a moment.")
        return Message(_("This link is too old"), (words,), _anew(), status=410)
    return void()


def void() -> Message:
    """A link that is forged, damaged, or of a request that is gone: one and the same page."""
    words = _("It may have been cut in two on its way. Open it again from the mail, whole.")
    return Message(_("This link does not work"), (words,), (*_home(), *_anew()), status=404)


def deleted(status: int = 200) -> Message:
    """An honest link of somebody who was erased since: no button that would do nothing, no blame for the mail."""
    words = _("Your address and your choices are deleted here: no letter goes to you, and this link does nothing more.")
    return Message(_("You receive no letter"), (words,), (*_home(), *_anew()), status=status)


def leave(address: str) -> Message:
    """The button that a link in a letter leads to; mail programs open links before people do."""
    hidden = {"List-Unsubscribe": "One-Click"}
    words = _("One press, and you are out. No question asked.")
    return Message(_("Leave the letter"), (words,), button=_("Leave the letter"), address=address, hidden=hidden)


def left(preferences: str) -> Message:
    """They left, now or before."""
    words = _("You receive no letter any more. A letter that is being sent at this moment may still arrive.")
    return Message(_("You have left"), (words,), ((preferences, _("What we keep about you")), *_anew()))


def erase(address: str) -> Message:
    """Asked once more, because nothing brings it back."""
    return Message(
        _("Erase everything about you?"),
        (
            _(
                "Your address, your choices, your agreement and the record of your letters are deleted for good; only "
                "a fingerprint of your address stays, so that nobody adds it again."
            ),
            _("You may come back yourself."),
        ),
        ((address, _("No, go back")),),
        button=_("Yes, erase everything"),
        address=f"{address}/erase",
        hidden={"sure": "yes"},
    )


def erased() -> Message:
    """It is done."""
    words = _(
        "Everything about you is deleted but a fingerprint of your address, so that nobody adds it again. You receive "
        "no letter any more."
    )
    hint = _("The letters that you have are still in your mailbox: delete them there, and empty the bin.")
    return Message(_("Erased"), (words, hint), _home())


def refused(status: int) -> Message:
    """An answer that is no page of ours, in words."""
    words = {
        400: (_("This could not be read"), _("Go back, reload the page, and try again.")),
        403: (_("This came from another site"), _("Open the page here, and try again.")),
        404: (_("This page does not exist"), _("The address may have a typing mistake, or the page has moved.")),
        405: (_("This does not work here"), _("Go back, reload the page, and try again.")),
        408: (_("That took too long"), _("Go back, reload the page, and try again.")),
        413: (_("That was too much"), _("Go back, reload the page, and try again.")),
        421: (_("This site has another address"), _("The address may have a typing mistake, or the page has moved.")),
        503: (_("A moment, please"), _("This does not work just now. Please try again in a minute.")),
    }
    title, hint = words.get(status, (_("Something went wrong"), _("We are sorry. Please try again in a minute.")))
    return Message(title, (hint,), _home(), status=status, retry=30 if status == 503 else 0)
