"""Posts and editions made ready for any template, once, before any channel sees them."""

from __future__ import annotations

from veille.rendering.directory import render_directory
from veille.rendering.edition import Cover, render_edition, render_file
from veille.rendering.post import render_post
from veille.rendering.rendered import Contact, Entry, Picture, RenderedDirectory, RenderedEdition, RenderedPost
from veille.rendering.subjects import preheader_of, shorten, subject_of
from veille.rendering.templating import Templates

__all__ = [
    "Contact",
    "Cover",
    "Entry",
    "Picture",
    "RenderedDirectory",
    "RenderedEdition",
    "RenderedPost",
    "Templates",
    "preheader_of",
    "render_directory",
    "render_edition",
    "render_file",
    "render_post",
    "shorten",
    "subject_of",
]
