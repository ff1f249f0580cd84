"""Settings: everything wrong at once, said with its line, and no secret repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from veille import config
from veille.errors import ConfigError

CANARY = "hunter2-canary"


def _load(root: Path, toml: str = "", **environ: str) -> config.Config:
    (root / "veille.toml").write_text(toml, encoding="utf-8")
    return config.load(root, environ)


def _refused(root: Path, toml: str = "", **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        _load(root, toml, **environ)
    assert CANARY not in f"{refused.value.message}{refused.value.hint}{refused.value.findings}"
    return refused.value


def test_every_wrong_setting_at_once_with_its_line(tmp_path: Path) -> None:
    error = _refused(
        tmp_path,
        '[workspace]\nnam = "x"\ntimezone = "Europe"\n\n[newsletter]\ncadence = "someday"\n'
        '[feed]\nitems = 0\n[facebook]\ntransport = "fax"\nreadback = ["soon"]\n',
        VEILLE_WEB__OUTPUTT="x",
    )
    assert {(f.file, f.line, f.field) for f in error.findings} == {
        ("veille.toml", 2, "workspace.nam"),
        ("veille.toml", 3, "workspace.timezone"),
        ("veille.toml", 6, "newsletter.cadence"),
        ("veille.toml", 8, "feed.items"),
        ("veille.toml", 10, "facebook.transport"),
        ("veille.toml", 11, "facebook.readback.0"),
        ("VEILLE_WEB__OUTPUTT", None, "web.outputt"),
    }
    hints = {f.field: f.hint or "" for f in error.findings}
    assert '"name"' in hints["workspace.nam"]
    assert '"output"' in hints["web.outputt"]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("workspace", "secret_key", CANARY),
        ("newsletter", "smtp_url", f"smtp://u:{CANARY}@h:25"),
        ("newsletter", "smtp_url", f"smtp://[{CANARY}"),
        ("outbox", "url", f"postgresql://u:{CANARY}@h/x"),
        ("facebook", "access_token", CANARY),
        ("instagram", "app_secret", CANARY),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, section: str, key: str, value: str) -> None:
    error = _refused(tmp_path, f'[{section}]\n{key} = "{value}"\n')
    assert error.findings[0].line == 2
    assert f"VEILLE_{section}__{key}".upper() in (error.findings[0].hint or "")


def test_all_secrets_in_the_file_are_named_at_once_and_none_repeated(tmp_path: Path) -> None:
    error = _refused(
        tmp_path,
        f'[workspace]\nsecret_key = "{CANARY}1"\n[newsletter]\nsmtp_url = "smtp://h:25"\n'
        f'[instagram]\nnonsense = 1\naccess_token = "{CANARY}2"\n'
        f'[facebook]\napp_secret = "{CANARY}3"\naccess_token = "{CANARY}4"\n',
    )
    assert [(f.line, f.field, f.code) for f in error.findings] == [
        (2, "workspace.secret_key", "secret-in-file"),
        (7, "instagram.access_token", "secret-in-file"),
        (9, "facebook.app_secret", "secret-in-file"),
        (10, "facebook.access_token", "secret-in-file"),
    ]
    assert all(f"{f.where}: {f.field}" in error.message for f in error.findings)


def test_secrets_come_from_the_nearest_place(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "creds").mkdir()
    name = "VEILLE_FACEBOOK__ACCESS_TOKEN"
    found = []
    (tmp_path / "outbox/tokens.json").write_text(f'{{"{name}": "store"}}')
    environ: dict[str, str] = {}
    for step in ("store", "creds", "file", "direct"):
        if step == "creds":
            (tmp_path / "creds" / name).write_text("creds\n")
            environ["CREDENTIALS_DIRECTORY"] = str(tmp_path / "creds")
        elif step == "file":
            (tmp_path / "token.txt").write_text("file\n")
            environ[f"{name}_FILE"] = "token.txt"  # relative paths start at the workspace
        elif step == "direct":
            environ[name] = "direct"
        made = _load(tmp_path, **environ)
        token = made.settings.facebook.access_token
        found.append(token.get_secret_value() if token else "")
        assert not any(word in repr(made) for word in ("'store'", "'creds'", "'direct'"))
    assert found == ["store", "creds", "file", "direct"]


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_a_damaged_token_store_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox/tokens.json").write_bytes(content)
    _refused(tmp_path)


@pytest.mark.parametrize(
    "toml",
    ["[", 'newsletter = "x"', "[workspace]\ntick = '9999999999999999 days'", "[brand]\ncolours = {ink = 'red'}",
     "[workspace]\nbase_url = 'ftp://x'", "[web]\ntransport = 'folder'", "[facebook]\napi_version = '26'"],
)  # fmt: skip
def test_odd_settings_are_a_clear_error(tmp_path: Path, toml: str) -> None:
    assert _refused(tmp_path, toml, VEILLE_NEWSLETTER__SMTP_URL=f"smtp://u:{CANARY}@h").exit_code == 3


@pytest.mark.parametrize(
    "value", ["http://graph.facebook.com", "graph.facebook.com", "https://", "https://u:p@x.org", "https://x.org/?a=b",
              "https://[", "ftp://127.0.0.1", "http://127.0.0.1.example.org", ""],
)  # fmt: skip
@pytest.mark.parametrize("key", ["facebook.api_url", "instagram.api_url", "instagram.oauth_url"])
def test_the_access_travels_encrypted_to_anywhere_but_this_machine(tmp_path: Path, key: str, value: str) -> None:
    section, _dot, name = key.partition(".")
    error = _refused(tmp_path, f"[{section}]\n{name} = {value!r}")
    assert [finding.field for finding in error.findings] == [key]


@pytest.mark.parametrize(
    "url", ["https://graph.example.org/", "http://127.0.0.1:9", "http://[::1]:9", "http://localhost"]
)
def test_a_stand_in_of_meta_may_be_on_this_machine(tmp_path: Path, url: str) -> None:
    assert _load(tmp_path, f'[facebook]\napi_url = "{url}"').settings.facebook.api_url == url.rstrip("/")


@pytest.mark.parametrize("page", ["https://www.facebook.com/relais", "1/../2", "12 34", "1?x=y"])
def test_the_number_of_a_page_is_no_address(tmp_path: Path, page: str) -> None:
    (finding,) = _refused(tmp_path, f"[facebook]\npage_id = '{page}'").findings
    assert finding.field == "facebook.page_id"
    (finding,) = _refused(tmp_path, f"[instagram]\nuser_id = '{page}'").findings
    assert finding.field == "instagram.user_id"


def test_a_secret_file_that_is_not_there(tmp_path: Path) -> None:
    assert "VEILLE_FACEBOOK__ACCESS_TOKEN_FILE" in _refused(tmp_path, VEILLE_FACEBOOK__ACCESS_TOKEN_FILE="no").message


@pytest.mark.parametrize(
    "line",
    [
        r'name = "Kess\r\nBcc: x@example.org"',
        r'name = "Kess\u001b[31m"',
        'language = "../../x"',
        'base_url = "javascript:alert(1)"',
        f'base_url = "https://redaction:{CANARY}@example.org"',
        """base_url = 'https://example.org/"><b>'""",
    ],
)
def test_what_would_break_headers_pages_or_terminals_is_no_setting(tmp_path: Path, line: str) -> None:
    (finding,) = _refused(tmp_path, f"[workspace]\n{line}\n").findings
    assert finding.line == 2
    assert finding.field == f"workspace.{line.split()[0]}"
    assert CANARY not in str(finding)
