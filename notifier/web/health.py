"""What machines ask: is the process alive, can it do its work, how much has it done.

Leaves: /healthz (alive), /readyz (each check with its detail; 503 if one is not well), /metrics (Prometheus).
"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from notifier.troubles import Trouble
from notifier.web.services import Services

router = APIRouter(include_in_schema=False)


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> PlainTextResponse:
    """The process answers; it asks nothing of the database or the network."""
    return PlainTextResponse("ok\n")


@router.api_route("/readyz", methods=["GET", "HEAD"])
def readyz(services: Services) -> JSONResponse:
    """Every check, and 503 where one is not well, so that a load balancer sends people elsewhere; and every trouble.

    A trouble alone is no reason for 503: pages are served well by a service whose pushes are held up.
    """
    checks = services.readiness()
    ready = all(check.ok for check in checks.values())
    return JSONResponse(
        {
            "ready": ready,
            "checks": {name: {"ok": c.ok, "detail": c.detail} for name, c in checks.items()},
            "troubles": [_shown(trouble) for trouble in services.troubles()],
        },
        200 if ready else 503,
    )


def _shown(trouble: Trouble) -> dict[str, object]:
    return {
        "code": trouble.code.value,
        "subject": trouble.subject,
        "what": trouble.what,
        "do": trouble.do,
        "grave": trouble.grave,
        "since": trouble.since.isoformat() if trouble.since else None,
        "count": trouble.count,
    }


@router.get("/metrics")
def metrics(services: Services) -> Response:
    """The Prometheus text format."""
    return Response(services.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")
