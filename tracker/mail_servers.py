"""Further mail servers of the configuration: an address, or a table with settings of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Security = Literal["none", "starttls", "tls"]


class FallbackServer(BaseModel):
    """A server that is tried when those before it do not take a message. What it does not say is as in `[mail]`.

    "host" or "host:port" is short for a table of these two. The login goes as a whole: with a username of its own it needs a
    password of its own, so that no server learns another's; an empty username means no login.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1)
    port: int | None = Field(None, ge=1, le=65535)
    security: Security | None = None
    username: str | None = None
    password: str = Field("", repr=False)
    password_file: Path | None = None
    ca_file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        host, colon, port = value.rpartition(":")
        named = bool(colon) and port.isdigit()
        return {"host": (host if named else value).strip("[]")} | ({"port": int(port)} if named else {})

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if self.username and not (self.password or self.password_file):
            raise ValueError("has a username of its own but neither password nor password_file")
        if (self.password or self.password_file) and not self.username:
            raise ValueError("has a password of its own but no username")
        return self

    def changes(self) -> dict[str, Any]:
        """The keys of `[mail]` that are otherwise for this server."""
        said = {key: getattr(self, key) for key in ("port", "security", "ca_file") if getattr(self, key) is not None}
        if self.username is not None:
            said |= {"username": self.username, "password": self.password, "password_file": self.password_file}
        return {"host": self.host, "fallback_hosts": (), **said}
