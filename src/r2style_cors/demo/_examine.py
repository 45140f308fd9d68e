"""What the page is told of a policy while it is typed: findings, the matrix, and one fetch, simulated and explained.

Nothing here decides, writes or sends: it puts `check`, `matrix`, `simulate`, `explain` and `suggest` side by side, for
a text that may never be saved. The bucket that the model asks is the demo's own, behind the demo's own door.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from .. import wsgi
from .._browser.exchange import Mode, header_value
from .._browser.page import Credentials  # noqa: TC001 - pydantic reads the annotation
from .._codes import CODES
from .._desk.check import check
from .._desk.convert import convert
from .._desk.matrix import matrix
from .._desk.spans import PolicyText
from .._desk.suggest import suggest
from .._fetch import ORIGIN, REQUEST_HEADERS, REQUEST_METHOD
from ..browser import BROWSERS, Fetch, simulate
from ..errors import PolicyError
from ..policy import Policy
from ._bucket import wsgi_bucket

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._desk.explain import Explanation
    from .._engine import Engine
    from ..browser import Exchange
    from ..errors import Problem
    from ._bucket import Bucket

_MARK = "\ufeff"  # a byte order mark, which counts for no column
_IMAGES: Mapping[str, Literal["anonymous", "use-credentials"] | None] = {
    "image": None,
    "image-anonymous": "anonymous",
    "image-credentials": "use-credentials",
}


class Sent(BaseModel):
    """What the page sends: these keys, of these types, and nothing else."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Draft(Sent):
    """A policy's text, as it stands in the editor."""

    text: str


class Rewriting(Draft):
    """A policy's text, and the form that it is wanted in."""

    form: Literal["dashboard", "api", "s3", "xml", "terraform"]


class Described(Sent):
    """A fetch as the page describes it; an element has no method, headers, body, mode or credentials of its own choice."""

    page: str
    url: str
    kind: Literal["fetch", "xhr", "image", "image-anonymous", "image-credentials", "font", "module"] = "fetch"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    mode: Mode = "cors"
    credentials: Credentials = "same-origin"
    browser: Literal["standard", "chromium", "firefox", "webkit"] = "standard"

    def fetch(self) -> Fetch:
        """The same for the model.

        Raises:
            ValueError: there is no such page or URL.
        """
        if self.kind == "font":
            return Fetch.font(self.page, self.url)
        if self.kind == "module":
            return Fetch.module(self.page, self.url)
        if self.kind in _IMAGES:
            return Fetch.element(self.page, self.url, "image", _IMAGES[self.kind])
        return self._scripted()

    def _scripted(self) -> Fetch:
        content = self.body.encode()
        body: Literal["text"] | None = "text" if content else None
        asked = (self.page, self.url, self.method, self.headers)
        if self.kind == "xhr":
            with_credentials = self.credentials == "include"
            return Fetch.xhr(*asked, body=body, content=content, with_credentials=with_credentials)
        return Fetch(*asked, body=body, content=content, mode=self.mode, credentials=self.credentials)


class Question(Draft):
    """What the page asks about the text in its editor."""

    fetch: Described | None = None


def examine(question: Question, bucket: Bucket) -> dict[str, Any]:
    """Everything that the page shows of a text.

    Args:
        question: the text, and a fetch if one is described.
        bucket: what the described fetch asks; a rehearsal, so that nothing comes of it.

    Returns:
        `form` (or None), `problems` (as `check --json` has them, without their values), and, where the policy can be
        enforced, `matrix` (as `matrix --json` has its rows) and `fetch`: what `simulate --json` prints, with `why`, an
        explanation for each exchange that names an origin, and `suggestion`; or `refusal`, in words. Else these are None.
    """
    data = question.text.encode()
    at = PolicyText(question.text.removeprefix(_MARK))
    found: dict[str, Any] = {"problems": [_problem(problem, at) for problem in check(data)]}
    try:
        policy = Policy.parse(data)
    except PolicyError as error:
        return {**found, "form": error.form, "matrix": None, "fetch": None}
    described = question.fetch
    fetched = None if described is None else _fetched(policy, described, bucket)
    return {**found, "form": policy.form, "matrix": asdict(matrix(policy)), "fetch": fetched}


def rewritten(rewriting: Rewriting) -> dict[str, Any]:
    """The text in another form, and the paths of what that form has no place for.

    Raises:
        ValueError: it is no good policy, or the form cannot hold it.
    """
    made = convert(rewriting.text.encode(), rewriting.form)
    return {"text": made.text, "dropped": made.dropped}


def told(problem: Problem) -> dict[str, Any]:
    """A problem as JSON. The value is left out: the page shows the line that it stands in."""
    shown = ("code", "severity", "path", "line", "column", "message", "fix")
    return {name: getattr(problem, name) for name in shown}


def _problem(problem: Problem, at: PolicyText) -> dict[str, Any]:
    """A problem, where it ends, and what is known of its code."""
    code = CODES[problem.code]
    end = (problem.column or 1) + len(at.value_of(problem))
    return {**told(problem), "end_column": end, "why": code.why, "instead": code.instead}


def _fetched(policy: Policy, described: Described, bucket: Bucket) -> dict[str, Any]:
    """A described fetch by the model, and why the policy answered each request as it did."""
    engine = policy.compile()
    engine.problems = ()  # the page tells them; the door would log them again with every keystroke
    try:
        fetch = described.fetch()
    except ValueError as error:
        return {"refusal": f"{error}."}
    server = wsgi.CORSMiddleware(wsgi_bucket(bucket), engine)
    found = simulate(server, fetch, browser=BROWSERS[described.browser])
    whys = [_explained(engine, exchange) for exchange in found.exchanges]
    return {
        **found.as_json(),
        "message": found.message,
        "why": [why and _why(why) for why in whys],
        "suggestion": _suggestion(policy, whys[-1]) if whys else None,
    }


def _explained(engine: Engine, exchange: Exchange) -> Explanation | None:
    """Why the policy answered one request; None for one without Origin, of which no rule was asked."""
    lines = exchange.request_headers
    origin, method, names = (header_value(lines, name) for name in (ORIGIN, REQUEST_METHOD, REQUEST_HEADERS))
    return None if origin is None else engine.explain(exchange.method, origin, method, names)


def _why(explained: Explanation) -> dict[str, Any]:
    return {
        "allowed": explained.decision.allowed,
        "rule": explained.decision.rule,
        "reason": explained.decision.reason,
        "sentence": explained.sentence,
        "rules": [asdict(rule) for rule in explained.rules],
    }


def _suggestion(policy: Policy, explained: Explanation | None) -> dict[str, Any] | None:
    """What would grant the last request that was sent, where the policy refused it."""
    if explained is None or explained.origin is None:
        return None
    actual = explained.decision.kind == "actual"
    names = explained.request_headers or ""
    made = suggest(policy, origin=explained.origin, method=explained.method, headers=names, actual=actual)
    return None if made is None else {"message": made.message, "fragment": made.fragment}
