"""Links in old letters: they lead to a page that is true, whatever became of the reader since."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.site_desk import Site, running
from veille.tokens import Purpose

ONE_CLICK = "List-Unsubscribe=One-Click"
FROM_A_MAIL_SERVICE = {"Origin": "https://mail.example", "Sec_Fetch_Site": "cross-site"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("links")) as made:
        yield made


def test_one_click_of_somebody_who_was_erased_is_answered_200_even_twice(site: Site) -> None:
    """RFC 8058: the mail service asks for its reader, and must not be told to try again, or that it failed."""
    links = site.reader("erased@example.org")
    site.post(f"{links[Purpose.PREFERENCES]}/erase", {"sure": "yes"})
    answers = [site.post(links[Purpose.UNSUBSCRIBE], ONE_CLICK, **FROM_A_MAIL_SERVICE) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text == answers[1].text
    assert "Set-Cookie" not in answers[0].headers
    assert answers[0].headers["Cache-Control"] == "no-store"


def test_the_pages_of_somebody_who_was_erased_say_what_is_so(site: Site) -> None:
    links = site.reader("gone@example.org")
    own, way_out = links[Purpose.PREFERENCES], links[Purpose.UNSUBSCRIBE]
    site.post(f"{own}/erase", {"sure": "yes"})
    pages = {
        "leave": site.get(way_out),
        "left": site.post(way_out, ONE_CLICK),
        "own": site.get(own),
        "choose": site.post(own, {"audience": "young"}),
        "export": site.post(f"{own}/export"),
        "sure?": site.get(f"{own}/erase"),
        "erase": site.post(f"{own}/erase", {"sure": "yes"}),
    }
    statuses = {name: page.status_code for name, page in pages.items()}
    assert statuses == dict.fromkeys(pages, 410) | {"leave": 200, "left": 200}
    assert len({page.text for page in pages.values()}) == 1
    text = pages["leave"].text
    assert "<h1>You receive no letter</h1>" in text
    assert "are deleted here" in text
    assert "<button" not in text  # nothing is left to press
    assert "/p/" not in text


def test_whoever_left_finds_no_button_to_leave_with_and_may_still_see_what_is_kept(site: Site) -> None:
    links = site.reader("left@example.org")
    assert "<button" in site.get(links[Purpose.UNSUBSCRIBE]).text
    said = site.post(links[Purpose.UNSUBSCRIBE], ONE_CLICK).text
    assert site.get(links[Purpose.UNSUBSCRIBE]).text == said
    assert "<button" not in said
    assert "/p/" in said
    assert "You do not receive the letter any more" in site.get(links[Purpose.PREFERENCES]).text


def test_a_forged_link_is_told_from_an_honest_one_by_its_signature_alone(site: Site) -> None:
    links = site.reader("erased2@example.org")
    site.post(f"{links[Purpose.PREFERENCES]}/erase", {"sure": "yes"})
    for purpose in (Purpose.PREFERENCES, Purpose.UNSUBSCRIBE):
        forged = links[purpose][:-1] + ("A" if links[purpose][-1] != "A" else "B")
        assert (site.get(forged).status_code, site.post(forged).status_code) == (404, 404)
