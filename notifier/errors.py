"""Every exception that the house raises on purpose, in one tree.

    NotifierError
    ├── ConfigError            a setting or a file is wrong: where, what, and what would be right
    │   └── QueryError         a topic's match expression: line and column within it
    ├── AddressRefused         the address guard or the allow-list said no
    ├── SubscriptionInvalid    a browser sent a subscription that cannot be used
    ├── NotFound               no such subscription, alert, story or feed
    ├── Conflict               somebody else changed it first
    └── LeaseLost              another worker holds this chunk now

Expected results of work (not modified, gone, retry later) are values, not exceptions. Each class carries the stable
`code` that leaves the house: in JSON answers, in logs and as a metric's label.
"""

from __future__ import annotations

from pathlib import Path


class NotifierError(Exception):
    """Root of the tree; `code` is stable, `http_status` is what the web room answers."""

    code = "internal"
    http_status = 500


class ConfigError(NotifierError):
    """A file or a setting is wrong. `line` and `column` count from 1; `fix` says what would be right."""

    code = "config"

    def __init__(
        self,
        problem: str,
        *,
        fix: str = "",
        path: Path | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.problem, self.fix, self.path, self.line, self.column = problem, fix, path, line, column
        super().__init__(self.__str__())

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        text = f"{place}: {self.problem}" if place else self.problem
        return f"{text}. {self.fix}" if self.fix else text


class QueryError(ConfigError):
    """A match expression cannot be read; `line` and `column` are within the expression, from 1."""

    code = "query"
    http_status = 422


class AddressRefused(NotifierError):
    """The server would have talked to an address that it must not talk to."""

    code = "address-refused"
    http_status = 422


class SubscriptionInvalid(NotifierError):
    """The browser's subscription has an endpoint or keys that cannot be used."""

    code = "subscription-invalid"
    http_status = 422


class NotFound(NotifierError):
    """What was asked for does not exist, or not any more."""

    code = "not-found"
    http_status = 404


class Conflict(NotifierError):
    """The thing was changed by somebody else since it was read."""

    code = "conflict"
    http_status = 409


class LeaseLost(NotifierError):
    """A worker's lease ran out and another worker holds the chunk now: stop, write nothing."""

    code = "lease-lost"
