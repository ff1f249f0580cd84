"""Which makers add pages to the site, beside posts, editions and lists. Adding one is one line here."""

from __future__ import annotations

from veille_publishers import calendar, directory, legal, search
from veille_publishers.site_parts import Maker

PAGES: tuple[Maker, ...] = (directory.pages, calendar.pages, search.pages, legal.pages)
