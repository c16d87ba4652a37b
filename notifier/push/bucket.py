"""A pace that follows what is accepted (pure): additive increase, multiplicative decrease, tokens between them.

A service that says 429 to many, without saying for how long, allows so many messages a second and does not say how
many. What it accepted in the last second is the first guess. Where nothing was refused there is no bucket at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FIRST_CUT, CUT = 0.95, 0.92
DEEPEST_CUT = 0.2
STEP = 0.015
"""Added a second, of the pace that was refused last."""
GUESS_TIMES = 1.25
"""The first guess may be far too low, where a service takes few at once: until it is refused it grows so a second."""
BEYOND = 1.15
"""A pace so far above the one that was refused is not refused any more: it doubles every DOUBLING_S."""
DOUBLING_S = 4.0
SLOWEST_PER_S, FREE_PER_S = 1.0, 20_000.0
BURST_S, QUANTUM_S = 0.25, 0.1
"""Tokens are kept for so long, and are worth a batch when there are so many."""
FIRST_REST_S = 0.9
"""What was taken beyond the limit before it was known has to be waited for: windows of a second are usual."""
FORGOTTEN_AFTER = timedelta(minutes=10)

NEW_SHARE, NEW_NUMBER = 0.10, 10
"""Of a batch, and how many recipients, have to be refused before a service is thought to have a limit."""
KNOWN_SHARE, KNOWN_NUMBER = 0.03, 3
"""Of a second, where it is known to have one."""

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Second:
    """What one second came to; `before`: what was accepted in the one before it."""

    started_at: datetime | None = None
    accepted: int = 0
    throttled: int = 0
    before: int = 0

    def add(self, accepted: int, throttled: int, now: datetime) -> Second:
        """With a batch more."""
        if self.started_at is None or now >= self.started_at + 2 * _SECOND:
            return Second(now, accepted, throttled)
        if now >= self.started_at + _SECOND:
            return Second(self.started_at + _SECOND, accepted, throttled, self.accepted)
        return replace(self, accepted=self.accepted + accepted, throttled=self.throttled + throttled)

    @property
    def is_beyond(self) -> bool:
        """More was refused than a few devices are likely to be refused for reasons of their own."""
        several = self.throttled >= KNOWN_NUMBER
        return several and self.throttled > KNOWN_SHARE * (self.accepted + self.throttled)


@dataclass(frozen=True, slots=True)
class Bucket:
    """`per_s` messages may go; `tokens` are there as of `at`, less than none while it rests; `refused_per_s` was too
    much at `cut_at`. `is_guess`: it was not refused again yet."""

    per_s: float
    tokens: float
    at: datetime
    refused_per_s: float
    cut_at: datetime
    is_guess: bool = False


def first_cut(second: Second, now: datetime) -> Bucket:
    """The bucket of a service that begins to refuse."""
    per_s = max(SLOWEST_PER_S, FIRST_CUT * max(second.accepted, second.before))
    return Bucket(per_s, -FIRST_REST_S * per_s, now, per_s / FIRST_CUT, now, is_guess=True)


def cut(bucket: Bucket, second: Second, now: datetime) -> Bucket:
    """Slower, once a second at most: what comes back sooner was sent before the last cut."""
    if now < bucket.cut_at + _SECOND:
        return replace(bucket, tokens=min(bucket.tokens, 0.0))
    accepted = max(second.accepted, second.before)
    per_s = max(SLOWEST_PER_S, DEEPEST_CUT * bucket.per_s, min(CUT * bucket.per_s, float(accepted)))
    return Bucket(per_s, min(bucket.tokens, 0.0), now, bucket.per_s, now)


def refill(bucket: Bucket, now: datetime) -> Bucket | None:
    """With the tokens of the time that has passed, a little faster; None where there is nothing left to keep to."""
    passed_s = max(0.0, (now - bucket.at).total_seconds())
    if passed_s > FORGOTTEN_AFTER.total_seconds():
        return None
    tokens = min(bucket.tokens + bucket.per_s * passed_s, max(1.0, bucket.per_s * BURST_S))
    used_s = min(passed_s, 1.0)  # no quiet time proves anything
    if bucket.is_guess:
        per_s = bucket.per_s * GUESS_TIMES**used_s
    elif bucket.per_s > BEYOND * bucket.refused_per_s:
        per_s = bucket.per_s * 2.0 ** (used_s / DOUBLING_S)
    else:
        per_s = bucket.per_s + max(STEP * bucket.refused_per_s, 0.2) * used_s
    return None if per_s > FREE_PER_S else replace(bucket, per_s=per_s, tokens=tokens, at=now)


def take(bucket: Bucket, wanted: int) -> tuple[Bucket, int, float]:
    """(what is left, how many of `wanted` may go, after how many seconds there are some for the others)."""
    send = max(0, min(wanted, int(bucket.tokens)))
    left = replace(bucket, tokens=bucket.tokens - send)
    enough = max(1.0, bucket.per_s * QUANTUM_S)
    return left, send, max(0.02, (enough - left.tokens) / bucket.per_s)
