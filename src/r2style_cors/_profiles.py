"""What differs between R2 and S3 on the wire, as data (SEMANTICS 6)."""

from __future__ import annotations

from . import _fetch
from ._decision import Answer
from ._origins import HOST_CHARACTERS, is_echoable, is_serialized_origin
from ._text import error_xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeAlias

    from ._decision import Reason
    from .errors import Severity

    ProfileName: TypeAlias = Literal["r2", "s3"]


class Profile:
    """One column of SEMANTICS 6's table. The attributes' comments stand in `__init__`."""

    __slots__ = (
        "actual_like_preflight", "answers_every_options", "credentials", "expose_on_preflight", "is_origin", "name",
        "preflight_extra", "preflight_status", "refusal_message", "refusal_names_method", "vary_actual",
        "vary_preflight", "vary_refused_preflight", "vary_unmatched", "wide_credentials", "wildcard_characters",
    )  # fmt: skip

    def __init__(
        self,
        name: ProfileName,
        *,
        preflight_status: int,
        preflight_extra: tuple[tuple[str, str], ...],  # headers of a granted preflight beside the CORS ones
        credentials: bool,  # what `credentials=None` means
        wide_credentials: Severity,  # of credentials for an origin that anybody can have (SEMANTICS 7.1)
        actual_like_preflight: bool,  # ACRM and ACRH take part in actual requests, ACAM, ACAH and ACMA answer them
        expose_on_preflight: bool,
        answers_every_options: bool,  # no OPTIONS request reaches the application
        vary_preflight: tuple[str, ...],
        vary_refused_preflight: tuple[str, ...],
        vary_actual: tuple[str, ...],  # where a rule applies
        vary_unmatched: tuple[str, ...],  # where none does, or there is no Origin
        refusal_message: str,
        refusal_names_method: bool,  # the body of a refusal has Method and ResourceType elements
        is_origin: Callable[[str], bool],  # the grammar of SEMANTICS 3.4, or 8.2 alone
        wildcard_characters: str | None,  # those that a `*` in an origin stands for; None: any
    ) -> None:
        self.name: ProfileName = name
        self.preflight_status: int = preflight_status
        self.preflight_extra: tuple[tuple[str, str], ...] = preflight_extra
        self.credentials: bool = credentials
        self.wide_credentials: Severity = wide_credentials
        self.actual_like_preflight: bool = actual_like_preflight
        self.expose_on_preflight: bool = expose_on_preflight
        self.answers_every_options: bool = answers_every_options
        self.vary_preflight: tuple[str, ...] = vary_preflight
        self.vary_refused_preflight: tuple[str, ...] = vary_refused_preflight
        self.vary_actual: tuple[str, ...] = vary_actual
        self.vary_unmatched: tuple[str, ...] = vary_unmatched
        self.refusal_message: str = refusal_message
        self.refusal_names_method: bool = refusal_names_method
        self.is_origin: Callable[[str], bool] = is_origin
        self.wildcard_characters: str | None = wildcard_characters

    def refused_actual(self, reason: Reason, rule: int | None = None) -> Answer:
        """An actual request that no rule allows: it passes, without CORS headers (SEMANTICS 5.1)."""
        return Answer("actual", reason, rule=rule, vary=self.vary_unmatched)

    def refused_preflight(
        self, reason: Reason, rule: int | None = None, request_method: str = "", message: str | None = None
    ) -> Answer:
        """A preflight that no rule allows (SEMANTICS 4.3). `message` takes the place of the profile's own."""
        elements = (("Method", request_method), ("ResourceType", "OBJECT")) if self.refusal_names_method else ()
        body = error_xml("AccessForbidden", message or self.refusal_message, *elements)
        return self._error(403, reason, rule, body, no_store=message is not None)

    def bad_request(self, reason: Reason, message: str) -> Answer:
        """An OPTIONS request that is no preflight, where the profile answers those too."""
        return self._error(400, reason, None, error_xml("BadRequest", message))

    def _error(self, status: int, reason: Reason, rule: int | None, body: bytes, *, no_store: bool = False) -> Answer:
        vary = self.vary_refused_preflight
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        if no_store:
            headers.append(("Cache-Control", "no-store"))
        if vary:
            headers.append(("Vary", ", ".join(vary)))
        return Answer("preflight", reason, rule=rule, status=status, headers=tuple(headers), body=body, vary=vary)


_R2_PREFLIGHT_VARY = (_fetch.ORIGIN, _fetch.REQUEST_METHOD, _fetch.REQUEST_HEADERS)
_S3_VARY = (_fetch.ORIGIN, _fetch.REQUEST_HEADERS, _fetch.REQUEST_METHOD)

R2 = Profile(
    "r2",
    preflight_status=204,
    preflight_extra=(),
    credentials=False,
    wide_credentials="error",
    actual_like_preflight=False,
    expose_on_preflight=False,
    answers_every_options=False,
    vary_preflight=_R2_PREFLIGHT_VARY,
    vary_refused_preflight=_R2_PREFLIGHT_VARY,
    vary_actual=(_fetch.ORIGIN,),
    vary_unmatched=(_fetch.ORIGIN,),
    refusal_message="This CORS request is not allowed by the policy.",
    refusal_names_method=False,
    is_origin=is_serialized_origin,
    wildcard_characters=HOST_CHARACTERS,
)

S3 = Profile(
    "s3",
    preflight_status=200,
    preflight_extra=(("Content-Length", "0"),),
    credentials=True,
    wide_credentials="warning",
    actual_like_preflight=True,
    expose_on_preflight=True,
    answers_every_options=True,
    vary_preflight=_S3_VARY,
    vary_refused_preflight=(),
    vary_actual=_S3_VARY,
    vary_unmatched=(),
    # S3's own spelling, `evalution` included.
    refusal_message=(
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "
        "request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
        "resource's CORS spec."
    ),
    refusal_names_method=True,
    is_origin=is_echoable,
    wildcard_characters=None,
)

PROFILES = {"r2": R2, "s3": S3}


def profile_named(name: str) -> Profile:
    """The profile called `name`.

    Raises:
        ValueError: there is no such profile.
    """
    try:
        return PROFILES[name]
    except (KeyError, TypeError):
        message = f"profile is {name!r}; it must be 'r2' or 's3'"
        raise ValueError(message) from None
