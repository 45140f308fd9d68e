"""The browser's side of CORS: a whole fetch as a model, and what `browser`, `testing` and `probe` share of it.

Nothing here is sent. The rooms follow the Fetch standard's algorithms, and a step names the section that it comes from:

- `page`: what a page asks for, and the Request constructor (5.4);
- `walk`: main fetch, HTTP fetch, HTTP-redirect fetch and CORS-preflight fetch (4.1, 4.4, 4.5, 4.8);
- `exchange`: what a browser sends and checks in one exchange, the CORS check (4.10) above all;
- `redirects`: where a redirect takes a request (4.5); `cache`: the CORS-preflight cache (4.9), by the caller's clock;
- `safelist`: which methods and headers a page may send, and which need a preflight (2.2); `url`: how a browser reads URLs;
- `departures`: where browsers depart from all that; `browsers`, `console`: browsers as data: their limits and their words;
- `servers`: what answers: policies, described sites, applications; `inprocess`: calling those without a socket;
- `simulate`: a fetch from its beginning to its end.
"""
