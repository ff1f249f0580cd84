"""The codes of pictures, captions and alternative texts; `pictures`, `reading` and the channels find these."""

from __future__ import annotations

from veille.checks.forms import form
from veille.checks.rules import Check, Rule, mark
from veille.errors import Severity

_NOT_GUESSED = mark("veille never guesses what was meant: a wrong guess would leave for every reader.")
_PICTURE_WHY = mark("A post with a picture that cannot be shown would leave with a hole in it on every channel.")

RULES = (
    form(
        "picture",
        mark("A picture that cannot be named so"),
        _PICTURE_WHY,
        mark("Put it into content/media and write its file name."),
    ),
    form(
        "picture-missing",
        mark("The picture is not there"),
        _PICTURE_WHY,
        mark("Put it into content/media, or correct the name."),
    ),
    form(
        "picture-outside",
        mark("The picture lies outside the newsroom's folder"),
        mark("What lies elsewhere on this machine must not be published by mistake."),
        mark("Copy it into content/media."),
    ),
    form(
        "picture-link",
        mark("The picture is a symbolic link"),
        mark("What lies elsewhere on this machine must not be published by mistake."),
        mark("Copy it into content/media."),
    ),
    form(
        "picture-kind",
        mark("This kind of picture cannot be used"),
        _PICTURE_WHY,
        mark("Save it as JPEG, PNG, WebP or GIF."),
    ),
    form("picture-format", mark("Not a picture file"), _PICTURE_WHY, mark("Save it as JPEG, PNG, WebP or GIF.")),
    form(
        "picture-damaged",
        mark("The picture is damaged"),
        _PICTURE_WHY,
        mark("Open it in a picture program and save it again."),
    ),
    form("picture-unreadable", mark("The picture cannot be opened"), _PICTURE_WHY, mark("Check its permissions.")),
    form(
        "picture-too-large",
        mark("The picture is too large"),
        mark("Opening it would take more memory than small machines have."),
        mark("Make it smaller: 2,000 pixels wide are plenty."),
    ),
    Rule(
        "picture-small",
        mark("The picture is small"),
        mark("It would be blurred on a phone."),
        mark("Take a picture at least 1,080 pixels wide."),
        severity=Severity.WARNING,
    ),
    Rule(
        "picture-animated",
        mark("Only the first image of an animation is shown"),
        mark("Moving pictures hurt some readers, and mail programs show the first image."),
        mark("Choose the image that says it."),
        severity=Severity.WARNING,
    ),
    form(
        "alt-missing",
        mark("A picture without alternative text"),
        mark("Readers who do not see it, or whose mail program hides pictures, get nothing."),
        mark("Say in one sentence what it shows; write decorative: true when it says nothing."),
        "image: {src: velo.jpg}",
        "image: {src: velo.jpg, alt: Un vélo posé contre un mur}",
    ),
    form(
        "alt-decorative",
        mark("A decorative picture with alternative text"),
        mark("Either it says something, or it does not."),
        mark("Delete one of the two."),
    ),
    form(
        "focus",
        mark("The focus is not a point of the picture"),
        _NOT_GUESSED,
        mark("Write two numbers from 0 to 1: focus: [0.5, 0.3]"),
    ),
    form(
        "caption-too-long",
        mark("The Instagram caption is too long"),
        mark("Instagram refuses it."),
        mark("Shorten instagram.caption."),
    ),
    form(
        "too-many-hashtags",
        mark("Too many hashtags"),
        mark("Instagram refuses more than 30."),
        mark("Keep the few that people search for."),
    ),
    form(
        "too-many-mentions",
        mark("Too many mentions"),
        mark("Instagram refuses more than 20."),
        mark("Keep those who must be told."),
    ),
    form(
        "too-many-pictures",
        mark("Too many pictures"),
        mark("The service refuses the post."),
        mark("Keep the ten that tell the story."),
    ),
    form(
        "no-picture",
        mark("Instagram needs a picture"),
        mark("There is no Instagram post without one."),
        mark("Add image, or leave instagram out of channels."),
    ),
)

CHECK = Check(rules=RULES)
