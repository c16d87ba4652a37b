"""How each push service writes the endpoints that it gives to browsers: the four that are known, and an operator's.

A service's host has more doors than the one for web push (`fcm.googleapis.com/v1/projects/...`, `api.push.apple.com`).
What is sent there is refused for reasons that look like ours, so an endpoint has to have the whole form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_BROWSER = r"[A-Za-z0-9_-][A-Za-z0-9._~:=+-]{0,1023}"
"""What stands for the browser: base64url in all that are known, with room for what they may put beside it. No "/" and
no "%", with which a path would lead elsewhere."""

_ANYTHING = re.compile(r"/.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PushService:
    """`host` and `rest` (path and query) have to match as a whole; `has_many_hosts`: `host` matches more than one."""

    name: str
    host: re.Pattern[str]
    rest: re.Pattern[str]
    has_many_hosts: bool = False


KNOWN = (
    # Chrome and its family: kPushMessagingGcmEndpoint and kPushMessagingWebpushEndpoint in Chromium's
    # components/push_messaging/push_messaging_constants.cc.
    PushService("fcm", re.compile(r"fcm\.googleapis\.com"), re.compile(rf"/(?:fcm/send|wp)/{_ONE_BROWSER}")),
    # Firefox: autopush's /wpush/v1/ and, for subscriptions bound to a key, /wpush/v2/
    # (mozilla-services.github.io/autopush-rs/http.html).
    PushService(
        "mozilla", re.compile(r"updates\.push\.services\.mozilla\.com"), re.compile(rf"/wpush/v[1-9]/{_ONE_BROWSER}")
    ),
    # Safari: one token and nothing else.
    PushService("apple", re.compile(r"web\.push\.apple\.com"), re.compile(rf"/{_ONE_BROWSER}")),
    # Edge: a host for each data centre (wns2-par02p, db5p, sn1p), and a token in percent-encoded base64.
    PushService(
        "wns",
        re.compile(r"(?:wns[0-9]?-)?[a-z]{2,8}[0-9]{0,3}[a-z]?\.notify\.windows\.com"),
        re.compile(r"/w/\?token=(?:[A-Za-z0-9._~+/=-]|%[0-9A-Fa-f]{2})+"),
        has_many_hosts=True,
    ),
)
OF_BROWSERS = frozenset(service.name for service in KNOWN)


def at_host(host: str) -> PushService:
    """An operator's own service at exactly this host: any path."""
    known = next((service.name for service in KNOWN if service.host.fullmatch(host)), host)
    return PushService(known, re.compile(re.escape(host)), _ANYTHING)


def below(host: str) -> PushService:
    """An operator's own service at hosts below this one: any path."""
    return PushService(host, re.compile(rf"(?:[a-z0-9-]{{1,63}}\.)+{re.escape(host)}"), _ANYTHING, has_many_hosts=True)


def at_origin(name: str) -> PushService:
    """An operator's own service at an origin that is compared elsewhere: any path."""
    return PushService(name, re.compile(re.escape(name)), _ANYTHING)
