"""Every target: what is run, where it begins, and the words that help it along."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

import asking
import deciding
import reading
from r2style_cors import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RULES: list[list[Any]] = [
    [{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}],
    [
        {"ID": "a", "AllowedOrigins": ["https://*.a.example", "http://localhost:3000"], "AllowedMethods": ["PUT", "GET"],
         "AllowedHeaders": ["x-*", "content-type"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 600},
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 0},
    ],
]  # fmt: skip
# Bytes that a fuzzer would be long in finding: keys, punctuation, and what has gone wrong in readers of JSON and XML.
JSON_WORDS = (
    "AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders", "MaxAgeSeconds", "ID", "rules", "allowed",
    "origins", "methods", "headers", "exposeHeaders", "maxAgeSeconds", "CORSRules", "result", "success", "resource",
    "cloudflare_r2_bucket_cors", "expose_headers", "max_age_seconds", "account_id", "bucket_name", "jurisdiction",
    "cors", "origin", "method", "responseHeader", "null", "true", "false", "NaN", "Infinity", "1e999", "-0", "3600.0",
    "\\u0000", "\\ud800", "\\", "[[[[[[[[", "{}", "[]", ",]", ",}", "//", "/*", "\u201c", "\ufeff", '"', "'",
    "https://", "*", "https://*.", ":443", "GET", "OPTIONS", "PATCH", "x-*",
)  # fmt: skip
XML_WORDS = (
    "<CORSConfiguration>", "</CORSConfiguration>", "<CORSRule>", "</CORSRule>", "<AllowedOrigin>", "</AllowedOrigin>",
    "<AllowedMethod>", "<AllowedHeader>", "<ExposeHeader>", "<MaxAgeSeconds>", "<ID>", "</ID>", "<!DOCTYPE a [", "]>",
    '<!ENTITY b "c">', "&b;", "&#0;", "&#xD800;", "&lt;", "<![CDATA[", "]]>", "<?xml version='1.0' encoding='",
    "UTF-16", "UTF-7", "latin-1", "<!--", "-->", " xmlns='http://s3.amazonaws.com/doc/2006-03-01/'", "xmlns:a='b'",
)  # fmt: skip
ORIGIN_WORDS = (
    "null",
    "https://",
    "http://",
    "[::1]",
    "[::ffff:1.2.3.4]",
    ":65535",
    ":65536",
    ":0",
    ":08",
    "*",
    "%",
    "@",
)


class Target(NamedTuple):
    """One thing to fuzz.

    Attributes:
        run: fails where the bytes that it is given show a mistake.
        seeds: the bytes to begin with.
        words: the bytes to put in here and there.
    """

    run: Callable[[bytes], None]
    seeds: Sequence[bytes]
    words: Sequence[str] = ()


def documents(form: str) -> list[bytes]:
    """Policies in one form, under both profiles, read strictly or not, as bytes or as text (see `reading.policy`)."""
    texts = [Policy.parse(rules).dump(form).encode() for rules in RULES]
    return [head + text for text in texts for head in (b"\0\0\0", b"\1\0\0", b"\0\1\0", b"\0\0\1")]


def dice(count: int, size: int) -> list[bytes]:
    """Bytes that are any choices, the same every time; the first ones choose the first of everything."""
    source = random.Random(size)  # noqa: S311 - no secret
    return [bytes(size), *(source.randbytes(size) for _ in range(count))]


ORIGINS = (
    "null",
    "*",
    "https://a.example",
    "http://[::1]:8080",
    "https://*.a.example",
    "capacitor://localhost",
    "https://a:65535",
)
LISTS = (b"", b"x-a", b"X-A, content-type,\t,x-a", b"x-a\nx-b, \nx-c", b"x a", b"x-\xe9", b"," * 100, b"a" * 8193)

TARGETS = {
    **{form: Target(reading.policy, documents(form), JSON_WORDS) for form in ("dashboard", "api", "s3", "terraform")},
    "xml": Target(reading.policy, documents("xml"), XML_WORDS),
    "origin": Target(reading.origin, [origin.encode() for origin in ORIGINS], ORIGIN_WORDS),
    "wildcards": Target(reading.wildcards, dice(20, 40)),
    "header-list": Target(reading.header_list, LISTS, (",", ", ", "\t", "\n", "content-type", "x-")),
    "engine": Target(deciding.engine, dice(40, 120)),
    "asgi": Target(asking.asgi, dice(40, 120)),
    "wsgi": Target(asking.wsgi, dice(40, 120)),
}
