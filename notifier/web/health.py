"""What machines ask: is the process alive, can it do its work, how much has it done.

Leaves: /healthz (alive), /readyz (503 if a check is not well), /metrics (Prometheus). What the checks say, and the
metrics, are for this machine and for whoever has NOTIFIER_METRICS_TOKEN: an address that is open to all tells nobody
how many subscribers there are.
"""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from notifier.errors import NotFound
from notifier.troubles import as_json
from notifier.web.clients import from_this_machine
from notifier.web.rates import count_bad_token
from notifier.web.services import Services, WebServices

router = APIRouter(include_in_schema=False)


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> PlainTextResponse:
    """The process answers; it asks nothing of the database or the network."""
    return PlainTextResponse("ok\n")


@router.api_route("/readyz", methods=["GET", "HEAD"])
def readyz(request: Request, services: Services) -> JSONResponse:
    """503 where a check is not well, for load balancers; for whoever may know, what each says, and every trouble.

    A trouble alone is no reason for 503: pages are served well by a service whose pushes are held up.
    """
    checks = services.readiness()
    ready = all(check.ok for check in checks.values())
    told: dict[str, object] = {"ready": ready}
    if may_look_inside(request, services):
        told["checks"] = {name: {"ok": c.ok, "detail": c.detail} for name, c in checks.items()}
        told["troubles"] = [as_json(trouble) for trouble in services.troubles()]
    return JSONResponse(told, 200 if ready else 503)


@router.get("/metrics")
def metrics(request: Request, services: Services) -> Response:
    """The Prometheus text format, for whoever may know. Raises NotFound, or TooOften for who keeps trying."""
    if not may_look_inside(request, services):
        raise NotFound("not for everybody")
    return Response(services.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


def may_look_inside(request: Request, services: WebServices) -> bool:
    """Whether the request comes from this machine itself, or with the token (RFC 6750 section 2.1). Raises TooOften."""
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    token = services.site.metrics_token
    if token and scheme.lower() == "bearer":
        if hmac.compare_digest(sent.strip().encode(), token.encode()):
            return True
        count_bad_token(request)
    return from_this_machine(request.scope)
