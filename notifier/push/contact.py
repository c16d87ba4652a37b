"""The contact that goes into every push's signature (RFC 8292 section 2.1), and who refuses which (pure).

Apple answers 403 BadJwtToken to contacts that cannot be one: a space after `mailto:`, angle brackets, `.local`,
`localhost` (developer.apple.com/forums/thread/721015; web-push-libs/web-push issue 737).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_MAIL = re.compile(r"mailto:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_NOBODY = ("localhost", "local", "localdomain", "internal", "invalid", "test", "example", "lan", "home.arpa")


def contact_problem(contact: str) -> str | None:
    """Why Apple, at least, refuses pushes that name this contact; None where nothing speaks against it."""
    if contact.startswith("mailto:"):
        mail = _MAIL.fullmatch(contact)
        if mail is not None:
            host = mail[1]
        elif contact.rpartition("@")[2].lower() in _NOBODY:
            host = contact.rpartition("@")[2]
        else:
            return "it is no mail address: write mailto:you@your.site, without spaces or brackets"
    else:
        try:
            host = urlsplit(contact).hostname or ""
        except ValueError:
            host = ""
        if any(sign.isspace() for sign in contact) or not host:
            return "it is no address of a page: write https://your.site/contact"
        if "." not in host or host.replace(".", "").isdigit() or ":" in host:
            return f"{host} is no public host"
    last = host.lower().rstrip(".")
    if any(last == name or last.endswith(f".{name}") for name in _NOBODY):
        return f"{host} is no public host"
    return None
