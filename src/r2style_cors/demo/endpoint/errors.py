"""What the endpoint refuses, in S3's words: a code, a status and an XML document."""

from __future__ import annotations

from xml.sax.saxutils import escape

from starlette.responses import Response

# S3 API Reference, "Error responses": the status of each code that is used here, and what it says.
ERRORS: dict[str, tuple[int, str]] = {
    "AccessDenied": (403, "Access Denied"),
    "AuthorizationHeaderMalformed": (400, "The authorization header is malformed."),
    "AuthorizationQueryParametersError": (400, "Error parsing the X-Amz-* query parameters."),
    "BadDigest": (400, "A digest you specified did not match what we received."),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed object size"),
    "InvalidAccessKeyId": (403, "The access key ID you provided does not exist in our records."),
    "InvalidArgument": (400, "Only one auth mechanism allowed"),
    "InvalidRange": (416, "The requested range is not satisfiable"),
    "InvalidRequest": (400, "Missing required header for this request: x-amz-content-sha256"),
    "InvalidURI": (400, "Couldn't parse the specified URI."),
    "KeyTooLongError": (400, "Your key is too long"),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "NoSuchBucket": (404, "The specified bucket does not exist"),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NotImplemented": (501, "A header or a query you provided implies functionality that is not implemented."),
    "PreconditionFailed": (412, "At least one of the pre-conditions you specified did not hold"),
    "RequestTimeTooSkewed": (403, "The difference between the request time and the current time is too large."),
    "SignatureDoesNotMatch": (
        403,
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    ),
    "XAmzContentSHA256Mismatch": (400, "The provided 'x-amz-content-sha256' header does not match what was computed."),
}


class S3Error(Exception):
    """A refusal.

    Attributes:
        code: one of `ERRORS`.
        message: what it says; the code's usual sentence where none is given.
        status: the status of that code.
        headers: more response headers, with `_` for `-`.
    """

    status: int
    message: str
    headers: dict[str, str]

    def __init__(self, *, code: str, message: str | None = None, **headers: str) -> None:
        self.status, usual = ERRORS[code]
        self.code = code
        self.message = message or usual
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(f"{code}: {self.message}")

    def response(self) -> Response:
        """The XML document that S3 clients read."""
        body = f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>"
        document = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
        return Response(document, self.status, self.headers, "application/xml")
