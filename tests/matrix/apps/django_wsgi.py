"""Django over WSGI, with the middleware in its settings."""

from __future__ import annotations

from django.core.handlers.wsgi import WSGIHandler

import matrix.apps.django_project as _project  # noqa: F401 - it configures Django

app = WSGIHandler()
