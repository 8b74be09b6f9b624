"""Settings: one TOML file, then environment (`TRACKER_SECTION_KEY`), secrets also from files.

Every key has a default except what only the operator can know (paths and mail server); relative paths in the file
are relative to the file. `load_settings` tells file and line of whatever it cannot use.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tracker.errors import ConfigError, at
from tracker.mail_servers import FallbackServer, Security
from tracker.resources import data_dir

ENVIRONMENT_PREFIX: Final = "TRACKER_"
Severity = Literal["info", "low", "medium", "high", "critical"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Section):
    """Where everything is kept: raw bodies lie beside the database, the snapshot under `public/`."""

    path: Path = Path("var/store.duckdb")
    publish_seconds: float = Field(60, ge=1)  # a snapshot at most this often; always before an alert goes out
    keep_fetches_days: int = Field(90, ge=1)


class RulesSettings(_Section):
    """Folders of the thesis, later ones over earlier ones; empty means the built-in thesis."""

    dirs: tuple[Path, ...] = ()


class SourcesSettings(_Section):
    """Files of sources; empty means the built-in list."""

    files: tuple[Path, ...] = ()


class HttpSection(_Section):
    """How politely the world is asked."""

    contact: str = ""
    allow_private: bool = False
    timeout_s: float = Field(30, gt=0)
    max_bytes: int = Field(50_000_000, gt=0)
    per_host_rps: float = Field(1.0, gt=0)
    per_host_concurrency: int = Field(2, ge=1)
    retries: int = Field(3, ge=0)
    max_redirects: int = Field(5, ge=0)
    respect_robots: bool = True


class MailSettings(_Section):
    """The mail server and the one recipient list most people need; `rules/alerts.yaml` knows more."""

    host: str = ""
    port: int = Field(587, ge=1, le=65535)
    security: Security = "starttls"
    username: str = ""
    password: str = Field("", repr=False)
    password_file: Path | None = None
    sender: str = Field("", alias="from")
    to: tuple[str, ...] = ()
    digest_at: str = "07:30"
    timezone: str = "UTC"
    language: Literal["en", "zh"] = "en"
    immediate: Severity = "high"
    fallback_hosts: tuple[
        FallbackServer, ...
    ] = ()  # "host:port" or a table; tried in order when the first does not answer
    timeout_s: float = Field(30, gt=0)
    ca_file: Path | None = None  # certificate authority of an in-house mail server
    dkim_domain: str = ""
    dkim_selector: str = ""
    dkim_key_file: Path | None = None
    max_immediate_per_hour: int = Field(6, ge=1)  # what is over is folded into one message
    max_immediate_per_day: int = Field(40, ge=1)  # what is over waits for the digest
    bounce_to: str = ""  # where delivery failures are returned to (envelope sender); default: `from`

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @field_validator("digest_at")
    @classmethod
    def _clock_time(cls, value: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError("is not a time of day such as 07:30")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            near = get_close_matches(value, available_timezones(), 1)
            raise ValueError(f"is not a time zone{f'; did you mean {near[0]}?' if near else ' such as Europe/Berlin'}")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The reader's time zone."""
        return ZoneInfo(self.timezone)

    def servers(self) -> list[MailSettings]:
        """These settings as they are for each server, in the order they are tried."""
        return [self, *(self.model_copy(update=spare.changes()) for spare in self.fallback_hosts)]

    def secret(self) -> str:
        """The password: from the environment or file, `password_file`, or the service manager's credentials."""
        if self.password:
            return self.password
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        for file in (self.password_file, Path(credentials) / "mail_password" if credentials else None):
            if file and file.exists():
                return file.read_text(encoding="utf-8").strip()
        return ""


class DaemonSettings(_Section):
    """The process itself."""

    host: str = "127.0.0.1"
    port: int = Field(8765, ge=0, le=65535)  # health, metrics, feedback links; 0 switches them off
    public_url: str = ""  # where a reader's browser reaches this port; needed for feedback links in mails
    web_token: str = Field("", repr=False)  # opens the pages from other machines; without it they are for this one
    web_token_file: Path | None = None
    concurrency: int = Field(8, ge=1)  # sources polled at the same time
    drain_seconds: float = Field(30, ge=0)
    heartbeat_url: str = ""  # dead man's switch: asked while all is well, so that silence is noticed elsewhere
    heartbeat_minutes: float = Field(5, gt=0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    def secret_token(self) -> str:
        """The token of the pages: from the environment or file, or `web_token_file`; '' when there is none."""
        if self.web_token:
            return self.web_token
        file = self.web_token_file
        return file.read_text(encoding="utf-8").strip() if file and file.exists() else ""


class LlmSettings(_Section):
    """Optional proposals by an OpenAI-compatible endpoint; off unless `base_url` is set."""

    base_url: str = ""
    model: str = ""
    api_key: str = Field("", repr=False)
    api_key_file: Path | None = None
    timeout_s: float = Field(60, gt=0)
    max_cost_usd: float = Field(1.0, ge=0)  # a day
    usd_per_1k_tokens: float = Field(0.002, ge=0)
    cache_dir: Path | None = None  # answers, and what was spent; beside the database when not set

    def secret_key(self) -> str:
        """The key: from the environment or file, or `api_key_file`; '' when the endpoint wants none."""
        if self.api_key:
            return self.api_key
        file = self.api_key_file
        return file.read_text(encoding="utf-8").strip() if file and file.exists() else ""


class ExtractSettings(_Section):
    """Extraction."""

    llm: LlmSettings = LlmSettings()


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    store: StoreSettings = StoreSettings()
    rules: RulesSettings = RulesSettings()
    sources: SourcesSettings = SourcesSettings()
    http: HttpSection = HttpSection()
    mail: MailSettings = MailSettings()
    daemon: DaemonSettings = DaemonSettings()
    extract: ExtractSettings = ExtractSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file."""
        return env_settings, init_settings

    @property
    def rules_dirs(self) -> tuple[Path, ...]:
        """Folders of the thesis, the built-in one when none is named."""
        return self.rules.dirs or (data_dir("rules"),)

    @property
    def source_files(self) -> tuple[Path, ...]:
        """Files of sources, the built-in list when none is named."""
        return self.sources.files or (data_dir("rules") / "sources.yaml",)

    @property
    def archive_dir(self) -> Path:
        """Where raw bodies are kept."""
        return self.store.path.parent / "raw"


def find_config(explicit: Path | None) -> Path | None:
    """`--config`, then `TRACKER_CONFIG`, then `tracker.toml` here, then none."""
    if explicit is not None:
        return explicit
    if named := os.environ.get("TRACKER_CONFIG"):
        return Path(named)
    here = Path("tracker.toml")
    return here if here.exists() else None


def load_settings(path: Path | None, *, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """Settings from a file (None: defaults and environment). Raises ConfigError with file:line."""
    text = ""
    values: dict[str, Any] = {}
    if path is not None:
        text, values = _read(path)
        values = _anchored(values, path.resolve().parent)
    for section, entries in (overrides or {}).items():
        values.setdefault(section, {}).update(entries)
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _explain(error, path, text) from error


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=str(path), hint="'tracker init' writes a commented configuration"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8", where=str(path)) from error
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise ConfigError(f"not TOML: {error}", where=at(path, int(found[1]) if found else None)) from error


_PATH_KEYS: Final = {
    ("store", "path"),
    ("rules", "dirs"),
    ("sources", "files"),
    ("mail", "password_file"),
    ("mail", "ca_file"),
    ("mail", "dkim_key_file"),
    ("daemon", "web_token_file"),
}


def _anchored(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the file's relative paths relative to the file."""
    for section, key in _PATH_KEYS:
        entries = values.get(section)
        if not isinstance(entries, dict) or key not in entries:
            continue
        value = entries[key]
        if isinstance(value, str):
            entries[key] = folder / value
        elif isinstance(value, list):
            entries[key] = [folder / item if isinstance(item, str) else item for item in value]
    mail = values.get("mail")
    for spare in mail.get("fallback_hosts", ()) if isinstance(mail, dict) else ():
        for key in ("password_file", "ca_file"):
            if isinstance(spare, dict) and isinstance(spare.get(key), str):
                spare[key] = folder / spare[key]
    return values


def _explain(error: ValidationError, path: Path | None, text: str) -> ConfigError:
    first = error.errors()[0]
    keys = [str(part) for part in first["loc"] if not isinstance(part, int)]
    name = ".".join(keys)
    hint = None
    if first["type"] == "extra_forbidden":
        known = _known_keys(keys[:-1])
        near = get_close_matches(keys[-1], known, 1)
        message = f"unknown key '{name}'"
        hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}"
    else:
        message = f"{name}: {first['msg'].removeprefix('Value error, ')} (it is {first['input']!r})"
    if path is None:
        where = f"{ENVIRONMENT_PREFIX}{'_'.join(keys).upper()}"
    else:
        where = at(path, _line_of(text, keys))
    return ConfigError(message, where=where, hint=hint)


def _known_keys(parents: list[str]) -> list[str]:
    model: Any = Settings
    for part in parents:
        model = model.model_fields[part].annotation
        if get_origin(model) is tuple:  # a list of tables
            model = get_args(model)[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _line_of(text: str, keys: list[str]) -> int | None:
    """Line of a key in TOML text: the first assignment of its last part at or after its table's header."""
    lines = text.splitlines()
    start = 0
    for depth in range(len(keys) - 1, 0, -1):
        header = re.compile(rf"\s*\[+\s*{re.escape('.'.join(keys[:depth]))}\s*\]")
        found = next((i for i, line in enumerate(lines) if header.match(line)), None)
        if found is not None:
            start = found
            break
    wanted = re.compile(rf"\s*(\[?\s*)?[\w.\"]*\b{re.escape(keys[-1])}\b")
    return next((i + 1 for i in range(start, len(lines)) if wanted.match(lines[i])), start + 1 if lines else None)
