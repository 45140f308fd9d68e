"""Django over ASGI, with the middleware in its settings."""

from __future__ import annotations

from django.core.handlers.asgi import ASGIHandler

import matrix.apps.django_project as _project  # noqa: F401 - it configures Django

app = ASGIHandler()
