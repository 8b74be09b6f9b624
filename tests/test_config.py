"""Settings: the contract's file is understood, mistakes name file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracker.config import find_config, load_settings
from tracker.errors import ConfigError

CONTRACT = """
[store]
path = "var/store.duckdb"
[rules]
dirs = ["rules"]
[sources]
files = ["sources.yaml"]
[http]
contact = "ops@example.org"
allow_private = true
[mail]
host = "127.0.0.1"
port = 2525
security = "none"
username = ""
from = "tracker@example.org"
to = ["reader@example.org"]
digest_at = "07:30"
timezone = "Europe/Berlin"
language = "zh"
immediate = "high"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tracker.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_contracts_file_is_understood_and_its_paths_are_relative_to_it(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, CONTRACT))
    assert settings.store.path == tmp_path / "var" / "store.duckdb"
    assert settings.rules_dirs == (tmp_path / "rules",)
    assert settings.source_files == (tmp_path / "sources.yaml",)
    assert (settings.mail.sender, settings.mail.to) == ("tracker@example.org", ("reader@example.org",))
    assert settings.mail.zone.key == "Europe/Berlin"


def test_without_a_file_everything_has_a_default() -> None:
    settings = load_settings(None)
    assert settings.rules_dirs[0].is_dir()
    assert settings.source_files[0].name == "sources.yaml"


def test_the_shipped_template_is_valid(root: Path) -> None:
    assert load_settings(root / "deploy" / "tracker.toml").mail.digest_at == "07:30"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[mail]\nhost = "x"\ndigst_at = "07:30"\n', 3, "did you mean 'digest_at'"),
        ('[mail]\nport = "many"\n', 2, "mail.port"),
        ('[mail]\n\ndigest_at = "7 o clock"\n', 3, "time of day"),
        ('[mail]\ntimezone = "Europe/Berlim"\n', 2, "did you mean Europe/Berlin"),
        ("[stor]\npath = 'x'\n", 1, "did you mean 'store'"),
        ("[mail\nhost = 1\n", 1, "not TOML"),
        ('[mail]\nimmediate = "urgent"\n', 2, "mail.immediate"),
    ],
)
def test_a_mistake_names_file_line_and_way_out(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert f"{path}:{line}" in str(caught.value)
    assert message in str(caught.value)


def test_the_environment_goes_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_MAIL_PASSWORD", "secret")
    monkeypatch.setenv("TRACKER_MAIL_DIGEST_AT", "08:15")
    mail = load_settings(write(tmp_path, CONTRACT)).mail
    assert (mail.secret(), mail.digest_at) == ("secret", "08:15")
    assert "secret" not in repr(mail)


def test_the_password_may_come_from_a_file_or_the_service_manager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mail_password").write_text("from-credentials\n", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_settings(None).mail.secret() == "from-credentials"
    (tmp_path / "own").write_text("from-file\n", encoding="utf-8")
    path = write(tmp_path, '[mail]\npassword_file = "own"\n')
    assert load_settings(path).mail.secret() == "from-file"


def test_a_fallback_server_has_what_it_says_and_the_rest_from_mail(tmp_path: Path) -> None:
    (tmp_path / "relay").write_text("other\n", encoding="utf-8")
    text = """
[mail]
host = "a.example.org"
username = "ann"
password = "secret"
fallback_hosts = ["b.example.org", "[::1]:2525", {host = "c.example.org", port = 465, security = "tls", ca_file = "ca.pem"},
                  {host = "d.example.org", username = "bob", password_file = "relay"}, {host = "e.example.org", username = ""}]
"""
    servers = load_settings(write(tmp_path, text)).mail.servers()
    told = [(s.host, s.port, s.security, s.username, s.secret() if s.username else "") for s in servers]
    assert told == [
        ("a.example.org", 587, "starttls", "ann", "secret"),
        ("b.example.org", 587, "starttls", "ann", "secret"),
        ("::1", 2525, "starttls", "ann", "secret"),
        ("c.example.org", 465, "tls", "ann", "secret"),
        ("d.example.org", 587, "starttls", "bob", "other"),
        ("e.example.org", 587, "starttls", "", ""),
    ]
    assert [s.ca_file for s in servers[3:5]] == [tmp_path / "ca.pem", None]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ('{host = "b", username = "bob"}', "neither password nor password_file"),
        ('{host = "b", password = "x"}', "no username"),
        ('{host = "b", securty = "tls"}', "did you mean 'security'"),
        ('{host = "b", port = 99999}', "less than or equal to 65535"),
    ],
)
def test_a_fallback_server_that_is_wrong_is_told(tmp_path: Path, entry: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, f'[mail]\nhost = "a"\nfallback_hosts = [{entry}]\n'))
    assert told in str(caught.value)
    assert "tracker.toml:" in str(caught.value)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tracker init"):
        load_settings(tmp_path / "none.toml")


def test_the_configuration_is_found_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRACKER_CONFIG", raising=False)
    assert find_config(None) is None
    write(tmp_path, "")
    assert find_config(None) == Path("tracker.toml")
    monkeypatch.setenv("TRACKER_CONFIG", "other.toml")
    assert find_config(None) == Path("other.toml")
    assert find_config(Path("said.toml")) == Path("said.toml")
