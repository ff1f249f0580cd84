"""Lines added to veille.toml: these and no others, whatever the file looks like."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veille.errors import ConfigError
from veille_cli.toml_edit import changed, lines

NEW = {"facebook": {"page_id": "12"}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[facebook]\npage_id = "12"\n'),
        ("[web]\n", '[web]\n\n[facebook]\npage_id = "12"\n'),
        ("[web]", '[web]\n\n[facebook]\npage_id = "12"\n'),
        ("[facebook]", '[facebook]\npage_id = "12"\n'),
        ("[facebook] # é\nslots = []\n\n[web]\n", '[facebook] # é\npage_id = "12"\nslots = []\n\n[web]\n'),
        ('[facebook]\npage_id = "7"  # ours\n', '[facebook]\npage_id = "12"  # ours\n'),
        ('[facebook]\n# page_id = "7"\n', '[facebook]\npage_id = "12"\n# page_id = "7"\n'),
        ('[web]\r\n[facebook]\r\npage_id = "7"\r\n', '[web]\r\n[facebook]\r\npage_id = "12"\r\n'),
        ('[web]\nx = ["a",\n"b"]\n[facebook]\n', '[web]\nx = ["a",\n"b"]\n[facebook]\npage_id = "12"\n'),
    ],
)
def test_only_these_lines_change(before: str, after: str) -> None:
    assert changed(before, NEW) == after


@pytest.mark.parametrize(
    "text",
    [
        'x = """\n[facebook]\n"""\n',  # looks like a section, and is text
        "facebook = {slots = []}\n",
        'facebook.page_id = "7"\n',
        '["facebook"]\npage_id = "7"\n',
        "[facebook\n",
    ],
)
def test_a_file_of_another_form_is_left_alone_and_the_lines_are_said(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        changed(text, NEW)
    assert 'page_id = "12"' in (refused.value.hint or "")


KEYS = st.sampled_from(["page_id", "app_id", "slots", "login"])
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
TABLES = st.dictionaries(st.sampled_from(["facebook", "instagram", "web"]), st.dictionaries(KEYS, VALUES), max_size=3)


@given(TABLES, TABLES, st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_is_read_back_beside_what_was_there(
    old: dict[str, dict[str, str]], new: dict[str, dict[str, str]], eol: str
) -> None:
    text = "".join(f"{line}{eol}" for line in lines(old))
    read = tomllib.loads(changed(text, new))
    wanted = {section: {**old.get(section, {}), **new.get(section, {})} for section in {*old, *new}}
    assert {section: values for section, values in read.items() if values} == {
        section: values for section, values in wanted.items() if values
    }
