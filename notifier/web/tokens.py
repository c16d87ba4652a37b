"""The subscriber's token: made by the browser, kept by the browser, known here only by its SHA-256.

Enters: an Authorization header (RFC 6750 section 2.1). Leaves: the digest under which the store knows its owner. It is
256 random bits, so a plain digest is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from notifier.errors import TokenMissing

# 32 bytes in base64url without padding: the last character carries four bits, so it is one of sixteen.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_bearer = HTTPBearer(
    auto_error=False, scheme_name="subscriberToken", description="The browser's own random token: 32 bytes, base64url"
)


def token_hash(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> bytes:
    """The SHA-256 of the request's bearer token. Raises TokenMissing."""
    if credentials is None or not _TOKEN.fullmatch(credentials.credentials):
        raise TokenMissing("no well-formed bearer token")
    return hashlib.sha256(credentials.credentials.encode()).digest()


Owner = Annotated[bytes, Depends(token_hash)]
"""The digest that names whoever sent the request."""
