"""The browser's side of CORS as a model: what a page's fetch sends, and what the page may read of the answer.

    >>> from r2style_cors import Policy
    >>> from r2style_cors.browser import Fetch, simulate
    >>> policy = Policy.parse([{"AllowedOrigins": ["https://app.example"], "AllowedMethods": ["PUT"]}])
    >>> found = simulate(policy, Fetch("https://app.example", "https://files.example/a", "PUT"))
    >>> found.outcome, [exchange.method for exchange in found.exchanges]
    ('readable', ['OPTIONS', 'PUT'])

The model follows the Fetch standard's algorithms, and a step names the section that it comes from.

To compare the model with a real browser, make a `Fetch`, give the same policy and application to `simulate` (as a `Site`,
or as the very application) and to a server, and compare with what arrived there and what the script saw:

- was there a preflight: `exchanges[i].kind`; what it carried: `exchanges[i].request_headers`, CORS headers and the
  script's own, in no particular order on a real wire;
- what the script saw: `type`, `status` and `headers`, which is `[...response.headers]`; a rejected promise is `blocked`;
- the same `PreflightCache` over several fetches of one browser, with `now` advanced, is that browser's own.

Everything is a frozen dataclass of plain values, and nothing depends on the time, the network or chance.

Not modelled: mixed content, Content Security Policy, Private and Local Network Access, Cross-Origin-Resource-Policy and
opaque-response blocking, service workers, the HTTP cache, cookies and what else goes with credentials, referrer policies,
integrity, the Sec-Fetch headers, and the Accept and Accept-Language that a browser adds, which count among the 1024 bytes
of safelisted values. Streams are taken to travel over HTTP/2, without which browsers refuse them. That a response is
readable does not mean that an element can decode it.
"""

from __future__ import annotations

from ._browser.browsers import BROWSERS, CHROMIUM, FIREFOX, QUIRKS, STANDARD, WEBKIT, Browser
from ._browser.cache import PreflightCache
from ._browser.exchange import Step
from ._browser.inprocess import Response
from ._browser.page import Fetch
from ._browser.servers import Site
from ._browser.simulate import Simulation, simulate
from ._browser.walk import Exchange

__all__ = [
    "BROWSERS",
    "CHROMIUM",
    "FIREFOX",
    "QUIRKS",
    "STANDARD",
    "WEBKIT",
    "Browser",
    "Exchange",
    "Fetch",
    "PreflightCache",
    "Response",
    "Simulation",
    "Site",
    "Step",
    "simulate",
]
