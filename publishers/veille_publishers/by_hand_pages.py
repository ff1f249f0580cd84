"""How a person posts on Facebook and on Instagram, press by press. Buttons change: the words say what they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from veille.i18n import gettext as _
from veille.publishing import File, Rendition
from veille_publishers import social
from veille_publishers.by_hand import ByHandPublisher, Task
from veille_publishers.facebook import Facebook
from veille_publishers.graph_publisher import GraphPublisher
from veille_publishers.instagram import Instagram


class FacebookByHand(ByHandPublisher):
    """A person posts on the Facebook page."""

    kind: ClassVar[str] = "facebook"
    real: ClassVar[type[GraphPublisher]] = Facebook

    def task(self, rendition: Rendition) -> Task:
        """The message with its link, and the photos."""
        payload = rendition.payload
        text = "\n\n".join(part for part in (payload["message"], payload["link"]) if part)
        return Task(text, _pictures(rendition, payload["photos"]), str(payload.get("comment", "")))

    def steps(self, task: Task) -> Iterator[str]:
        """On a computer: there the alternative text is easy to find."""
        yield _(
            "On a computer, open facebook.com and log in. Press your picture at the top right, and choose our page: "
            "Facebook then shows its name there."
        )
        yield _("On the page, press the field “What’s on your mind?”.")
        yield _("Copy the whole text below, and paste it there. Change nothing: it was checked as it stands.")
        if task.pictures:
            yield _("Press “Photo/video”, and choose the pictures that come with this mail, in their order.")
            yield _(
                "Move the mouse over each picture, press “Edit”, then “Alternative text”, choose “Custom alternative "
                "text”, and paste the one that stands below. It is what blind people hear. Then press “Save”."
            )
        else:
            yield _("Wait until a card with the picture of our site appears below the text.")
        yield _("Press “Post”.")
        if task.comment:
            yield _("Below the post, write the comment that stands below as its first comment.")
        yield _("Press the time below the name of our page: the post opens alone. Copy its address.")


class InstagramByHand(ByHandPublisher):
    """A person posts on the Instagram account."""

    kind: ClassVar[str] = "instagram"
    real: ClassVar[type[GraphPublisher]] = Instagram

    def task(self, rendition: Rendition) -> Task:
        """The caption and the pictures."""
        payload = rendition.payload
        return Task(payload["caption"], _pictures(rendition, payload["pictures"]), str(payload.get("comment", "")))

    def steps(self, task: Task) -> Iterator[str]:
        """In the app."""
        yield _("Open this mail on the telephone with the Instagram app. Save the pictures of this mail there.")
        yield _("Open Instagram with our account, press “+”, then “Post”.")
        if len(task.pictures) > 1:
            yield _("Press “Select several”, and touch the pictures in their order. Press “Next” twice.")
        else:
            yield _("Choose the picture. Press “Next” twice.")
        yield _(
            "Copy the whole text below, and paste it into “Write a caption”. Change nothing: it was checked as it "
            "stands."
        )
        yield _(
            "Press “More options” (or “Advanced settings”), then “Write alt text” under “Accessibility”. Paste the "
            "alternative text of each picture: it is what blind people hear."
        )
        yield _("Go back, and press “Share”.")
        if task.comment:
            yield _("Below the post, write the comment that stands below as its first comment.")
        yield _("On the post, press the three dots, then “Link”, to copy its address.")


def _pictures(rendition: Rendition, listed: Sequence[Mapping[str, str]]) -> tuple[tuple[File, str], ...]:
    return tuple((social.file_named(rendition, one["file"]), one["alt"]) for one in listed)
