"""What browsers tell of alerts: that one was shown, or clicked, and how long after it was sent.

Enters: a POST with an alert's random name and nothing of the browser's. Leaves: counts, handed to the store once a
second. An unknown name is answered like a known one, so that nobody learns anything by asking.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from notifier.alerts.receipts import BUCKETS_S, Receipt
from notifier.web import errors
from notifier.web.bodies import Body
from notifier.web.clients import client_of
from notifier.web.rates import limit_receipts
from notifier.web.security import refuse_foreign
from notifier.web.services import services_of

MAX_BODY_BYTES = 256

router = APIRouter(prefix="/api", tags=["subscribers"], responses=errors.PROBLEM, max_body_size=MAX_BODY_BYTES)


class ReceiptBody(Body):
    """`receipt` is the alert's name from its payload; `bucket` the number of the step that it was shown in."""

    receipt: Annotated[str, StringConstraints(pattern=r"^[\w-]{16,32}$")]
    kind: Literal["shown", "clicked"]
    bucket: int = Field(ge=0, lt=len(BUCKETS_S))


@router.post("/receipts", status_code=204)
async def tell(body: ReceiptBody, request: Request) -> Response:
    """Count that a browser showed or clicked an alert. What names no alert is answered alike."""
    # Called, not depended on: FastAPI would take each to a thread, which costs more than all the rest.
    services = services_of(request)
    refuse_foreign(request, services)
    limit_receipts(request)
    if services.receipts is not None:
        services.receipts.hear(Receipt(body.receipt, body.kind, body.bucket), client_of(request.scope))
    return Response(status_code=204)
