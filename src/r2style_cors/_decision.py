"""What is answered: Decision, and the Answer that it is made of.

An Answer is finished when the policy is compiled. A Decision adds the little that a request brings to it: its origin
where that is echoed, and the header names that a preflight asked for. Both are immutable and safe to share.
"""

from __future__ import annotations

from ._fetch import ALLOW_HEADERS, ALLOW_ORIGIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Kind: TypeAlias = Literal["preflight", "actual", "none"]
    Reason: TypeAlias = Literal["no-origin", "allowed", "origin", "method", "headers", "malformed"]
    Pairs: TypeAlias = tuple[tuple[str, str], ...]
    RawPairs: TypeAlias = tuple[tuple[bytes, bytes], ...]

# PEP 3333 wants a reason phrase; these are all the statuses that a policy answers with.
_STATUS_LINES = {200: "200 OK", 204: "204 No Content", 400: "400 Bad Request", 403: "403 Forbidden"}
_RAW_ALLOW_ORIGIN = ALLOW_ORIGIN.lower().encode()
_RAW_ALLOW_HEADERS = ALLOW_HEADERS.lower().encode()


def raw(pairs: Pairs) -> RawPairs:
    """`pairs` as ASGI wants them: names in lower case, all of it bytes."""
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs)


class Answer:
    """One answer of a policy, finished but for what a request brings to it."""

    __slots__ = (
        "allowed", "body", "echo", "headers", "kind", "raw_headers", "raw_vary_pair", "reason", "refused", "rule",
        "status", "status_line", "vary", "vary_pair",
    )  # fmt: skip

    def __init__(
        self,
        kind: Kind,
        reason: Reason,
        *,
        rule: int | None = None,
        status: int | None = None,
        headers: Pairs = (),
        body: bytes = b"",
        vary: tuple[str, ...] = (),
        echo: bool = False,
    ) -> None:
        self.kind: Kind = kind
        self.reason: Reason = reason
        self.rule: int | None = rule
        self.status: int | None = status
        self.status_line: str = _STATUS_LINES.get(status or 0, "")
        self.headers: Pairs = headers
        self.raw_headers: RawPairs = raw(headers)
        self.body: bytes = body
        self.vary: tuple[str, ...] = vary
        self.vary_pair: Pairs = (("Vary", ", ".join(vary)),) if vary else ()
        self.raw_vary_pair: RawPairs = raw(self.vary_pair)
        self.echo: bool = echo  # whether the request's origin is to be added (SEMANTICS 5.3)
        self.allowed: bool = reason == "allowed"
        self.refused: bool = reason not in ("allowed", "no-origin")


_set = object.__setattr__


class Decision:
    """What the policy says of one request (SEMANTICS 3 to 8). Immutable: requests that ask the same share one.

    Attributes:
        kind: `preflight` where the policy itself answers, `actual` for a request with an Origin, `none` for one without.
        allowed: whether a rule applies.
        reason: `no-origin`, `allowed`, `origin`, `method`, `headers` or `malformed`: the furthest test that any rule
            reached (SEMANTICS 8.3).
        rule: 0-based index of the rule that won, or of the first that got furthest; None where none got anywhere.
        status: the status of a preflight's answer, else None.
        headers: a preflight's whole response headers, else the CORS headers to add, as pairs of str.
        raw_headers: the same as bytes, names in lower case.
        body: the body of a preflight's answer; empty unless it is refused.
        vary: the names to merge into the response's Vary (SEMANTICS 5.4).
    """

    # `extra` is what a door appends to a response that has no Vary: the CORS headers, then Vary, which is the last.
    # It is a list since `list + list` is the cheapest way to do that; doors never hand it out.
    __slots__ = ("answer", "extra", "headers", "raw_extra", "raw_headers")

    answer: Answer
    headers: Pairs
    raw_headers: RawPairs
    extra: list[tuple[str, str]]
    raw_extra: list[tuple[bytes, bytes]]

    def __init__(self, answer: Answer, origin: str | None = None, names: str | None = None) -> None:
        """`origin` and `names` are echoed: the caller has checked them against their grammar (SEMANTICS 8.2)."""
        headers, raw_headers = answer.headers, answer.raw_headers
        if origin is not None:
            headers = ((ALLOW_ORIGIN, origin), *headers)
            raw_headers = ((_RAW_ALLOW_ORIGIN, origin.encode()), *raw_headers)
        if names is not None:
            headers = (*headers, (ALLOW_HEADERS, names))
            raw_headers = (*raw_headers, (_RAW_ALLOW_HEADERS, names.encode()))
        _set(self, "answer", answer)
        _set(self, "headers", headers)
        _set(self, "raw_headers", raw_headers)
        _set(self, "extra", [*headers, *answer.vary_pair])
        _set(self, "raw_extra", [*raw_headers, *answer.raw_vary_pair])

    def __setattr__(self, name: str, value: object) -> None:
        message = f"Decision is immutable: {name} cannot be set"
        raise AttributeError(message)

    def __setstate__(self, state: tuple[None, dict[str, object]]) -> None:
        """For copies and pickles: a scope or an environ that holds a decision may be copied whole."""
        for name, value in state[1].items():
            _set(self, name, value)

    @property
    def kind(self) -> Kind:
        return self.answer.kind

    @property
    def allowed(self) -> bool:
        return self.answer.allowed

    @property
    def reason(self) -> Reason:
        return self.answer.reason

    @property
    def rule(self) -> int | None:
        return self.answer.rule

    @property
    def status(self) -> int | None:
        return self.answer.status

    @property
    def body(self) -> bytes:
        return self.answer.body

    @property
    def vary(self) -> tuple[str, ...]:
        return self.answer.vary

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def __repr__(self) -> str:
        return (
            f"Decision(kind={self.kind!r}, allowed={self.allowed}, reason={self.reason!r}, rule={self.rule}, "
            f"status={self.status}, headers={self.headers!r}, vary={self.vary!r})"
        )

    def _value(self) -> tuple[object, ...]:
        return (self.kind, self.reason, self.rule, self.status, self.headers, self.body, self.vary)
