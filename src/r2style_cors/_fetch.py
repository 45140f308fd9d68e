"""The words of the Fetch standard and of HTTP: tokens, safelists, forbidden names, methods.

Each constant names the section that it quotes. Nothing here knows what a policy is.
"""

from __future__ import annotations

# RFC 9110, section 5.6.2: tchar. A token is one or more of them.
TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # noqa: S105 - no secret

# RFC 9110, section 5.6.3: optional white space around the items of a list.
OPTIONAL_WHITESPACE = " \t"

# Fetch, section 2.2.1: methods that no page may use, in any case.
FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})

# Fetch, section 2.2.1: methods whose case the browser mends. `patch` is not among them.
NORMALIZED_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})

# Fetch, section 2.2.1: methods that a page may use without a preflight.
SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})

# Fetch, section 2.2.2: request headers that a page may send without a preflight, for some values.
SAFELISTED_REQUEST_HEADERS = frozenset({"accept", "accept-language", "content-language", "content-type", "range"})

# Fetch, section 2.2.2: what a page may set in the mode no-cors. `Range` is not among them.
NO_CORS_SAFELISTED_NAMES = SAFELISTED_REQUEST_HEADERS - {"range"}

# Fetch, section 2.2.2: response headers that a page may always read.
SAFELISTED_RESPONSE_HEADERS = frozenset(
    {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}
)

# Fetch, section 2.2.2: request headers that only the browser sets, so that no preflight names them.
FORBIDDEN_REQUEST_HEADERS = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
FORBIDDEN_REQUEST_HEADER_PREFIXES = ("proxy-", "sec-")

# Fetch, section 2.2.2: response headers that no page may read.
FORBIDDEN_RESPONSE_HEADERS = frozenset({"set-cookie", "set-cookie2"})

# Fetch, section 3.3.3: the response headers of the CORS protocol, in the order in which we write them.
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
ALLOW_METHODS = "Access-Control-Allow-Methods"
ALLOW_HEADERS = "Access-Control-Allow-Headers"
ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"
EXPOSE_HEADERS = "Access-Control-Expose-Headers"
MAX_AGE = "Access-Control-Max-Age"
CORS_RESPONSE_HEADERS = (ALLOW_ORIGIN, ALLOW_METHODS, ALLOW_HEADERS, ALLOW_CREDENTIALS, EXPOSE_HEADERS, MAX_AGE)

# Fetch, section 3.3.2: the request headers of the CORS protocol.
ORIGIN = "Origin"
REQUEST_METHOD = "Access-Control-Request-Method"
REQUEST_HEADERS = "Access-Control-Request-Headers"


def is_token(text: str) -> bool:
    """Whether `text` is a token (RFC 9110, section 5.6.2): stripping tchars leaves nothing of it."""
    return text != "" and not text.strip(TOKEN_CHARACTERS)


def is_forbidden_request_header(name: str) -> bool:
    """Whether only the browser sets the lower-case `name` (Fetch, section 2.2.2, forbidden request-header)."""
    return name in FORBIDDEN_REQUEST_HEADERS or name.startswith(FORBIDDEN_REQUEST_HEADER_PREFIXES)
