"""The page's own server: static files, what crossed the wire, the policy file, and what is to be said of a policy."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ..errors import PolicyError
from ._examine import Draft, Question, Rewriting, Sent, examine, rewritten, told
from ._uploads import LIMIT as UPLOAD_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ..errors import Problem
    from ._bucket import Bucket
    from ._policy import DemoPolicy
    from ._recorder import Recorder
    from ._uploads import Uploads

PAGE = Path(__file__).parent / "page"
LIMIT = 65_536  # bytes of JSON that the page may send

Kind = TypeVar("Kind", bound=BaseModel)


class Upload(Sent):
    """Something that the page wants to upload: its name, and how many bytes it has."""

    name: str = Field(min_length=1, max_length=200)
    size: int = Field(ge=0)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, all of it on one host."""

    page: int
    asgi: int
    wsgi: int
    other: int

    def origins(self, hostname: str) -> dict[str, str]:
        """The origin behind each port, for a browser that calls the host `hostname`."""
        return {name: f"http://{hostname}:{port}" for name, port in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Answers:
    """What the page asks of its own server."""

    ports: Ports
    policy: DemoPolicy
    recorder: Recorder
    bucket: Bucket
    uploads: Uploads

    async def setup(self, request: Request) -> Response:
        """Where everything is, by the host name that the page was opened with."""
        return JSONResponse({"origins": self._origins(request), "file": str(self.policy.path)})

    async def exchanges(self, request: Request) -> Response:
        """What crossed the wire under one id."""
        found = self.recorder.about(request.query_params.get("id", ""))
        return JSONResponse([asdict(exchange) for exchange in found])

    async def show(self, _request: Request) -> Response:
        """The policy file as it is now, with its problems."""
        policy = self.policy
        policy.look()
        return JSONResponse({"text": _text(policy.path), "problems": _problems(policy.problems)})

    async def save(self, request: Request) -> Response:
        """Save the text that the page sends, if it is a good policy; else say what is wrong, and change nothing."""
        draft = await _received(request, Draft)
        if isinstance(draft, JSONResponse):
            return draft
        try:
            self.policy.save(draft.text)
        except PolicyError as error:
            return JSONResponse({"problems": _problems(error.problems)}, 422)
        except OSError as error:
            return JSONResponse({"message": f"The file could not be written: {error.strerror}."}, 500)
        return await self.show(request)

    async def examine(self, request: Request) -> Response:
        """What is to be said of a text that is not saved yet, and of a fetch that the page describes."""
        question = await _received(request, Question)
        if isinstance(question, JSONResponse):
            return question
        return JSONResponse(await run_in_threadpool(examine, question, self.bucket))

    async def rewrite(self, request: Request) -> Response:
        """A text in another of the five forms."""
        rewriting = await _received(request, Rewriting)
        if isinstance(rewriting, JSONResponse):
            return rewriting
        try:
            return JSONResponse(await run_in_threadpool(rewritten, rewriting))
        except ValueError as error:  # PolicyError too
            return JSONResponse({"message": str(error).partition("\n")[0]}, 422)

    async def presign(self, request: Request) -> Response:
        """A URL for one upload. Whoever has it may write; that is why the page alone gets one."""
        upload = await _received(request, Upload)
        if isinstance(upload, JSONResponse):
            return upload
        if upload.size > UPLOAD_LIMIT:
            return JSONResponse({"message": f"The bucket takes {UPLOAD_LIMIT} bytes at most."}, 413)
        origin = self._origins(request)["asgi"]
        return JSONResponse({"url": await run_in_threadpool(self.uploads.url, origin, upload.name)})

    def _origins(self, request: Request) -> dict[str, str]:
        return self.ports.origins(_hostname(request.headers.get("host", "")))


def page_app(answers: Answers, host: str) -> ASGIApp:
    """The page that a person opens. The bucket of its answers is what its model asks, and is never written to."""
    routes = [
        Route("/setup", answers.setup),
        Route("/exchanges", answers.exchanges),
        Route("/policy", answers.show, methods=["GET"]),
        Route("/policy", answers.save, methods=["PUT"]),
        Route("/examine", answers.examine, methods=["POST"]),
        Route("/rewrite", answers.rewrite, methods=["POST"]),
        Route("/presign", answers.presign, methods=["POST"]),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    return _guarded(Starlette(routes=routes), host, lambda hostname: _page_rules(answers.ports.origins(hostname)))


def other_app(ports: Ports, host: str) -> ASGIApp:
    """The frame that the page loads from another port, which is another origin, to ask from there."""
    app = Starlette(routes=[Mount("/", StaticFiles(directory=PAGE / "frame", html=True))])
    return _guarded(app, host, lambda hostname: _frame_rules(ports.origins(hostname)))


def _page_rules(origins: dict[str, str]) -> str:
    """The page's Content-Security-Policy: its own files, the two buckets, the frame, and nothing else."""
    buckets = f"{origins['asgi']} {origins['wsgi']}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"connect-src 'self' {buckets}; img-src 'self' {buckets}; font-src {buckets}; frame-src {origins['other']}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _frame_rules(origins: dict[str, str]) -> str:
    """The frame's: it is shown by the page alone, and asks the buckets alone."""
    buckets = f"{origins['asgi']} {origins['wsgi']}"
    return (
        f"default-src 'none'; script-src 'self'; connect-src {buckets}; img-src {buckets}; font-src {buckets}; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {origins['page']}"
    )


def _guarded(app: ASGIApp, host: str, rules: Callable[[str], str]) -> ASGIApp:
    """`app` for known host names alone, and with the headers that keep its pages to themselves."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        hostname = _hostname(Headers(scope=scope).get("host", ""))
        if not _is_ours(hostname, host):
            await PlainTextResponse("This host name is not served here.\n", 421)(scope, receive, send)
            return

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = rules(hostname)
                headers["Cache-Control"] = "no-cache"
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
            await send(message)

        await app(scope, receive, adding)

    return guarded


def _hostname(host: str) -> str:
    """The host of a Host header without its port, an IPv6 address with its brackets; empty where it is malformed."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name


def _is_ours(hostname: str, host: str) -> bool:
    """Whether to serve `hostname`: `localhost`, `--host` or an address, which nobody's DNS can point at us."""
    if hostname in ("localhost", host.lower()):
        return True
    if "%" in hostname:  # a zone is free text, and the name goes into a header
        return False
    try:
        ipaddress.ip_address(hostname.strip("[]"))
    except ValueError:
        return False
    return True


def _why_not_ours(request: Request) -> str | None:
    """Why a request is not the page's own; None where it is (Fetch, section 3.2; Fetch Metadata, 2.4)."""
    headers = request.headers
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return "The page sends application/json."
    if headers.get("origin") != f"http://{headers.get('host')}":
        return "Only the page itself may ask this: the origin is another one."
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return "Only the page itself may ask this: the request is cross-site."
    return None


async def _received(request: Request, kind: type[Kind]) -> Kind | JSONResponse:
    """What the page sends, or the answer that refuses it: it is not the page's, too large, or not of this kind."""
    refusal = _why_not_ours(request)
    if refusal is not None:
        return JSONResponse({"message": refusal}, 403)
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > LIMIT:
            return JSONResponse({"message": f"That is too large: at most {LIMIT} bytes of JSON are read."}, 400)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        return JSONResponse(
            {"message": f"Send {', '.join(kind.model_fields)} as JSON: {error.errors()[0]['msg']}."}, 400
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def _problems(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    return [told(problem) for problem in problems]
