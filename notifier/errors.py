"""Every exception that the service raises on purpose, in one tree.

    NotifierError
    ├── ConfigError            a setting or a file is wrong: where, what, and what would be right
    │   └── QueryError         a topic's match expression: line and column within it
    ├── AddressRefused         the address guard or the allow-list said no
    ├── SubscriptionInvalid    a browser sent a subscription that cannot be used
    │   └── UnknownTopic       it asks for a topic that config/topics.yaml does not have (any more)
    ├── NotFound               no such subscription, alert, story or feed
    ├── Conflict               somebody else changed it first
    │   ├── KeyChanged         the browser subscribed with an application server key that is not ours (any more)
    │   ├── KeyReused          a program sends another request under an Idempotency-Key that it has used
    │   ├── AudienceGrew       an alert by hand would go to more people than its author agreed to
    │   └── FileBroken         an operators' file has a mistake already, and has to be mended by hand first
    ├── RequestRefused         the web room will not carry out a request as it came
    │   ├── TokenMissing       without the subscriber's token
    │   ├── ForeignOrigin      from a page of another site
    │   ├── ForeignHost        under a name that is not this site's
    │   ├── TooOften           more often than the rate limit allows
    │   │   └── PreviewsBusy   a preview, while others are being worked out
    │   ├── TooBusy            while as many do this at once as the machine bears
    │   ├── SignInNeeded       in the console, without a session
    │   ├── RoleTooLow         by an operator who may look but not do this
    │   ├── FormExpired        without the form token of the operator's own session
    │   ├── TokenRefused       in the operators' API, without a token that is good
    │   ├── ScopeMissing       with one that was not given for this
    │   ├── EntryInvalid       with a topic, a feed or an alert that cannot be taken as it is
    │   └── PasswordRefused    with a new password that is too easily guessed
    ├── ProviderFailed         an OpenID provider gave no answer that can be trusted
    ├── PushFailed             a push service did not take a message that a subscriber waits for
    │   ├── SubscriptionEnded  and says that the subscription is over
    │   └── PushServiceBusy    and may take it later
    ├── TooMuchWork            a rule takes more steps or time than one question may
    ├── DatabaseUnwell         the database is away, full, corrupt, read-only or busy: try again later
    └── LeaseLost              another worker holds this chunk now

Expected results of work (not modified, gone, retry later) are values, not exceptions. Each class carries the stable
`code` that leaves the service: in JSON answers and in logs. docs/reference/errors.md is written from what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType


class NotifierError(Exception):
    """Root of the tree; `code` is stable, `http_status` is what the web room answers."""

    code = "internal"
    http_status = 500

    members: Mapping[str, object] = MappingProxyType({})
    """What a program may read beside the words: places, versions, differences. Never what was sent in secret."""


class ConfigError(NotifierError):
    """A setting or a file is wrong; the text names place (`line` and `column` count from 1) and `fix`."""

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
    """A topic's rule cannot be read; `line` and `column` are within the expression, from 1."""

    code = "query"
    http_status = 422

    @property
    def members(self) -> Mapping[str, object]:  # type: ignore[override]
        """The place within the rule."""
        return place_of(self)


class AddressRefused(NotifierError):
    """The server would have talked to an address that it must not talk to."""

    code = "address-refused"
    http_status = 422


class SubscriptionInvalid(NotifierError):
    """The browser's subscription has an endpoint or keys that cannot be used."""

    code = "subscription-invalid"
    http_status = 422


class UnknownTopic(SubscriptionInvalid):
    """A browser asks for a topic that does not exist, or not any more."""

    code = "unknown-topic"


class NotFound(NotifierError):
    """What was asked for does not exist, or not any more."""

    code = "not-found"
    http_status = 404


class Conflict(NotifierError):
    """Somebody else changed it since it was read: look at the difference."""

    code = "conflict"
    http_status = 409


class KeyChanged(Conflict):
    """The application server key was rotated since the page was loaded: the browser has to subscribe anew."""

    code = "key-changed"


class KeyReused(Conflict):
    """Another request was made under the same Idempotency-Key."""

    code = "key-reused"


class AudienceGrew(Conflict):
    """An alert by hand would go to more people than its author agreed to."""

    code = "audience-grew"

    def __init__(self, audience: int) -> None:
        self.audience, self.members = audience, {"audience": audience}
        super().__init__(f"it would go to {audience} people")


class FileBroken(Conflict):
    """An operators' file has a mistake as it stands: it has to be mended by hand before a program may change it."""

    code = "file-broken"

    def __init__(self, broken: ConfigError) -> None:
        self.members = place_of(broken)
        super().__init__(str(broken))


class RequestRefused(NotifierError):
    """The web room will not carry out a request as it came."""

    code = "request-refused"
    http_status = 400


class TokenMissing(RequestRefused):
    """A subscriber's route was called without a well-formed bearer token."""

    code = "token-missing"
    http_status = 401


class ForeignOrigin(RequestRefused):
    """A page of another site tried to change something here."""

    code = "foreign-origin"
    http_status = 403


class ForeignHost(RequestRefused):
    """The request names a host that is not this site's, by NOTIFIER_BASE_URL and NOTIFIER_HOSTS (RFC 9110, 15.5.20)."""

    code = "foreign-host"
    http_status = 421


class TooOften(RequestRefused):
    """A client asks more often than the rate limit allows; `Retry-After` (`after_s`) says when to come back."""

    code = "too-often"
    http_status = 429

    def __init__(self, after_s: int) -> None:
        self.after_s = after_s
        super().__init__(f"too many requests; again in {after_s} s")


class PreviewsBusy(TooOften):
    """As many previews are being worked out as may be at once, for this operator or in all."""

    code = "previews-busy"


class TooBusy(RequestRefused):
    """As many do this at once as the machine bears; `Retry-After` (`after_s`) says when there may be room."""

    code = "too-busy"
    http_status = 503

    def __init__(self, after_s: int) -> None:
        self.after_s = after_s
        super().__init__(f"too many at once; again in {after_s} s")


class SignInNeeded(RequestRefused):
    """A console page or action was asked for without an open session."""

    code = "sign-in-needed"
    http_status = 401


class RoleTooLow(RequestRefused):
    """The operator's role does not allow this."""

    code = "role-too-low"
    http_status = 403


class FormExpired(RequestRefused):
    """A change came without the form token that belongs to the operator's session."""

    code = "form-expired"
    http_status = 403


class TokenRefused(RequestRefused):
    """The operators' API was asked without a token, or with one that is unknown, revoked or expired."""

    code = "token-refused"
    http_status = 401


class ScopeMissing(RequestRefused):
    """The token was not given for this; `scope` names what it lacks."""

    code = "scope-missing"
    http_status = 403

    def __init__(self, scope: str) -> None:
        self.members = {"scope": scope}
        super().__init__(f"the token does not have the scope {scope}")


class EntryInvalid(RequestRefused):
    """A topic, a feed or an alert cannot be taken as it is; `members` say what is wrong and what would be right."""

    code = "entry-invalid"
    http_status = 422

    def __init__(self, wrong: ConfigError | str, fix: str = "") -> None:
        if isinstance(wrong, str):
            wrong = ConfigError(wrong, fix=fix)
        self.members = place_of(wrong)
        self.sentence = f"{wrong.problem}. {wrong.fix}" if wrong.fix else wrong.problem
        """What a person reads at a form: without the file's path."""
        super().__init__(str(wrong))


class PasswordRefused(RequestRefused):
    """A new password has fewer than twelve characters, or is too long to be one."""

    code = "password-refused"
    http_status = 422


class ProviderFailed(NotifierError):
    """An OpenID provider did not answer, or not in a way that can be trusted; nobody was signed in."""

    code = "provider-failed"
    http_status = 502


class PushFailed(NotifierError):
    """The push service refused a message that a subscriber waits for: a fault of ours or of theirs."""

    code = "push-failed"
    http_status = 502


class SubscriptionEnded(PushFailed):
    """The push service says that the subscription is over (404, 410)."""

    code = "subscription-ended"
    http_status = 410


class PushServiceBusy(PushFailed):
    """The push service cannot take the message now (429, 5xx, no answer)."""

    code = "push-service-busy"
    http_status = 503


class TooMuchWork(NotifierError):
    """A rule was stopped: it took more steps or time than one question may, or nobody waits for the answer."""

    code = "too-much-work"
    http_status = 422

    members = MappingProxyType(
        {
            "problem": "trying this rule takes longer than it may",
            "fix": "Ask about fewer days, or make it simpler: fewer words in a NEAR, longer beginnings before a *",
        }
    )


class DatabaseUnwell(NotifierError):
    """The database is away, full, corrupt, read-only or busy (`fault`); `Retry-After` says for how long."""

    code = "database-away"
    http_status = 503
    after_s = 15

    def __init__(self, fault: str, cause: str) -> None:
        self.fault, self.cause = fault, cause
        super().__init__(f"the database is {fault}: {cause}")


class LeaseLost(NotifierError):
    """A worker's lease ran out, another holds the chunk: it stops and writes nothing. Only ever in the log."""

    code = "lease-lost"


def place_of(wrong: ConfigError) -> Mapping[str, object]:
    """What is wrong, what would be right and where, for a program. No path: where files are is nobody's business."""
    found = {"problem": wrong.problem, "fix": wrong.fix, "line": wrong.line, "column": wrong.column}
    return {name: value for name, value in found.items() if value not in (None, "")}
