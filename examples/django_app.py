"""A Django project in one file that an editor on another origin may write to, as `policies/api.json` says.

Run it with `python examples/django_app.py --port 8000`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

if TYPE_CHECKING:
    from django.http import HttpRequest

POLICY = Path(__file__).parent / "policies" / "api.json"

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    INSTALLED_APPS=["r2style_cors.django"],
    MIDDLEWARE=["r2style_cors.django.CORSMiddleware", "django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for an example only",  # noqa: S106 - it protects nothing here
    R2STYLE_CORS={"policy": POLICY},
)
django.setup()


def note(_: HttpRequest, number: int) -> JsonResponse:
    """Answer with the note's number; a real application would answer with the note."""
    return JsonResponse({"number": number})


urlpatterns = [path("notes/<int:number>", note)]
app = get_wsgi_application()


def main() -> None:
    """Serve the application on a port of this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    with make_server("127.0.0.1", parser.parse_args().port, app) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
