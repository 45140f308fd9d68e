"""What Falcon's two applications share: the answers that need no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import falcon

from matrix.apps.common import COOKIES, OWN_CORS, VARY

if TYPE_CHECKING:
    from falcon import Response


def hello(response: Response) -> None:
    response.content_type = falcon.MEDIA_TEXT
    response.text = "hello"


def not_modified(response: Response) -> None:
    response.status = falcon.HTTP_304


def redirect(response: Response) -> None:
    raise falcon.HTTPFound("/hello")


def fail(response: Response) -> None:
    raise RuntimeError("on purpose")


def vary(response: Response) -> None:
    response.set_headers(VARY)
    response.text = "vary"


def own(response: Response) -> None:
    response.set_headers(OWN_CORS)
    response.text = "own"


def cookies(response: Response) -> None:
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    response.text = "cookies"


PLAIN = {
    "/hello": hello,
    "/mounted/hello": hello,
    "/not-modified": not_modified,
    "/redirect": redirect,
    "/fail": fail,
    "/vary": vary,
    "/own": own,
    "/cookies": cookies,
}
