"""What the sink does with a request, chosen by the first segment of its path.

/ok               201                              /reset            RST_STREAM INTERNAL_ERROR
/410 /500 ...     that status                      /refused-once     RST_STREAM REFUSED_STREAM, then 201
/429-seconds      Retry-After: 7                   /close            the connection is cut
/429-date         Retry-After: an HTTP date        /never            no answer
/429-until-20     the date in so many seconds
/after-0.5        201 after so many seconds        /goaway           201, GOAWAY, and no more on this connection
/big              413 with 200 kB of text          /goaway-before    GOAWAY that leaves this one unprocessed, once
/continuation     headers in many CONTINUATIONs    /dynamic          headers that fill and use the dynamic table
/early            103, then 201                    /padded           padding and priority in HEADERS
/trailers         201, a body and trailers         /shrink           SETTINGS: no header table, a window of 1,000
/huge             201 with 200 kB of headers       /drip             103 every 50 ms, and never an answer
/goaway-ever      as /goaway-before, every time
/half-head        a head that does not end, so that nothing else can come on its connection
/endless          503 with a text that never ends: as much as the windows let through
/429-after-60     Retry-After: 60
/ignores-table    201 by a field of the dynamic table, though the client wants none; with -404: that status
/limited          201, and 429 beyond 1,000 a minute; the test says when a minute is over
/redirect         301 to 127.0.0.1:1
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from time import time

DRIP_S = 0.05
RETRY_DATE = "Wed, 02 Jan 2030 03:04:05 GMT"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`special` names what is not a plain answer; `once` holds only for the first time that a path is asked for."""

    status: int = 201
    headers: tuple[tuple[str, str], ...] = (("location", "https://push.example.org/m/1"),)
    body: bytes = b""
    delay_s: float = 0.0
    special: str = ""
    once: bool = False


_NAMED = {
    "ok": Behaviour(),
    "429-seconds": Behaviour(429, (("retry-after", "7"),)),
    "429-date": Behaviour(429, (("retry-after", RETRY_DATE),)),
    "reset": Behaviour(special="reset"),
    "refused-once": Behaviour(special="refuse", once=True),
    "close": Behaviour(special="close"),
    "never": Behaviour(special="never"),
    "goaway": Behaviour(special="goaway"),
    "goaway-before": Behaviour(special="goaway-before", once=True),
    "big": Behaviour(413, (), b"too large. " * 20_000),
    "continuation": Behaviour(special="continuation"),
    "dynamic": Behaviour(special="dynamic"),
    "ignores-table": Behaviour(special="ignores-table"),
    "ignores-table-404": Behaviour(404, (), special="ignores-table"),
    "early": Behaviour(special="early"),
    "padded": Behaviour(special="padded"),
    "trailers": Behaviour(body=b"accepted", special="trailers"),
    "huge": Behaviour(headers=(("x-filler", "x" * 100),) * 1500, special="huge"),
    "endless": Behaviour(503, (), b"come again " * 100_000, special="endless"),
    "goaway-ever": Behaviour(special="goaway-before"),
    "half-head": Behaviour(special="half-head"),
    "drip": Behaviour(special="drip"),
    "garbage": Behaviour(special="garbage"),
    "limited": Behaviour(special="limited"),
    "shrink": Behaviour(special="shrink"),
    "redirect": Behaviour(301, (("location", "http://127.0.0.1:1/"),)),
}


def behaviour_of(path: str) -> Behaviour:
    """Raises LookupError for a path that means nothing."""
    name = path.split("/", 2)[1]
    if name.isdigit():
        return Behaviour(int(name), ())
    if name.startswith("429-until-"):
        date = formatdate(time() + float(name.removeprefix("429-until-")), usegmt=True)
        return Behaviour(429, (("retry-after", date),))
    if name.startswith("429-after-"):
        return Behaviour(429, (("retry-after", name.removeprefix("429-after-")),))
    if name.startswith("after-"):
        return Behaviour(delay_s=float(name.removeprefix("after-")))
    return _NAMED[name]
