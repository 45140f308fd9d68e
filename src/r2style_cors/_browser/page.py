"""What a page asks for, and the request that its script or element makes of it (Fetch, section 5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from .._fetch import FORBIDDEN_METHODS, SAFELISTED_METHODS, is_token
from .._origins import is_serialized_origin
from .._text import shown
from .exchange import Mode, PageRequest, RedirectMode, Step, header_value
from .safelist import (
    Lines,
    is_forbidden_header,
    is_no_cors_safelisted_header,
    normalized_method,
)
from .url import fragment_of, has_user, normal_url, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .departures import Quirk
    from .exchange import Check

Credentials: TypeAlias = Literal["omit", "same-origin", "include"]
CrossOrigin: TypeAlias = Literal["anonymous", "use-credentials"]
Initiator: TypeAlias = Literal["fetch", "xhr", "image", "script", "stylesheet", "font", "video", "audio"]
Body: TypeAlias = Literal["text", "search-params", "form-data", "blob", "bytes", "stream"]

# Fetch, section 5.2: the Content-Type of each body. A blob brings its own; a multipart boundary is random in browsers.
BODY_TYPES: dict[Body, str] = {
    "text": "text/plain;charset=UTF-8",
    "search-params": "application/x-www-form-urlencoded;charset=UTF-8",
    "form-data": "multipart/form-data; boundary=----boundary",
    "blob": "",
    "bytes": "",
    "stream": "",
}
_SCRIPTED = ("fetch", "xhr")  # what may choose a method, headers and a body
_MEDIA = ("video", "audio")
_CONTENT_TYPE = "Content-Type"
# Fetch, section 4.6: the headers for which the cache mode is no-store.
_CONDITIONAL = frozenset({"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"})
_WHITESPACE = " \t\r\n"  # Fetch, section 2.2: HTTP whitespace
_LATIN_1 = "\xff"  # the last character of a ByteString (Web IDL)
_CHOICES = {
    "mode": Mode, "credentials": Credentials, "redirect": RedirectMode, "initiator": Initiator, "body": Body,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fetch:
    """What a page asks for. The constructors beside say it for elements and XMLHttpRequest.

    Attributes:
        page: the page's origin; `null` for an opaque one, such as a sandboxed frame's.
        url: where to: absolute, or relative to the page. Its fragment counts for the preflight cache alone.
        method: the method, as the script writes it.
        headers: the headers that the script sets, in its order, as an array of pairs; they may repeat. (A script's
            `Headers` object joins the lines of one name before anybody sees them.)
        body: what kind of body is sent, or None. It brings a Content-Type unless the script sets one (section 5.2).
        blob_type: the type of a `blob`; empty for none.
        content: the bytes of the body, for an application that reads them.
        mode: `cors`, `no-cors` or `same-origin`.
        credentials: `omit`, `same-origin` or `include`.
        redirect: `follow`, `error` or `manual`.
        initiator: `fetch`, `xhr`, or the kind of element.
        upload_listener: whether a script listens to the progress of an XMLHttpRequest's upload, which makes a preflight.

    Raises:
        ValueError: `page` is no origin, `url` no `http` or `https` URL, or an attribute none of its values.
    """

    page: str
    url: str
    method: str = "GET"
    headers: Lines = ()
    body: Body | None = None
    blob_type: str = ""
    content: bytes = b""
    mode: Mode = "cors"
    credentials: Credentials = "same-origin"
    redirect: RedirectMode = "follow"
    initiator: Initiator = "fetch"
    upload_listener: bool = False

    def __post_init__(self) -> None:
        if not is_serialized_origin(self.page):
            message = f"'{shown(self.page)}' is no origin: write scheme://name[:port] in lower case, or null"
            raise ValueError(message)
        for name, choices in _CHOICES.items():
            value, known = getattr(self, name), get_args(choices)
            if value not in known and not (name == "body" and value is None):
                message = f"{name} must be one of {', '.join(known)}, not '{shown(str(value))}'"
                raise ValueError(message)
        url = normal_url(self.url, "" if self.page == "null" else f"{self.page}/")
        object.__setattr__(self, "url", url + fragment_of(self.url))

    @classmethod
    def xhr(
        cls,
        page: str,
        url: str,
        method: str = "GET",
        headers: Lines = (),
        *,
        body: Body | None = None,
        blob_type: str = "",
        content: bytes = b"",
        with_credentials: bool = False,
        upload_listener: bool = False,
    ) -> Fetch:
        """An `XMLHttpRequest`: its mode is cors, and its credentials follow `withCredentials` (XMLHttpRequest, 3.5.6).

        Args:
            page: the page's origin.
            url: where to.
            method: the method.
            headers: the headers that it sets; several of one name are joined.
            body: what kind of body is sent.
            blob_type: the type of a `blob`.
            content: the bytes of the body.
            with_credentials: its `withCredentials`.
            upload_listener: whether a script listens to its `upload`.

        Raises:
            ValueError: as for `Fetch`.
        """
        return cls(
            page, url, method, headers, body, blob_type, content,
            credentials="include" if with_credentials else "same-origin",
            initiator="xhr", upload_listener=upload_listener,
        )  # fmt: skip

    @classmethod
    def element(
        cls, page: str, url: str, kind: Initiator = "image", crossorigin: CrossOrigin | None = None, *, first: int = 0
    ) -> Fetch:
        """An element with a `crossorigin` attribute, or without one (HTML, section 2.5.4).

        Args:
            page: the page's origin.
            url: where to.
            kind: `image`, `script`, `stylesheet`, `video` or `audio`.
            crossorigin: `anonymous`, `use-credentials`, or None where there is no attribute: the mode is no-cors then.
            first: for `video` and `audio`: the first byte that is asked for, by Range.

        Raises:
            ValueError: as for `Fetch`, or `crossorigin` is none of these.
        """
        if crossorigin not in (None, *get_args(CrossOrigin)):
            message = f"crossorigin must be one of {', '.join(get_args(CrossOrigin))}, not '{shown(str(crossorigin))}'"
            raise ValueError(message)
        headers = (("Range", f"bytes={first}-"),) if kind in _MEDIA else ()
        mode: Mode = "no-cors" if crossorigin is None else "cors"
        credentials: Credentials = "same-origin" if crossorigin == "anonymous" else "include"
        return cls(page, url, headers=headers, mode=mode, credentials=credentials, initiator=kind)

    @classmethod
    def module(cls, page: str, url: str, crossorigin: CrossOrigin | None = None) -> Fetch:
        """A `<script type=module>`: its mode is cors, with or without the attribute (HTML, section 8.1.3.3).

        Args:
            page: the page's origin.
            url: where to.
            crossorigin: `anonymous`, `use-credentials`, or None.

        Raises:
            ValueError: as for `Fetch.element`.
        """
        return cls.element(page, url, "script", crossorigin or "anonymous")

    @classmethod
    def font(cls, page: str, url: str) -> Fetch:
        """An `@font-face` rule: its mode is cors, without credentials for other origins (CSS Fonts, section 4.8.2).

        Args:
            page: the origin of the style sheet's page.
            url: where the font is.

        Raises:
            ValueError: as for `Fetch`.
        """
        return cls.element(page, url, "font", "anonymous")


def new_request(fetch: Fetch, quirks: frozenset[Quirk] = frozenset()) -> PageRequest | Step:
    """The request that is fetched, or the step at which the script throws before there is one (section 5.4)."""
    failed = next(_refusals(fetch, quirks), None)
    if failed is not None:
        return Step("5.4", failed[0], passed=False, sentence=failed[1])
    return PageRequest(
        normal_url(fetch.url),
        fetch.page,
        normalized_method(fetch.method),
        _header_list(fetch, quirks),
        credentials=fetch.credentials == "include",
        cross_origin=origin_of(fetch.url) != fetch.page,
        mode=_mode(fetch, quirks),
        redirect=fetch.redirect,
        forced=_forced(fetch, quirks),
        fragment=fragment_of(fetch.url),
        body=_body(fetch, quirks),
        quirks=quirks,
        names_origin=_names_origin(fetch, quirks),
        asks_again=_asks_again(fetch, quirks),
        typed=fetch.initiator == "xhr" and header_value(fetch.headers, _CONTENT_TYPE) is None,
        credentials_at_home=fetch.credentials != "omit",
    )


def _body(fetch: Fetch, quirks: frozenset[Quirk]) -> Body | None:
    """The body that is sent: XMLHttpRequest drops one where the method has none (XMLHttpRequest, section 3.5.6)."""
    if fetch.initiator == "xhr" and normalized_method(fetch.method) in ("GET", "HEAD"):
        return None
    return "text" if fetch.body == "stream" and "streams-are-text" in quirks else fetch.body


def _forced(fetch: Fetch, quirks: frozenset[Quirk]) -> str:
    """Why a preflight is made in any case (section 2.2.5, use-CORS-preflight flag)."""
    body = _body(fetch, quirks)
    if body == "stream":
        return "the body is a stream"
    heard = fetch.upload_listener and (body is not None or "listener-needs-body" not in quirks)
    return "a script listens to the upload" if heard and fetch.initiator == "xhr" else ""


def _mode(fetch: Fetch, quirks: frozenset[Quirk]) -> Mode:
    return "no-cors" if fetch.initiator == "font" and "fonts-no-cors" in quirks else fetch.mode


def _names_origin(fetch: Fetch, quirks: frozenset[Quirk]) -> bool:
    """Whether an element says Origin to the page's own origin, where the standard has none (section 3.2)."""
    quirk: Quirk = "media-name-origin" if fetch.initiator in _MEDIA else "elements-name-origin"
    return _mode(fetch, quirks) == "cors" and fetch.initiator not in _SCRIPTED and quirk in quirks


def _asks_again(fetch: Fetch, quirks: frozenset[Quirk]) -> bool:
    """Whether a conditional request, which is made without the HTTP cache (section 4.6), passes by the preflight cache too."""
    departs = "conditional-asks-again" in quirks or (
        "fetch-conditional-asks-again" in quirks and fetch.initiator == "fetch"
    )
    return departs and not _CONDITIONAL.isdisjoint(name.lower() for name, _ in fetch.headers)


def _refusals(fetch: Fetch, quirks: frozenset[Quirk]) -> Iterator[tuple[Check, str]]:
    """What makes the script throw, in the standard's order."""
    if fetch.initiator == "fetch" and has_user(fetch.url):
        yield "url-user", "the URL has a user or a password in it"
    if not is_token(fetch.method):
        yield "method-token", f"'{shown(fetch.method)}' is no method"
    if fetch.method.upper() in FORBIDDEN_METHODS:
        yield "method-forbidden", f"no page may use the method {fetch.method}"
    if fetch.mode == "no-cors" and normalized_method(fetch.method) not in SAFELISTED_METHODS:
        yield "method-no-cors", f"the mode is no-cors, and the method {fetch.method} is not CORS-safelisted"
    for name, value in fetch.headers:
        if not is_token(name):
            yield "header-name", f"'{shown(name)}' is no header name"
        if not _is_value(value.strip(_WHITESPACE)):
            yield "header-value", f"'{shown(value)}' is no header value"
    yield from _body_refusals(fetch, quirks)


def _body_refusals(fetch: Fetch, quirks: frozenset[Quirk]) -> Iterator[tuple[Check, str]]:
    body = _body(fetch, quirks)
    if body is not None and normalized_method(fetch.method) in ("GET", "HEAD"):
        yield "body-method", f"{fetch.method} has no body"
    if body == "stream" and "no-streams" in quirks:
        yield "body-stream", "this browser sends no streams"
    if body == "stream" and fetch.mode == "no-cors":
        yield "body-stream", "the mode is no-cors, and the body a stream"


def _is_value(text: str) -> bool:
    return not any(character in "\0\r\n" or character > _LATIN_1 for character in text)


def _header_list(fetch: Fetch, quirks: frozenset[Quirk]) -> Lines:
    """The request's header list: what the Headers object lets through, and the body's type (sections 5.1 and 5.4)."""
    if fetch.initiator not in _SCRIPTED:
        return () if "media-without-range" in quirks else fetch.headers
    kept: Lines = ()
    for name, value in fetch.headers:
        if "user-agent-dropped" not in quirks or name.lower() != "user-agent":
            kept = _appended(kept, name, value.strip(_WHITESPACE), fetch.mode)
    content_type = _content_type(fetch, quirks)
    if content_type and header_value(kept, _CONTENT_TYPE) is None:
        mode = "cors" if "no-cors-keeps-body-type" in quirks else fetch.mode
        kept = _appended(kept, _CONTENT_TYPE, content_type, mode)
    return _joined(kept) if fetch.initiator == "xhr" or "lines-joined" in quirks else kept


def _appended(kept: Lines, name: str, value: str, mode: Mode) -> Lines:
    """`kept` with one more header, unless the guard keeps it out without a word (section 5.1)."""
    if is_forbidden_header(name, value):
        return kept
    before = header_value(kept, name)
    together = value if before is None else f"{before}, {value}"
    if mode == "no-cors" and not is_no_cors_safelisted_header(name, together):
        return kept
    return (*kept, (name, value))


def _content_type(fetch: Fetch, quirks: frozenset[Quirk]) -> str:
    """The Content-Type that a body brings (section 5.2)."""
    body = _body(fetch, quirks)
    if fetch.body == "search-params" and "get-keeps-params-type" in quirks:
        return BODY_TYPES["search-params"]
    if body != "blob":
        return BODY_TYPES[body] if body else ""
    # File API, section 3.1: a type with anything else in it is none.
    printable = all(" " <= character <= "~" for character in fetch.blob_type)
    return fetch.blob_type.lower() if printable else ""


def _joined(headers: Lines) -> Lines:
    """The headers with the lines of one name joined, in the place and the spelling of the first."""
    names: dict[str, str] = {}
    for name, _ in headers:
        names.setdefault(name.lower(), name)
    return tuple((name, header_value(headers, name) or "") for name in names.values())
