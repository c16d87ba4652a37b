"""Passwords: hashed with Argon2 by pwdlib, checked in the same time whether or not there is such an operator."""

from __future__ import annotations

from functools import cache

from pwdlib import PasswordHash

from notifier.errors import PasswordRefused

SHORTEST = 12
LONGEST = 200
NONE = "none"
"""Stored for an operator who signs in by a provider only: no password has this hash."""


def hash_password(password: str) -> str:
    """The hash to store. Raises PasswordRefused for one that is too short to be safe, or absurdly long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordRefused(f"a password has {SHORTEST} characters or more")
    return _hasher().hash(password)


def fits(password: str, stored: str | None) -> bool:
    """Whether the password is the one behind the hash; `stored` None stands for an operator who does not exist."""
    known = stored if stored != NONE else None
    right = _hasher().verify(password[:LONGEST], known or _nobody())
    return right and known is not None


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    """A hash to compare with where there is no operator, so that the answer takes as long."""
    return _hasher().hash("nobody has this password")
