"""Which names are this site's. Pure.

Enters: a Host header, and how the site presents itself. Leaves: whether that is us; `own_hosts` refuses the others.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from notifier.outbound.addresses import is_address
from notifier.web.services import SiteSettings

# Names that nobody on the public internet can have (RFC 6761, 6762, 8375, and ICANN's `internal`).
NEAR = ("localhost", "local", "internal", "home.arpa")
_NAME = re.compile(r"[a-z0-9_.-]+")


def is_ours(host: str, site: SiteSettings) -> bool:
    """Whether a Host header names this site.

    Always this machine's own names, and names without a dot, as containers have: nobody else can own them. Further the
    public address and the names set beside it; where there is no public address yet, any address of a private network.
    """
    name = host_name(host)
    if name is None:
        return False
    if name in {host_name(urlsplit(site.base_url).netloc), *site.hosts} or host.lower() in site.hosts:
        return True
    if is_loopback(name) or ("." not in name and ":" not in name):
        return True
    return not site.is_public and (is_address(name) or name.endswith(tuple(f".{near}" for near in NEAR)))


def is_loopback(name: str) -> bool:
    """Whether a name is this machine's own, whoever asks."""
    return name == "localhost" or name.endswith(".localhost") or (is_address(name) and ip_address(name).is_loopback)


def host_name(host: str) -> str | None:
    """The name in a Host header (RFC 9110 section 7.2), lower case and without its port; None where there is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises ValueError where it is none
        name = parts.hostname
    except ValueError:
        return None
    if name is None or parts.netloc != host or "@" in host:
        return None
    name = name.lower().rstrip(".")
    return name if _NAME.fullmatch(name) or is_address(name) else None


def as_path(location: str, host: str) -> str:
    """A redirect to ourselves as a path, which repeats no Host; one to others as it is."""
    parts = urlsplit(location)
    if not parts.netloc or parts.netloc != host:
        return location
    # `//name/` would be another site's address again.
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{parts.query}" if parts.query else path
