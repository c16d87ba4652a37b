"""Errors as they leave the house: problem+json (RFC 9457) for programs, a small page for people.

Enters: exceptions. Leaves: answers with a stable `code`, a title, and a detail that says what to do. Words come from
the table below and never from the exception, whose text may hold what the client sent (an endpoint, a key).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from notifier.errors import NotifierError, TooOften
from notifier.web.security import HEADERS
from notifier.web.templating import render

log = structlog.get_logger(__name__)


class Words(NamedTuple):
    """What went wrong, and what to do about it."""

    title: str
    detail: str


WORDS: Mapping[str, Words] = {
    "internal": Words("Something broke on our side", "It has been written to the log. Try again in a few minutes."),
    "request-invalid": Words("The request is not as it should be", "Reload the page, then try again."),
    "subscription-invalid": Words(
        "We can't send to this browser's push service",
        "Update the browser, or use a current Firefox, Chrome, Edge or Safari.",
    ),
    "address-refused": Words(
        "We can't send to this browser's push service",
        "Update the browser, or use a current Firefox, Chrome, Edge or Safari.",
    ),
    "unknown-topic": Words("That topic does not exist any more", "Reload the page to see the topics there are now."),
    "not-found": Words("There is nothing here", "The address may be mistyped, or what it named is gone."),
    "conflict": Words("Somebody else changed this first", "Reload the page to see how it stands now."),
    "key-changed": Words("This site has a new key", "Reload the page, then press “Get alerts” again."),
    "token-missing": Words("We don't know which browser this is", "Press “Get alerts” on the page to subscribe."),
    "foreign-origin": Words("Another site asked for this", "Only this site's own page may change a subscription."),
    "too-often": Words("That was too often", "Wait a minute, then try again."),
    "too-large": Words("The request is too large", "Reload the page, then try again."),
    "method-not-allowed": Words(
        "This address does not take such a request", "See /api/openapi.json for what it takes."
    ),
    "request-refused": Words("The request was refused", "Reload the page, then try again."),
    "sign-in-needed": Words("Sign in first", "Your session has ended, or there was none."),
    "role-too-low": Words("Your role does not allow this", "Ask an administrator of this site."),
    "form-expired": Words("This form is too old", "Go back, reload the page, then try again."),
    "password-refused": Words("This password is too short", "Use twelve characters or more: four words will do."),
    "query": Words("The rule cannot be read", "Look at the place that is named beside it."),
    "config": Words("The file would be broken", "Nothing was saved. Look at what is named beside it."),
    "push-failed": Words(
        "Your browser's push service refused our message",
        "It is not your fault: tell the people who run this site. Your subscription stays as it is.",
    ),
    "subscription-ended": Words(
        "Your browser has ended this subscription",
        "Press “Get alerts” to start again.",
    ),
    "push-service-busy": Words(
        "Your browser's push service is not taking messages just now",
        "Try again in a few minutes. News alerts are kept and sent as soon as it does.",
    ),
}
_CODES = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 422: "request-invalid"}

PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457); `code` is stable",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "code", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "code": {"type": "string", "enum": sorted(WORDS)},
                        "detail": {"type": "string"},
                        "errors": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}


def install(app: FastAPI) -> None:
    """Let every error of `app` leave as described above."""
    # Starlette calls each handler with its own kind of exception, but types them all as Exception: hence the casts.
    app.add_exception_handler(NotifierError, _on_known)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_bug)


def _on_known(request: Request, problem: Exception) -> Response:
    known = cast("NotifierError", problem)
    if known.http_status >= 500:
        log.warning("web.failed", path=request.url.path, code=known.code)
    headers = {"Retry-After": str(known.after_s)} if isinstance(known, TooOften) else {}
    if known.code not in WORDS:
        return answer(request, "internal", 500)
    return answer(request, known.code, known.http_status, headers)


def _on_http(request: Request, problem: Exception) -> Response:
    status = cast("HTTPException", problem).status_code
    return answer(request, _CODES.get(status, "request-refused" if status < 500 else "internal"), status)


def _on_invalid(request: Request, problem: Exception) -> Response:
    found = cast("RequestValidationError", problem).errors()
    # Neither `input` nor `ctx`: they hold what the client sent.
    errors = [{"at": ".".join(str(part) for part in error["loc"]), "problem": error["msg"]} for error in found]
    return answer(request, "request-invalid", 422, errors=errors)


def _on_bug(request: Request, problem: Exception) -> Response:
    # Answered outside the middleware that adds the headers elsewhere.
    return answer(request, "internal", 500, HEADERS)


def answer(
    request: Request,
    code: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    """A page where a person is looking, problem+json where a program asks."""
    words = WORDS[code]
    if not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", ""):
        return render(request, "error.html", status=status, headers=headers, words=words)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": words.title,
        "status": HTTPStatus(status),
        "code": code,
        "detail": words.detail,
    }
    return JSONResponse(
        body | ({"errors": errors} if errors else {}), status, headers, media_type="application/problem+json"
    )
