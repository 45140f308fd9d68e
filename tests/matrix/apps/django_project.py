"""A Django project in one module: its settings, its views and its URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseNotModified, HttpResponseRedirect, StreamingHttpResponse
from django.urls import include, path
from django.views.decorators.http import require_http_methods
from django.views.static import serve

from matrix.apps.common import COOKIES, FILES, OWN_CORS, POLICY, VARY, chunks, chunks_async

if TYPE_CHECKING:
    from django.http import HttpRequest

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not one",  # noqa: S106 - it protects nothing here
    MIDDLEWARE=["r2style_cors.django.CORSMiddleware", "django.middleware.common.CommonMiddleware"],
    R2STYLE_CORS={"policy": POLICY},
)
django.setup()


@require_http_methods(["GET", "HEAD"])
def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello", content_type="text/plain")


def not_modified(request: HttpRequest) -> HttpResponse:
    return HttpResponseNotModified()


def redirect(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/hello")


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


def stream(request: HttpRequest, content_type: str = "text/plain") -> StreamingHttpResponse:
    content = chunks_async() if isinstance(request, ASGIRequest) else chunks()
    return StreamingHttpResponse(content, content_type=content_type)


def upload(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


def vary(request: HttpRequest) -> HttpResponse:
    return HttpResponse("vary", headers=VARY)


def own(request: HttpRequest) -> HttpResponse:
    return HttpResponse("own", headers=OWN_CORS)


def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("cookies")
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


urlpatterns = [
    path("hello", hello),
    path("mounted/", include([path("hello", hello)])),
    path("not-modified", not_modified),
    path("redirect", redirect),
    path("fail", fail),
    path("stream", stream),
    path("events", stream, {"content_type": "text/event-stream"}),
    path("upload", upload),
    path("vary", vary),
    path("own", own),
    path("cookies", cookies),
    path("files/<path:path>", serve, {"document_root": FILES}),
]
