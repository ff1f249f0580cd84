"""The pages with forms in a real browser: what axe finds, and the whole way without script."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.browser import chromium, violations
from tests.support.site_desk import running
from tests.support.workspace import TOML
from veille.tokens import Purpose


@pytest.mark.browser
@pytest.mark.soak
def test_forms_are_accessible_narrow_and_wide_light_and_dark(tmp_path: Path) -> None:
    toml = TOML.replace("send_window", 'minors = "parental_joint_consent"\nsend_window')
    with running(tmp_path, toml=toml) as site, chromium() as browser:
        links = site.reader("axe@example.org")
        own = links[Purpose.PREFERENCES]
        for scheme in ("light", "dark"):
            for width in (320, 1280):
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                for path in ("/subscribe/", own, f"{own}/erase", links[Purpose.UNSUBSCRIBE], "/c/x"):
                    page.goto(site.url + path)
                    assert violations(page) == [], (path, scheme, width)
                    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), (path, width)
                page.close()


@pytest.mark.browser
@pytest.mark.soak
def test_without_script_from_the_form_to_the_end(tmp_path: Path) -> None:
    with running(tmp_path) as site, chromium() as browser:
        page = browser.new_context(java_script_enabled=False).new_page()
        page.goto(f"{site.url}/subscribe/")
        site.now += timedelta(seconds=10)
        page.keyboard.press("Tab")
        page.get_by_label("Your e-mail address").fill("amel@example.org")
        page.get_by_label("Bagneux").check()
        page.get_by_role("button", name="Subscribe").press("Enter")
        assert "Look in your mailbox" in page.content()
        page.goto(site.url + site.link("amel@example.org"))
        page.get_by_role("button", name="I subscribe").press("Enter")
        assert site.subscribed("amel@example.org")
        page.get_by_role("link", name="Choose towns and topics").press("Enter")
        page.wait_for_url("**/p/*")
        page.get_by_label("For families").check()
        page.get_by_role("button", name="Keep these choices").press("Enter")
        assert "Your choices are kept" in page.content()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").press("Enter")
        assert "amel@example.org" in download.value.path().read_text()
        page.get_by_role("button", name="Erase everything").press("Enter")
        page.get_by_role("button", name="Yes").press("Enter")
        assert "Erased" in page.content()
        assert not site.subscribed("amel@example.org")
