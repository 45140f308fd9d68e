"""Falcon's ASGI application, wrapped whole: its own error layer stands inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import falcon.asgi

from matrix.apps.common import FILES, POLICY, chunks_async
from matrix.apps.falcon_common import PLAIN
from r2style_cors.asgi import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcon.asgi import Request, Response, WebSocket


class Plain:
    """A resource that answers at once."""

    def __init__(self, answer: Callable[[Any], None]) -> None:
        self.answer = answer

    async def on_get(self, request: Request, response: Response) -> None:
        self.answer(response)

    on_head = on_get


class Stream:
    """A resource that answers with a stream of one media type."""

    def __init__(self, media_type: str) -> None:
        self.media_type = media_type

    async def on_get(self, request: Request, response: Response) -> None:
        response.content_type = self.media_type
        response.stream = chunks_async()


class Upload:
    """A resource that counts what it is sent."""

    async def on_post(self, request: Request, response: Response) -> None:
        response.text = str(len(await request.stream.read()))


class Echo:
    """A WebSocket that repeats one message."""

    async def on_websocket(self, request: Request, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()


class Started:
    """Remembers that the lifespan began, and says so."""

    text = "not started"

    async def process_startup(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        self.text = "started"

    async def on_get(self, request: Request, response: Response) -> None:
        response.text = self.text


started: Any = Started()
falcon_app: Any = falcon.asgi.App(middleware=[started])
for path, answer in PLAIN.items():
    falcon_app.add_route(path, Plain(answer))
falcon_app.add_route("/stream", Stream("text/plain"))
falcon_app.add_route("/events", Stream("text/event-stream"))
falcon_app.add_route("/upload", Upload())
falcon_app.add_route("/echo", Echo())
falcon_app.add_route("/started", started)
falcon_app.add_static_route("/files", FILES)
app = CORSMiddleware(falcon_app, POLICY)
