"""Errors as they leave the service: problem+json (RFC 9457) for programs, a small page for people.

Enters: exceptions. Leaves: answers with a stable `code`, a title, and a detail that says what to do. Words come from
the table below and never from the exception, whose text may hold what the client sent (an endpoint, a key).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.errors import DatabaseUnwell, NotifierError, TokenRefused, TooBusy, TooOften
from notifier.web.routes import every_route
from notifier.web.security import HEADERS
from notifier.web.templating import render

log = structlog.get_logger(__name__)


class ErrorText(NamedTuple):
    """What went wrong, and what to do about it."""

    title: str
    detail: str


WORDS: Mapping[str, ErrorText] = {
    "internal": ErrorText("Something broke on our side", "It has been written to the log. Try again in a few minutes."),
    "database-away": ErrorText(
        "We can't look anything up just now",
        "Our database does not answer. Nothing is lost: try again in a minute.",
    ),
    "request-invalid": ErrorText("The request is not as it should be", "Reload the page, then try again."),
    "subscription-invalid": ErrorText(
        "We can't send to this browser's push service",
        "Update the browser, or use a current Firefox, Chrome, Edge or Safari.",
    ),
    "address-refused": ErrorText(
        "We can't send to this browser's push service",
        "Update the browser, or use a current Firefox, Chrome, Edge or Safari.",
    ),
    "unknown-topic": ErrorText(
        "That topic does not exist any more", "Reload the page to see the topics there are now."
    ),
    "not-found": ErrorText("There is nothing here", "The address may be mistyped, or what it named is gone."),
    "conflict": ErrorText("Somebody else changed this first", "Reload the page to see how it stands now."),
    "key-changed": ErrorText("This site has a new key", "Reload the page, then press “Get alerts” again."),
    "token-missing": ErrorText("We don't know which browser this is", "Press “Get alerts” on the page to subscribe."),
    "foreign-origin": ErrorText("Another site asked for this", "Only this site's own page may change a subscription."),
    "too-often": ErrorText("That was too often", "Wait a minute, then try again."),
    "previews-busy": ErrorText(
        "Another preview is being worked out", "You may have one at a time, and all operators together two. Try again."
    ),
    "too-much-work": ErrorText(
        "Trying this rule takes longer than it may",
        "Make it simpler: fewer words in a NEAR, longer beginnings before a *. Nothing was saved.",
    ),
    "too-busy": ErrorText("Too many sign in just now", "Wait a few seconds, then try again."),
    "foreign-host": ErrorText(
        "This site has another address",
        "If you run it: set NOTIFIER_BASE_URL to the address that people type, and further names in NOTIFIER_HOSTS.",
    ),
    "too-large": ErrorText("The request is too large", "Reload the page, then try again."),
    "method-not-allowed": ErrorText(
        "This address does not take such a request", "See /api/openapi.json for what it takes."
    ),
    "request-refused": ErrorText("The request was refused", "Reload the page, then try again."),
    "sign-in-needed": ErrorText("Sign in first", "Your session has ended, or there was none."),
    "role-too-low": ErrorText("Your role does not allow this", "Ask an administrator of this site."),
    "form-expired": ErrorText("This form is too old", "Go back, reload the page, then try again."),
    "password-refused": ErrorText("This password is too short", "Use twelve characters or more: four words will do."),
    "query": ErrorText("The rule cannot be read", "Look at the place that is named beside it."),
    "config": ErrorText("The file would be broken", "Nothing was saved. Look at what is named beside it."),
    "key-reused": ErrorText(
        "This Idempotency-Key belongs to another request",
        "Choose a new key for each alert; send the same key only with the same body.",
    ),
    "audience-grew": ErrorText(
        "It would go to more people than you agreed to", "Look at `audience`, then send it with `at_most` raised."
    ),
    "file-broken": ErrorText(
        "The file has a mistake already", "Mend it by hand first: `notifier check` names the line and the fix."
    ),
    "entry-invalid": ErrorText("This cannot be taken as it is", "Look at `problem` and `fix`."),
    "token-refused": ErrorText(
        "This needs a token that is good",
        "Send `Authorization: Bearer TOKEN`. An operator makes one on the console's page “Access”.",
    ),
    "scope-missing": ErrorText("The token was not given for this", "Make one that has the scope named in `scope`."),
    "provider-failed": ErrorText(
        "The sign-in provider gave no answer that we can trust",
        "Try again. If it stays so, sign in with your password, or ask whoever runs this site to look into its log.",
    ),
    "push-failed": ErrorText(
        "Your browser's push service refused our message",
        "It is not your fault: tell the people who run this site. Your subscription stays as it is.",
    ),
    "subscription-ended": ErrorText(
        "Your browser has ended this subscription",
        "Press “Get alerts” to start again.",
    ),
    "push-service-busy": ErrorText(
        "Your browser's push service is not taking messages just now",
        "Try again in a few minutes. News alerts are kept and sent as soon as it does.",
    ),
}
FOR_PROGRAMS: Mapping[str, ErrorText] = {
    "request-invalid": ErrorText(
        "The request is not as it should be", "Each of `errors` names a place and its problem."
    ),
    "conflict": ErrorText(
        "It was changed since the version that you name",
        "Look at `difference`, read it again, and send the version that it has now.",
    ),
    "role-too-low": ErrorText(
        "The operator behind this token may not do this any more", "Ask an administrator of this site."
    ),
    "unknown-topic": ErrorText("There is no such topic", "GET /api/v1/topics lists those that there are."),
    "query": ErrorText("The rule cannot be read", "Look at `problem`, `fix`, `line` and `column`."),
    "too-large": ErrorText("The request is too large", "Send less."),
    "request-refused": ErrorText("The request was refused", "See /api/openapi.json for what it takes."),
    "too-often": ErrorText("That was too often", "Wait for as long as Retry-After says."),
}
"""What is said otherwise where a program asks on an operator's behalf."""
PROGRAMS = "/api/v1/"
_CODES = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 422: "request-invalid"}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "What went wrong"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": sorted(WORDS), "description": "Stable; docs/reference/errors.md lists them"},
        "detail": {"type": "string", "description": "What to do about it"},
        "errors": {
            "type": "array",
            "description": "Where a request is not as it should be",
            "items": {
                "type": "object",
                "required": ["at", "problem"],
                "properties": {"at": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of problems with these statuses."""
    return {status: _described(f"{HTTPStatus(status).phrase} (RFC 9457; `code` is stable)") for status in statuses}


def _described(words: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}  # `app` puts it there, once for all answers
    return {"description": words, "content": {"application/problem+json": {"schema": schema}}}


PROBLEM: dict[int | str, dict[str, Any]] = {"default": _described("A problem (RFC 9457); `code` is stable")}


def install(app: FastAPI) -> None:
    """Let every error of `app` leave as described above."""
    # Starlette calls each handler with its own kind of exception, but types them all as Exception: hence the casts.
    app.add_exception_handler(NotifierError, _on_known)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ClientDisconnect, _on_gone)
    app.add_exception_handler(Exception, _on_bug)


def _on_known(request: Request, problem: Exception) -> Response:
    known = cast("NotifierError", problem)
    # A database that is away is told once, by the list of troubles, and not by each request that meets it.
    if known.http_status >= 500 and not isinstance(known, DatabaseUnwell):
        log.warning("web.failed", path=request.url.path, code=known.code)
    headers = {"Retry-After": str(known.after_s)} if isinstance(known, TooOften | TooBusy | DatabaseUnwell) else {}
    if isinstance(known, TokenRefused):
        headers["WWW-Authenticate"] = "Bearer"
    if known.code not in WORDS:
        return answer(request, "internal", 500)
    return answer(request, known.code, known.http_status, headers, members=known.members)


def _on_http(request: Request, problem: Exception) -> Response:
    refused = cast("HTTPException", problem)
    status, headers = refused.status_code, refused.headers
    if status == 405:
        headers = {"Allow": ", ".join(sorted(_methods_here(request)))}
    code = _CODES.get(status, "request-refused" if status < 500 else "internal")
    return answer(request, code, status, headers)


def _methods_here(request: Request) -> set[str]:
    """What all routes of this address take together (RFC 9110 section 15.5.6)."""
    here = [r for r in every_route(request.app.routes) if r.path_regex.match(request.scope["path"])]
    return {method for route in here for method in route.methods or ()}


class TooLargeInWords:
    """Says like any other problem what the server's limit on bodies says in plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a `send` that replaces such an answer."""
        replaced = False

        async def say(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == 413:
                kind = MutableHeaders(scope=message).get("content-type", "")
                if kind.startswith("text/plain"):
                    replaced = True
                    await answer(Request(scope), "too-large", 413)(scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, say)


def _on_invalid(request: Request, problem: Exception) -> Response:
    found = cast("RequestValidationError", problem).errors()
    # Neither `input` nor `ctx`: they hold what the client sent.
    errors = [{"at": ".".join(str(part) for part in error["loc"]), "problem": error["msg"]} for error in found]
    return answer(request, "request-invalid", 422, errors=errors)


def _on_gone(request: Request, problem: Exception) -> Response:
    """Whoever asked broke off, or was too slow, before the whole of it had come: there is nobody to answer."""
    return answer(request, "request-refused", 400, HEADERS)


def _on_bug(request: Request, problem: Exception) -> Response:
    # Answered outside the middleware that adds the headers elsewhere.
    return answer(request, "internal", 500, HEADERS)


def answer(
    request: Request,
    code: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
    members: Mapping[str, object] = MappingProxyType({}),
) -> Response:
    """A page where a person is looking, problem+json where a program asks; there, `members` stand beside the words."""
    words = WORDS[code]
    if request.url.path.startswith(PROGRAMS):
        words = FOR_PROGRAMS.get(code, words)
    if not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", ""):
        return render(request, "error.html", status=status, headers=headers, words=words)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": words.title,
        "status": HTTPStatus(status),
        "code": code,
        "detail": words.detail,
    }
    if errors:
        body["errors"] = errors
    return JSONResponse({**members, **body}, status, headers, media_type="application/problem+json")
