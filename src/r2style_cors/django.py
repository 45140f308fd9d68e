"""The Django door: a middleware, sync and async, with its settings and system checks. It decides nothing.

MIDDLEWARE = ["r2style_cors.django.CORSMiddleware", ...]      # first, so that it stands outside all others
INSTALLED_APPS = ["r2style_cors.django", ...]                 # for the system checks
R2STYLE_CORS = {"policy": BASE_DIR / "cors.json"}             # and CORSMiddleware's options, by name
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse

from ._door import KEY, Options, Refusals, asked_of_environ, open_door
from ._response import HeaderEditor
from .errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from ._decision import Decision
    from ._engine import Engine
    from .errors import Problem

_SETTING = "R2STYLE_CORS"
_PATH = "r2style_cors.django.CORSMiddleware"
_OPTIONS: dict[str, Any] = {
    "profile": "r2",
    "credentials": None,
    "extra_methods": (),
    "star_always": False,
    "debug": False,
    "keep_app_headers": False,
}


class CORSMiddleware:
    """Enforces an R2 policy in front of a Django project; settings.R2STYLE_CORS says which.

    Raises:
        ImproperlyConfigured: the setting is missing or names an option that there is not.
        PolicyError: the policy cannot be enforced, or an option is unsafe with it. A ValueError.
        TypeError: the policy is of no known kind, an option is of the wrong type, or one stands beside an `Engine`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        policy, options = _configured()
        self._get_response = get_response
        self._refusals = Refusals(debug=options.debug)
        self._editor = HeaderEditor(raw=False, keep_app_headers=options.keep_app_headers)
        asynchronous = inspect.iscoroutinefunction(get_response)
        behind = self._behind_async if asynchronous else self._behind
        self._door = open_door(policy, behind, get_response, options, lambda request: request.path_info)
        if asynchronous:
            _mark_coroutine_function(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer `request`, or an awaitable where the rest of the chain is asynchronous."""
        answer: HttpResponseBase | Awaitable[HttpResponseBase] = self._door(request)
        return answer

    def _behind(self, engine: Engine, name: str | None) -> Callable[[HttpRequest], HttpResponseBase]:
        """The project behind one compiled policy."""
        self._refusals.opened(engine, name)

        def handle(request: HttpRequest) -> HttpResponseBase:
            decision = self._decide(engine, request)
            if decision is not None and decision.status is not None:
                return _answer(decision)
            return self._decorated(self._get_response(request), decision, request)

        return handle

    def _behind_async(self, engine: Engine, name: str | None) -> Callable[[HttpRequest], Awaitable[HttpResponseBase]]:
        """The same, awaited."""
        self._refusals.opened(engine, name)

        async def handle(request: HttpRequest) -> HttpResponseBase:
            decision = self._decide(engine, request)
            if decision is not None and decision.status is not None:
                return _answer(decision)
            return self._decorated(await self._get_response(request), decision, request)

        return handle

    def _decide(self, engine: Engine, request: HttpRequest) -> Decision | None:
        """The decision, left in `request.META`; None where an outer door has left one."""
        # Under ASGI `META` is a dict of Django's own, and an outer door has left its decision in the scope.
        if KEY in request.META or KEY in getattr(request, "scope", ()):
            self._refusals.warn_of_outer_door(request.path)
            return None
        method = request.META["REQUEST_METHOD"]
        asked = asked_of_environ(request.META)
        decision = request.META[KEY] = engine.decide(method, *asked)
        if decision.answer.refused and (self._refusals.debug or self._refusals.heard(self._refusals.level)):
            return self._refusals.tell(engine, decision, method, request.path, asked)
        return decision

    def _decorated(
        self, response: HttpResponseBase, decision: Decision | None, request: HttpRequest
    ) -> HttpResponseBase:
        if decision is None:
            return response
        headers, replaced = self._editor.edit(list(response.items()), decision)
        if replaced:
            self._refusals.warn_of_app_headers(request.path)
        kept = {name for name, _ in headers}
        for name in [name for name, _ in response.items() if name not in kept]:
            del response[name]
        for name, value in headers:
            response[name] = value
        return response


def _answer(decision: Decision) -> HttpResponse:
    response = HttpResponse(decision.body, status=decision.status)
    del response["Content-Type"]  # Django's own, which a 204 has no use for
    for name, value in decision.headers:
        response[name] = value
    return response


def _configured() -> tuple[Any, Options]:
    """The policy, and the options beside it."""
    configured = getattr(settings, _SETTING, None)
    if not isinstance(configured, dict) or "policy" not in configured:
        message = (
            f'{_SETTING} must be a dict with a policy, for example {_SETTING} = {{"policy": BASE_DIR / "cors.json"}}'
        )
        raise ImproperlyConfigured(message)
    known = {"policy", *_OPTIONS}
    unknown = sorted(map(repr, configured.keys() - known))
    if unknown:
        message = f"{_SETTING} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        raise ImproperlyConfigured(message)
    options = {name: configured.get(name, usual) for name, usual in _OPTIONS.items()}
    return configured["policy"], Options(**options)


def _mark_coroutine_function(middleware: CORSMiddleware) -> None:
    """Django awaits what says that it is a coroutine function."""
    from asgiref.sync import markcoroutinefunction

    markcoroutinefunction(middleware)


@register("security")
def check_settings(**_: Any) -> list[CheckMessage]:
    """What is wrong with the setting, the policy, and the middleware's place, as system checks."""
    middleware = list(settings.MIDDLEWARE)
    if _PATH not in middleware:
        return [CheckWarning(f"{_PATH} is not in MIDDLEWARE, so that no policy is enforced.", id="r2style_cors.W001")]
    found: list[CheckMessage] = []
    if middleware[0] != _PATH:
        message = f"{_PATH} is not the first of MIDDLEWARE: what stands before it answers without CORS headers."
        found.append(CheckWarning(message, hint="Move it to the front.", id="r2style_cors.W002"))
    if "corsheaders.middleware.CorsMiddleware" in middleware:
        message = "django-cors-headers is in MIDDLEWARE too: the headers that it sets are removed."
        found.append(CheckWarning(message, hint="Remove it.", id="r2style_cors.W003"))
    return [*found, *_policy_checks()]


def _policy_checks() -> list[CheckMessage]:
    found: list[CheckMessage] = []

    def opened(engine: Engine, name: str | None) -> Callable[..., None]:
        for problem in engine.problems:
            if problem.severity == "warning":
                found.append(CheckWarning(_told(problem, name), id=f"r2style_cors.{problem.code}"))
        return lambda *_: None

    try:
        policy, options = _configured()
        open_door(policy, opened, lambda *_: None, options, str)
    except ImproperlyConfigured as error:
        found.append(Error(str(error), id="r2style_cors.E001"))
    except TypeError as error:
        found.append(Error(str(error), id="r2style_cors.E002"))
    except PolicyError as error:  # a ValueError, of which a better word can be said
        found += [
            Error(_told(one, error.source), id=f"r2style_cors.{one.code}")
            for one in error.problems
            if one.severity == "error"
        ]
    except ValueError as error:
        found.append(Error(str(error), id="r2style_cors.E002"))
    return found


def _told(problem: Problem, name: str | None) -> str:
    return f"{name}: {problem}" if name else str(problem)
