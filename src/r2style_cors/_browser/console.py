"""What the console says of a fetch that failed: the words of each browser, as data.

Chromium's were seen in Chromium 156. Firefox's are those that MDN explains (Reason: CORS …); WebKit's stand in its sources
(CrossOriginAccessControl, CrossOriginPreflightResultCache). Where a table has nothing, the wording is not known here.
Where a preflight lacks several headers, this names the first by name, and a browser any one of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from .._fetch import ALLOW_CREDENTIALS, ALLOW_HEADERS, ALLOW_METHODS, ALLOW_ORIGIN, is_token
from .._text import shown
from .exchange import NON_WILDCARD_HEADER, header_value, is_redirect, list_values
from .safelist import Lines, normalized_method
from .url import normal_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .exchange import PageRequest, Step
    from .page import Fetch
    from .walk import Exchange


class Failure(NamedTuple):
    """What is known of a fetch that failed."""

    fetch: Fetch
    request: PageRequest
    exchange: Exchange | None
    step: Step


_CHROMIUM_NAMES = {
    "fetch": "fetch", "xhr": "XMLHttpRequest", "image": "image", "script": "script", "stylesheet": "CSS stylesheet",
    "font": "font", "video": "video", "audio": "audio",
}  # fmt: skip
_BLOCKED = "Access to {what} at '{url}'{redirected} from origin '{page}' has been blocked by CORS policy: "
_FIRST = "Response to preflight request doesn't pass access control check: "
_VALID = " Have the server send the header with a valid value."
_XHR = (
    " The credentials mode of requests initiated by the XMLHttpRequest is controlled by the withCredentials attribute."
)
_NOT_EXECUTED = "TypeError: Failed to execute 'fetch' on 'Window': "
_NOT_LOADED = "Fetch API cannot load {url}. "
_NO_RESOURCE = "Failed to load resource: net::"

# case: text. Those of the CORS check follow `_FIRST` in a preflight.
_CHROMIUM_CHECK: Final[Mapping[str, str]] = {
    "allow-origin-missing": "No 'Access-Control-Allow-Origin' header is present on the requested resource.",
    "allow-origin-several": (
        "The 'Access-Control-Allow-Origin' header contains multiple values '{value}', but only one is allowed."
    ),
    "allow-origin-invalid": "The 'Access-Control-Allow-Origin' header contains the invalid value '{value}'.",
    "allow-origin-other": (
        "The 'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the supplied origin."
    ),
    "allow-origin-star": (
        "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the "
        "request's credentials mode is 'include'."
    ),
    "allow-credentials": (
        "The value of the 'Access-Control-Allow-Credentials' header in the response is '{value}' which must be 'true' "
        "when the request's credentials mode is 'include'."
    ),
    "status": "It does not have HTTP ok status.",
    "preflight-redirect": "Redirect is not allowed for a preflight request.",
}
_CHROMIUM_ENDINGS: Final[Mapping[tuple[str, str], str]] = {
    ("fetch", "allow-origin-several"): _VALID,
    ("fetch", "allow-origin-invalid"): _VALID,
    ("fetch", "allow-origin-other"): _VALID,
    ("xhr", "allow-origin-star"): _XHR,
    ("xhr", "allow-credentials"): _XHR,
}
_CHROMIUM_GRANT: Final[Mapping[str, str]] = {
    "list-syntax": "Cannot parse {header} response header field in preflight response.",
    "allow-methods": "Method {method} is not allowed by Access-Control-Allow-Methods in preflight response.",
    "authorization": (
        "Request header field {name} is not allowed by Access-Control-Allow-Headers in preflight response."
    ),
    "allow-headers": (
        "Request header field {name} is not allowed by Access-Control-Allow-Headers in preflight response."
    ),
    "redirect-user": (
        "Redirect location '' contains a username and password, which is disallowed for cross-origin requests."
    ),
}
_CHROMIUM_OTHER: Final[Mapping[str, str]] = {
    "url-user": _NOT_EXECUTED + "Request cannot be constructed from a URL that includes credentials: {url}",
    "method-token": _NOT_EXECUTED + "'{asked}' is not a valid HTTP method.",
    "method-forbidden": _NOT_EXECUTED + "'{asked}' HTTP method is unsupported.",
    "method-no-cors": _NOT_EXECUTED + "'{method}' is unsupported in no-cors mode.",
    "header-name": "TypeError: Failed to execute 'append' on 'Headers': Invalid name",
    "header-value": "TypeError: Failed to execute 'append' on 'Headers': Invalid value",
    "body-method": _NOT_EXECUTED + "Request with GET/HEAD method cannot have body.",
    "body-stream": (_NOT_EXECUTED + 'If request is made from ReadableStream, mode should be"same-origin" or "cors"'),
    "same-origin-mode": (
        _NOT_LOADED + 'Request mode is "same-origin" but the URL\'s origin is not same as the request origin {page}.'
    ),
    "no-cors-redirect": _NOT_LOADED + 'Request mode is "no-cors" but the redirect mode is not "follow".',
    "redirect-mode": _NO_RESOURCE + "ERR_FAILED",
    "redirect-count": _NO_RESOURCE + "ERR_TOO_MANY_REDIRECTS",
    "redirect-scheme": _NO_RESOURCE + "ERR_UNSAFE_REDIRECT",
}

_FIREFOX = (
    "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {url}. (Reason: "
)
_STATUS = " Status code: {status}."
# Firefox sets these quotation marks in pairs.
_FIREFOX_REASONS: Final[Mapping[str, str]] = {
    "allow-origin-several": "Multiple CORS header 'Access-Control-Allow-Origin' not allowed",
    "allow-origin-invalid": "CORS header 'Access-Control-Allow-Origin' does not match '{value}'",
    "allow-origin-other": "CORS header 'Access-Control-Allow-Origin' does not match '{value}'",
    "allow-origin-star": "Credential is not supported if the CORS header 'Access-Control-Allow-Origin' is '*'",
    "allow-credentials": "expected 'true' in CORS header 'Access-Control-Allow-Credentials'",
    "list-syntax": "invalid token '{token}' in CORS header '{header}'",
    "allow-methods": "Did not find method in CORS header 'Access-Control-Allow-Methods'",
    "authorization": (
        "header '{name}' is not allowed according to header 'Access-Control-Allow-Headers' from CORS preflight response"
    ),
    "allow-headers": (
        "header '{name}' is not allowed according to header 'Access-Control-Allow-Headers' from CORS preflight response"
    ),
}
_FIREFOX_WITH_STATUS: Final[Mapping[str, str]] = {
    "allow-origin-missing": "CORS header 'Access-Control-Allow-Origin' missing",
    "status": "CORS preflight response did not succeed",
}

_WEBKIT: Final[Mapping[str, str]] = {
    "allow-origin-missing": "Origin {origin} is not allowed by Access-Control-Allow-Origin." + _STATUS[:-1],
    "allow-origin-invalid": "Origin {origin} is not allowed by Access-Control-Allow-Origin." + _STATUS[:-1],
    "allow-origin-other": "Origin {origin} is not allowed by Access-Control-Allow-Origin." + _STATUS[:-1],
    "allow-origin-several": "Access-Control-Allow-Origin cannot contain more than one origin.",
    "allow-origin-star": "Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true.",
    "allow-credentials": 'Credentials flag is true, but Access-Control-Allow-Credentials is not "true".',
    "status": "Preflight response is not successful." + _STATUS[:-1],
    "preflight-redirect": "Preflight response is not successful." + _STATUS[:-1],
    "allow-methods": "Method {method} is not allowed by Access-Control-Allow-Methods.",
    "authorization": "Request header field {name} is not allowed by Access-Control-Allow-Headers.",
    "allow-headers": "Request header field {name} is not allowed by Access-Control-Allow-Headers.",
}


def messages(failure: Failure) -> tuple[tuple[str, str], ...]:
    """The message of each browser whose wording is known, by its name."""
    case = _case(failure)
    values = _values(failure)
    templates = {"chromium": _chromium(case, failure), "firefox": _firefox(case), "webkit": _WEBKIT.get(case)}
    return tuple((name, template.format_map(values)) for name, template in templates.items() if template)


def _chromium(case: str, failure: Failure) -> str | None:
    if case in _CHROMIUM_CHECK:
        preflight = failure.exchange is not None and failure.exchange.kind == "preflight"
        ending = _CHROMIUM_ENDINGS.get((failure.fetch.initiator, case), "")
        return _BLOCKED + (_FIRST if preflight else "") + _CHROMIUM_CHECK[case] + ending
    return _BLOCKED + _CHROMIUM_GRANT[case] if case in _CHROMIUM_GRANT else _CHROMIUM_OTHER.get(case)


def _firefox(case: str) -> str | None:
    ending = "." + _STATUS if case in _FIREFOX_WITH_STATUS else "."
    reason = _FIREFOX_REASONS.get(case) or _FIREFOX_WITH_STATUS.get(case)
    return reason and _FIREFOX + re.sub("'(.*?)'", "\u2018\\1\u2019", reason) + ")" + ending


def _case(failure: Failure) -> str:
    """The key of the tables: the check that failed, or which of its cases."""
    exchange, check = failure.exchange, failure.step.check
    if exchange is None:  # on the way to another origin the words are others
        return "same-origin-redirect" if check == "same-origin-mode" and failure.request.redirects else check
    if exchange.kind == "preflight" and is_redirect(exchange.status, exchange.response_headers):
        return "preflight-redirect"
    if check == "allow-origin":
        return f"allow-origin-{_origin_case(exchange.response_headers)}"
    if check == "redirect-location":
        return _location_case(exchange.response_headers)
    return check


def _origin_case(headers: Lines) -> str:
    value = header_value(headers, ALLOW_ORIGIN)
    if value is None:
        return "missing"
    if value == "*":
        return "star"
    if " " in value or "," in value:
        return "several"
    return "other" if "://" in value or value == "null" else "invalid"


def _location_case(headers: Lines) -> str:
    """Whether a Location failed for its user, or for what else it is."""
    location = header_value(headers, "Location") or ""
    if location.lower().startswith(("http:", "https:")):
        return "redirect-user" if "@" in location else "redirect-invalid"
    return "redirect-scheme" if ":" in location.partition("/")[0] else "redirect-invalid"


def _values(failure: Failure) -> dict[str, object]:
    fetch, request, exchange, step = failure
    headers = exchange.response_headers if exchange else ()
    name = ALLOW_CREDENTIALS if step.check == "allow-credentials" else ALLOW_ORIGIN
    listed = next(
        (each for each in (ALLOW_METHODS, ALLOW_HEADERS) if list_values(headers, each) is None), ALLOW_HEADERS
    )
    return {
        "what": _CHROMIUM_NAMES[fetch.initiator],
        "url": exchange.url if exchange else request.url,
        "redirected": f" (redirected from '{normal_url(fetch.url)}')" if request.redirects else "",
        "page": fetch.page,
        "origin": request.serialized_origin,
        "asked": shown(fetch.method),
        "method": normalized_method(fetch.method) if exchange is None else request.method,
        "name": step.sentence.rpartition(" ")[2],
        "value": shown(header_value(headers, name) or ""),
        "header": listed,
        "token": shown(_first_wrong(headers, listed)),
        "status": exchange.status if exchange else 0,
    }


def _first_wrong(headers: Lines, name: str) -> str:
    """The first item of a list that is no token."""
    items = [item.strip(" \t") for item in (header_value(headers, name) or "").split(",")]
    return next((item for item in items if item and not is_token(item)), NON_WILDCARD_HEADER)
