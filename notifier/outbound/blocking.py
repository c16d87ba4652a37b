"""Asks one thing of another server and waits for it, in a thread: for what is asked seldom and outside of the loop.

Enters: a `Request`, its `Route` and how long it may take. Leaves: a `Response`, or an exception of `exchange`.
"""

from __future__ import annotations

import pycurl

from notifier.outbound.exchange import Request, Response
from notifier.outbound.handle import Handle
from notifier.outbound.route import Route


def ask(route: Route, request: Request, within_s: float) -> Response:
    """Send `request` over a connection of its own. Raises what `client.Client.ask` raises."""
    handle = Handle(route, within_s)
    try:
        handle.begin(request, within_s)
        code, message = 0, ""
        try:
            handle.curl.perform()
        except pycurl.error as failed:
            code, message = failed.args[0], str(failed.args[1])
        return handle.end(code, message)
    finally:
        handle.close()
