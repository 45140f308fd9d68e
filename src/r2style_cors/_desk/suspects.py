"""The usual suspects: what is wrong in answers that a browser refuses, and what to do about each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .._browser.exchange import NON_WILDCARD_HEADER, PageRequest, header_value, is_redirect, list_values
from .._browser.redirects import redirected
from .._browser.safelist import Lines, is_forbidden_header
from .._browser.url import origin_of
from .._fetch import ALLOW_HEADERS, ALLOW_METHODS, ALLOW_ORIGIN, EXPOSE_HEADERS, SAFELISTED_RESPONSE_HEADERS
from .._text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .._browser.exchange import Step
    from ..errors import Severity


class Kind(NamedTuple):
    """What one code stands for: how severe it is, and what to do."""

    severity: Severity
    advice: str


@dataclass(frozen=True, slots=True)
class Suspect:
    """One thing that stands between a page and a response, or soon will.

    Attributes:
        code: its stable name, a key of `SUSPECTS`.
        severity: `error` where it blocks the page, `warning` where it may later, `note` where it is worth knowing.
        message: what was found, in one sentence.
        advice: what to do about it.

    """

    code: str
    severity: Severity
    message: str
    advice: str


class Seen(NamedTuple):
    """An exchange as the suspects look at it."""

    preflight: bool
    request: PageRequest
    status: int
    headers: Lines
    steps: tuple[Step, ...]


_FRONT = "Something in front of the application answered. Let OPTIONS with Access-Control-Request-Method pass it"

SUSPECTS: dict[str, Kind] = {
    "mixed-content": Kind("error", "Serve the URL over https; a secure page may ask this machine alone over http."),
    "dns": Kind("error", "Look for a misspelt name; then ask whoever runs the name's DNS."),
    "connect": Kind("error", "Look whether the server runs, and whether the port is the right one."),
    "tls": Kind(
        "error",
        "Mend the certificate, or the scheme: a browser refuses it too, and reports a CORS error. If the browser knows an "
        "authority of your own, name its certificate in SSL_CERT_FILE.",
    ),
    "timeout": Kind("error", "Look at the server's log: did the request arrive? Wait longer with --timeout."),
    "protocol": Kind("error", "Look whether the port is that of a web server, and whether https is meant."),
    "redirect-count": Kind("error", "Two places redirect to each other: look at their rules for http, https and `/`."),
    "redirect-location": Kind("error", "Redirect to an http or https URL without a user or a password in it."),
    "preflight-redirect": Kind(
        "error", "Have the page ask the last URL itself. A `/` at the end, https or `www` are the usual differences."
    ),
    "preflight-authentication": Kind("error", f"{_FRONT} without credentials: browsers send none with a preflight."),
    "preflight-refused": Kind(
        "error",
        "A policy that does not grant the request answers so: `explain` says which rule fails, and how. "
        "If the policy grants it, a firewall or proxy in front refused: let OPTIONS pass it.",
    ),
    "preflight-unrouted": Kind("error", f"{_FRONT}, or put the CORS layer outside the router."),
    "preflight-server-error": Kind("error", "Look at the server's log; a preflight should not reach the application."),
    "preflight-status": Kind("error", "Answer preflights with 204."),
    "allow-origin-missing": Kind(
        "error",
        "Add the page's origin to the policy of whatever answers here: `explain` says what to add. If it is there, "
        "look whether the answer comes from something that does not know the policy.",
    ),
    "error-response": Kind(
        "error",
        "Mend the error first. It was written outside the CORS layer and has no CORS headers, so browsers blame CORS.",
    ),
    "cached-copy": Kind(
        "error",
        "Purge the cache, and send `Vary: Origin` with every response, so that it keeps one copy for each origin.",
    ),
    "allow-origin-repeated": Kind("error", "Two layers add it. Take one away: the proxy's, or the application's own."),
    "allow-origin-slash": Kind("error", "Take the `/` at the end away: an origin has no path."),
    "allow-origin-pattern": Kind("error", "Send one origin: browsers know no patterns. The server has to match them."),
    "allow-origin-other": Kind(
        "error",
        "Compare scheme, name and port with the page's. A fixed value serves one origin: choose it per request.",
    ),
    "star-with-credentials": Kind(
        "error", "Name the origin, the methods and the headers, or have the page ask without credentials."
    ),
    "allow-credentials-missing": Kind(
        "error", "Send `Access-Control-Allow-Credentials: true`, or have the page ask without credentials."
    ),
    "list-syntax": Kind("error", "Write names, with commas between them."),
    "method-case": Kind("error", "Methods are case-sensitive. Write it in upper case, on the page and in the policy."),
    "method-not-allowed": Kind("error", "Add the method to AllowedMethods, or to the server's extra methods."),
    "header-not-allowed": Kind("error", "Add the header to AllowedHeaders, or do not send it."),
    "star-authorization": Kind("error", "Name `authorization` beside the `*`: the `*` does not cover it."),
    "etag-not-exposed": Kind("warning", "Add `ETag` to ExposeHeaders if the page reads it, as uploads in parts do."),
    "vary-missing": Kind("warning", "Send `Vary: Origin`, or a cache will hand this copy to pages of other origins."),
    "policy-refuses": Kind("note", "Change the policy: `explain` shows the smallest change that grants the request."),
    "policy-differs": Kind("warning", "The server uses another policy, or something in front changes its answers."),
    "redirect-other-origin": Kind("note", "Every origin on the way has to allow the page: better ask the last URL."),
    "redirect-null-origin": Kind("warning", "Have the page ask the last URL: only `*` allows the origin `null`."),
    "redirect-authorization": Kind("warning", "Have the page ask the last URL if that needs Authorization."),
    "header-forbidden": Kind("note", "Leave it out: only the browser sets it, so no preflight names it."),
    "same-origin": Kind("note", "If the console names CORS, the page has another origin, or a redirect led away."),
    "not-sent": Kind("note", "Add --send to send it, once it may change what is there."),
}  # fmt: skip


def suspect(code: str, message: str) -> Suspect:
    """A suspect by its code."""
    return Suspect(code, SUSPECTS[code].severity, message, SUSPECTS[code].advice)


def of_request(request: PageRequest, left_out: Iterable[str]) -> Iterator[Suspect]:
    """What is to be said before anything is sent; `left_out` are the names that the page may not set."""
    for name in left_out:
        yield suspect("header-forbidden", f"A page cannot set {shown(name)}; it is left out here.")
    if not request.cross_origin:
        yield suspect("same-origin", f"The page is at {request.origin} itself: CORS takes no part.")


def settable(headers: Lines) -> tuple[Lines, tuple[str, ...]]:
    """The headers that a page may set, and the names of those that it may not (Fetch, section 2.2.2)."""
    kept = tuple(line for line in headers if not is_forbidden_header(*line))
    return kept, tuple(name for name, value in headers if is_forbidden_header(name, value))


def of_exchange(seen: Seen) -> Iterator[Suspect]:
    """The suspects in one exchange: why its last step failed, and what is doubtful besides."""
    last = seen.steps[-1]
    if not last.passed:
        yield suspect(*_failure(seen, last))
    elif not seen.preflight:
        if seen.request.cross_origin:
            yield from _doubts(seen)
        if is_redirect(seen.status, seen.headers):
            yield from _redirect_doubts(seen.request, redirected(seen.request, seen.status, seen.headers))


def _failure(seen: Seen, step: Step) -> tuple[str, str]:
    """The code and the sentence for the step that failed."""
    if seen.preflight and not 200 <= seen.status <= 299:  # noqa: PLR2004 - an ok status
        return _preflight_status(seen.status, seen.headers)
    match step.check:
        case "allow-origin":
            return _allow_origin(seen)
        case "allow-credentials":
            return "allow-credentials-missing", f"The page asks with credentials, and {step.sentence}."
        case "allow-methods":
            return _allow_methods(seen)
        case "authorization" | "allow-headers":
            return _allow_headers(seen, step)
        case check:
            return check, f"A browser stops here: {step.sentence}."


def _preflight_status(status: int, headers: Lines) -> tuple[str, str]:
    """A preflight whose status is not ok: the status says more than the CORS headers that it therefore lacks."""
    said = f"The preflight was answered {status}"
    if is_redirect(status, headers):
        target = shown(header_value(headers, "Location") or "")
        return "preflight-redirect", f"{said}, a redirect to {target}; browsers follow none."
    if status >= 500:  # noqa: PLR2004 - a server error
        code = "preflight-unrouted" if status == 501 else "preflight-server-error"  # noqa: PLR2004 - not implemented
        return code, f"{said}; it has to be 200 to 299."
    return _PREFLIGHT_STATUSES.get(status, "preflight-status"), f"{said}; it has to be 200 to 299."


_PREFLIGHT_STATUSES = {
    401: "preflight-authentication",
    403: "preflight-refused",
    404: "preflight-unrouted",
    405: "preflight-unrouted",
    407: "preflight-authentication",
}


def _allow_origin(seen: Seen) -> tuple[str, str]:
    """Why Access-Control-Allow-Origin does not let the origin read."""
    values = [value for name, value in seen.headers if name.lower() == ALLOW_ORIGIN.lower()]
    origin = seen.request.serialized_origin
    copy = _cache_sign(seen.headers)
    if copy and origin not in values:
        return "cached-copy", f"A cache answered ({copy}) with a copy made for another request than that of {origin}."
    if not values:
        return _missing(seen)
    value = shown(", ".join(values))
    if "," in value:
        return "allow-origin-repeated", f"{ALLOW_ORIGIN} has more than one value: {value}."
    return _other_origin(value, origin)


def _missing(seen: Seen) -> tuple[str, str]:
    if seen.status >= 400:  # noqa: PLR2004 - an error
        return "error-response", f"The answer is a {seen.status} without CORS headers."
    return "allow-origin-missing", f"The answer lets no page of {seen.request.serialized_origin} read it."


def _other_origin(value: str, origin: str) -> tuple[str, str]:
    if value == "*":
        return "star-with-credentials", f"{ALLOW_ORIGIN} is *, which does not count for a request with credentials."
    if value.rstrip("/") == origin:
        return "allow-origin-slash", f"{ALLOW_ORIGIN} is {value}, with a slash that the origin does not have."
    if "*" in value:
        return "allow-origin-pattern", f"{ALLOW_ORIGIN} is {value}, which browsers take for a plain text."
    return "allow-origin-other", f"{ALLOW_ORIGIN} is {value or 'empty'}, and the origin that asks is {origin}."


def _cache_sign(headers: Lines) -> str | None:
    """The header that shows a cache's copy, if any."""
    for name in ("CF-Cache-Status", "X-Cache"):
        value = header_value(headers, name)
        if value is not None and "hit" in value.lower():
            return f"{name}: {shown(value)}"
    age = header_value(headers, "Age")
    return None if age in (None, "0") else f"Age: {shown(age or '')}"


def _allow_methods(seen: Seen) -> tuple[str, str]:
    listed = list_values(seen.headers, ALLOW_METHODS) or ()
    method = seen.request.method
    if "*" in listed:
        return "star-with-credentials", f"{ALLOW_METHODS} is *, which does not count for a request with credentials."
    if method != method.upper():
        return "method-case", f"The page asks for {method}, which browsers do not put in upper case."
    return "method-not-allowed", f"{ALLOW_METHODS} lists {', '.join(listed) or 'nothing'}, and not {method}."


def _allow_headers(seen: Seen, step: Step) -> tuple[str, str]:
    listed = list_values(seen.headers, ALLOW_HEADERS) or ()
    if "*" not in listed:
        names = {name.lower() for name in listed}
        lacking = ", ".join(name for name in seen.request.unsafe_names if name not in names)
        return "header-not-allowed", f"{ALLOW_HEADERS} lists {', '.join(listed) or 'nothing'}; it lacks {lacking}."
    if seen.request.credentials:
        return "star-with-credentials", f"{ALLOW_HEADERS} is *, which does not count for a request with credentials."
    return "star-authorization", f"{ALLOW_HEADERS} is *, and {step.sentence}."


def _doubts(seen: Seen) -> Iterator[Suspect]:
    """What is doubtful in a response that may be read."""
    exposed = {name.lower() for name in list_values(seen.headers, EXPOSE_HEADERS) or ()} | SAFELISTED_RESPONSE_HEADERS
    star = "*" in exposed and not seen.request.credentials
    if header_value(seen.headers, "ETag") is not None and "etag" not in exposed and not star:
        yield suspect("etag-not-exposed", "The response has an ETag, which the page cannot read.")
    vary = {name.lower() for name in list_values(seen.headers, "Vary") or ()}
    if header_value(seen.headers, ALLOW_ORIGIN) != "*" and not vary & {"origin", "*"}:
        yield suspect("vary-missing", f"{ALLOW_ORIGIN} names one origin, and Vary does not say that it depends on it.")


def _redirect_doubts(before: PageRequest, after: PageRequest) -> Iterator[Suspect]:
    """What a redirect to another origin changes."""
    if origin_of(before.url) != origin_of(after.url):
        yield suspect("redirect-other-origin", f"Followed from {origin_of(before.url)} to {origin_of(after.url)}.")
        if header_value(before.headers, NON_WILDCARD_HEADER) is not None:
            yield suspect("redirect-authorization", "Browsers take Authorization away on the way to another origin.")
    if after.tainted and not before.tainted:
        yield suspect("redirect-null-origin", "From here on the request's origin is null.")
