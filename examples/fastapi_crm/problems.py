"""Errors as problem details (RFC 9457), and a guard against bodies that are too large."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadlife.errors import LeadlifeError

MOST_BYTES = 64 * 1024
TOO_LARGE = 413


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """Return a problem details response."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


async def of_leadlife(_: Request, error: Exception) -> JSONResponse:
    """Answer with what leadlife says."""
    assert isinstance(error, LeadlifeError)
    said = error.to_dict()
    detail = said.pop("message")
    if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem(error.http_status, "this is our fault, and it was noted", code=said["code"])
    return problem(error.http_status, detail, **said)


async def of_request(_: Request, error: Exception) -> JSONResponse:
    """Answer a request that is not of the form that was asked for; what was sent is not sent back."""
    assert isinstance(error, RequestValidationError)
    faults = [{"path": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request is not of the form that is asked for", faults=faults)


async def of_http(_: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refuses."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail))


def add_problems(app: FastAPI) -> None:
    """Let an app answer all errors as problem details."""
    app.add_exception_handler(LeadlifeError, of_leadlife)
    app.add_exception_handler(RequestValidationError, of_request)
    app.add_exception_handler(HTTPException, of_http)
    app.add_middleware(BodyLimit)


class BodyLimit:
    """Refuses bodies that are too large, whether or not they say so beforehand."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on if its body is small enough."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MOST_BYTES:
                too_large = problem(TOO_LARGE, f"a body has at most {MOST_BYTES} bytes")
                await too_large(scope, receive, send)
                return
        handed_on = False

        async def again() -> Message:
            nonlocal handed_on
            if handed_on:
                return await receive()
            handed_on = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)
