"""Every route that the application has, whichever router it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from starlette.routing import BaseRoute, Route


def every_route(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    """The routes of an application and, where FastAPI keeps a router whole, of that router (without a prefix)."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from every_route(included.routes)
        elif isinstance(route, Route):
            yield route
