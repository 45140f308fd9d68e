"""Falcon's WSGI application, wrapped whole: its own error layer stands inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import falcon

from matrix.apps.common import FILES, POLICY, chunks
from matrix.apps.falcon_common import PLAIN
from r2style_cors.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcon import Request, Response


class Plain:
    """A resource that answers at once."""

    def __init__(self, answer: Callable[[Any], None]) -> None:
        self.answer = answer

    def on_get(self, request: Request, response: Response) -> None:
        self.answer(response)

    on_head = on_get


class Stream:
    """A resource that answers with a stream of one media type."""

    def __init__(self, media_type: str) -> None:
        self.media_type = media_type

    def on_get(self, request: Request, response: Response) -> None:
        response.content_type = self.media_type
        response.stream = chunks()


class Upload:
    """A resource that counts what it is sent."""

    def on_post(self, request: Request, response: Response) -> None:
        response.text = str(len(request.bounded_stream.read()))


falcon_app = falcon.App()
for path, answer in PLAIN.items():
    falcon_app.add_route(path, Plain(answer))
falcon_app.add_route("/stream", Stream("text/plain"))
falcon_app.add_route("/events", Stream("text/event-stream"))
falcon_app.add_route("/upload", Upload())
falcon_app.add_static_route("/files", FILES)
app = CORSMiddleware(falcon_app, POLICY)
