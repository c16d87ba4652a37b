"""Templates to answers: one Jinja environment, autoescaped, in which a missing name is an error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from notifier.text.line import shorten
from notifier.text.spans import ago, iso, written
from notifier.web.assets import asset
from notifier.web.services import services_of


def render(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **names: Any
) -> HTMLResponse:
    """`template` with `site` and `names`."""
    text = _environment().get_template(template).render(site=services_of(request).site, **names)
    return HTMLResponse(text, status, dict(headers or {}))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("notifier.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"ago": ago, "shorten": shorten, "written": written, "iso": iso}
    environment.globals["asset"] = asset
    return environment
