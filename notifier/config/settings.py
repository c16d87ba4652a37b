"""The environment as settings: every NOTIFIER_… variable, its default and its bounds.

Enters: the process's environment and the `.env` file (python-dotenv; the environment wins). Leaves: `Settings`.
docs/reference/settings.md is written from the descriptions here (`make reference`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from notifier.errors import ConfigError
from notifier.operators.identity import role_rules

PREFIX = "NOTIFIER_"


class Settings(BaseModel):
    """What the environment says. Each field is the variable NOTIFIER_ plus its name in capitals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on")
    proxies: str = Field(
        "127.0.0.1",
        description="Addresses or networks of proxies whose X-Forwarded-For is believed, comma separated: rate limits "
        "count visitors, not the proxy",
    )
    connections: int = Field(
        0, ge=0, le=100_000, description="Connections open at once; 0: 2,000, or half of `ulimit -n` where that is less"
    )
    title: str = Field("Notifier", min_length=1, max_length=60, description="The site's name on pages and alerts")
    base_url: str = Field("", description="Public address, for WebSub callbacks and links; empty: from host and port")
    hosts: str = Field(
        "",
        description="Further names under which this site is asked, comma separated, for a proxy that sends another "
        "Host",
    )
    metrics_token: str = Field(
        "", repr=False, description="Whoever sends it as a bearer token sees /metrics and all of /readyz, from anywhere"
    )
    contact: str = Field(
        "mailto:operator@localhost",
        description="How push services and publishers reach you: a mailto: or https: address",
    )
    data_dir: Path = Field(Path("data"), description="Keys and, with SQLite, the database")
    config_dir: Path = Field(Path("config"), description="Where feeds.yaml and topics.yaml are")
    database_url: str = Field(
        "",
        description="SQLAlchemy URL, such as postgresql+psycopg://notifier:secret@db/notifier; empty: SQLite in the "
        "data folder",
    )
    database_pooler: bool = Field(
        False, description="PgBouncer or the like stands before PostgreSQL; it is mostly found out without being told"
    )
    log_format: str = Field(
        "console", pattern="^(console|json)$", description="console for a person, json for a collector"
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged")

    poll_tick_s: float = Field(1.0, gt=0, le=60, description="How often due feeds are looked for")
    poll_least_s: float = Field(30.0, gt=0, le=86_400, description="Shortest interval that is chosen for a feed")
    poll_most_s: float = Field(3600.0, gt=0, le=86_400, description="Longest interval that is chosen for a feed")
    feed_body_bytes: int = Field(10 * 2**20, ge=1024, description="Largest feed, decompressed")
    feed_deadline_s: float = Field(30.0, gt=0, le=300, description="Longest time for one fetch, all included")
    feed_allow: str = Field(
        "", description="Private hosts that feeds may be on, comma separated: feeds.lan, 10.0.0.5:8080"
    )

    alert_max_age_s: float = Field(6 * 3600, gt=0, le=31_536_000, description="Older items never alert")
    alert_update_gap_s: float = Field(
        600, ge=0, le=31_536_000, description="Least time between an alert and its update"
    )
    breaking_ttl_s: int = Field(3600, ge=0, le=2_419_200, description="How long a breaking alert is worth delivering")
    normal_ttl_s: int = Field(43_200, ge=0, le=2_419_200, description="How long any other alert is")
    push_allow: str = Field(
        "",
        description="Push services beside Google's, Mozilla's, Apple's and Microsoft's, comma separated: hosts "
        "(push.example.org), all hosts below one (*.push.example.org) or origins (https://push.example.org:8443)",
    )
    push_threads: int = Field(2, ge=1, le=64, description="Chunks that this process runs at once")
    push_sub_batch: int = Field(
        500, ge=1, le=10_000, description="Pushes between two writes of the cursor: what a crash can repeat"
    )
    broker_url: str = Field(
        "",
        description="RabbitMQ, for workers on other machines: amqp://user:password@host/; empty: workers look into the "
        "database every second",
    )
    receipts: bool = Field(
        True,
        description="Browsers tell, without saying who, that an alert was shown or clicked; false: nothing is asked "
        "or counted",
    )
    pictures: str = Field(
        "none",
        pattern="^(none|site|publisher)$",
        description="Pictures in notifications. none; site: this server fetches each once, draws it anew and serves "
        "it from "
        "/pictures/; publisher: each reader's browser loads it from the publisher, who sees who reads, and the page "
        "says so",
    )
    click_opens: str = Field(
        "outlet",
        pattern="^(outlet|page)$",
        description="What a click on a notification opens. outlet: the article at its publisher; page: the alert's "
        "page on this site, which says who else tells it, what changed and why it was sent",
    )
    push_lease_s: float = Field(
        90.0, gt=0, le=3600, description="How long a worker that is silent keeps a chunk from the others"
    )
    rehearsal: str = Field(
        "", description="For recorded feeds: START*SPEED, for example 2026-04-25T20:00Z*600; empty: the real time"
    )
    keep_days: int = Field(
        65,
        ge=1,
        le=36_500,
        description="Days for which items, stories and finished alerts are kept; nothing goes in the first hour after "
        "a start, nor by a clock that was wrong for less",
    )

    oidc_issuer: str = Field(
        "", max_length=255, description="An OpenID provider to sign in by: its issuer, as it writes it in its tokens"
    )
    oidc_client_id: str = Field("", max_length=255, description="The name of this site at the provider")
    oidc_client_secret: str = Field("", repr=False, description="Its secret there; empty: a public client")
    oidc_title: str = Field("your account", max_length=40, description="What the sign-in page calls the provider")
    oidc_roles: str = Field(
        "", description="Roles by claim, comma separated: groups:newsroom=editor; empty: operators are made beforehand"
    )
    oidc_allow: str = Field(
        "", description="Private hosts that the provider may be on, comma separated: login.lan, 10.0.0.5:8443"
    )

    @field_validator("contact")
    @classmethod
    def contact_is_an_address(cls, value: str) -> str:
        """RFC 8292 section 2.1: a mailto: or https: URI."""
        if not value.startswith(("mailto:", "https:")):
            raise ValueError("write mailto:you@your.site or https://your.site/contact")
        return value

    @field_validator("base_url")
    @classmethod
    def base_url_is_an_address(cls, value: str) -> str:
        """Empty, or scheme and host."""
        parts = urlsplit(value)
        _ = parts.port  # raises ValueError where it is none
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("write https://alerts.your.site")
        return value

    @model_validator(mode="after")
    def least_is_not_above_most(self) -> Self:
        """The cadence has to have room."""
        if self.poll_least_s > self.poll_most_s:
            raise ValueError("NOTIFIER_POLL_LEAST_S is above NOTIFIER_POLL_MOST_S")
        return self

    @model_validator(mode="after")
    def provider_is_whole(self) -> Self:
        """An issuer needs our name there, an address to come back to, and https unless it is on a private host."""
        if not self.oidc_issuer:
            return self
        parts = urlsplit(self.oidc_issuer)
        private = {parts.hostname, parts.netloc} & {part.strip() for part in self.oidc_allow.split(",")}
        if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and private)):
            raise ValueError("NOTIFIER_OIDC_ISSUER is written with https://, unless NOTIFIER_OIDC_ALLOW names its host")
        if not self.oidc_client_id or not self.base_url:
            raise ValueError("NOTIFIER_OIDC_ISSUER needs NOTIFIER_OIDC_CLIENT_ID and NOTIFIER_BASE_URL too")
        return self

    @field_validator("oidc_roles")
    @classmethod
    def roles_can_be_read(cls, value: str) -> str:
        """claim:value=role, comma separated."""
        try:
            role_rules(value)
        except ConfigError as wrong:
            raise ValueError(str(wrong)) from wrong
        return value

    @field_validator("rehearsal")
    @classmethod
    def rehearsal_is_a_time_and_a_speed(cls, value: str) -> str:
        """START*SPEED, with START in ISO 8601 with its zone."""
        if value:
            rehearsal_of(value)
        return value

    @property
    def database(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'notifier.db'}"

    @property
    def database_file(self) -> Path | None:
        """SQLite's file; None for another database, or one in memory."""
        kind, _, rest = self.database.partition("://")
        path = rest.removeprefix("/").partition("?")[0]
        return Path(path) if kind.partition("+")[0] == "sqlite" and path not in {"", ":memory:"} else None

    @property
    def vapid_key_path(self) -> Path:
        """The PEM file of the application server key."""
        return self.data_dir / "keys" / "vapid.pem"

    @property
    def feeds_path(self) -> Path:
        """config/feeds.yaml."""
        return self.config_dir / "feeds.yaml"

    @property
    def topics_path(self) -> Path:
        """config/topics.yaml."""
        return self.config_dir / "topics.yaml"


def rehearsal_of(value: str) -> tuple[datetime, float]:
    """START*SPEED as an aware UTC time and a factor. Raises ValueError."""
    start, _, speed = value.partition("*")
    at = datetime.fromisoformat(start.strip())
    if at.tzinfo is None or not 0 < float(speed or 1) <= 100_000:
        raise ValueError("write a time with its zone and a speed, for example 2026-04-25T20:00Z*600")
    try:
        return at.astimezone(UTC), float(speed or 1)
    except OverflowError as outside:
        raise ValueError("the time is before the first year or after the last") from outside


def listed(value: str) -> tuple[str, ...]:
    """A comma-separated setting as its parts."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def load_settings(env_file: Path = Path(".env"), environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `.env` and the environment. Raises ConfigError naming each variable that is wrong."""
    outside = os.environ if environment is None else environment
    written = {k: v for k, v in dotenv_values(env_file).items() if v is not None} if env_file.is_file() else {}
    merged = {**written, **outside}
    ours = {k.removeprefix(PREFIX).lower(): v for k, v in merged.items() if k.startswith(PREFIX)}
    known = set(Settings.model_fields)
    unknown = sorted(PREFIX + name.upper() for name in ours if name not in known and not name.startswith("test_"))
    if unknown:
        raise ConfigError(f"unknown setting {unknown[0]}", fix="docs/reference/settings.md lists them all")
    try:
        return Settings.model_validate({name: value for name, value in ours.items() if name in known})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else "a setting"
        field = Settings.model_fields.get(str(first["loc"][0])) if first["loc"] else None
        fix = f"It is: {field.description}" if field else ""
        raise ConfigError(f"{name}: {first['msg']}", fix=fix) from wrong
