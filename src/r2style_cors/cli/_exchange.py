"""How an exchange of a browser and a server is shown: what was sent, what came back, and the browser's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .._fetch import is_token
from .._text import shown
from ._shared import fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from .._browser.exchange import Step
    from .._browser.safelist import Lines
    from ..browser import Exchange


def shown_lines(text: str) -> str:
    """`text` fit for a terminal, line by line."""
    return "\n".join(map(shown, text.split("\n")))


def header_line(text: str) -> tuple[str, str]:
    """A header as it is written on the command line, `name: value` or the name alone."""
    name, _, value = text.partition(":")
    return name.strip(), value.strip()


def page_headers(texts: Iterable[str]) -> list[tuple[str, str | None]]:
    """The headers that a page sets, None for a value that is not told; where one has no name, say so and exit with 2."""
    headers = [(*header_line(text), ":" in text) for text in texts]
    for name, _, _ in headers:
        if not is_token(name):
            fail(f"'{shown(name)}' is no header name: write 'name: value', or a name alone.")
    return [(name, value if told else None) for name, value, told in headers]


def row(*cells: Text) -> Table:
    """Cells side by side; the last one wraps under itself."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for cell in cells[:-1]:
        table.add_column(no_wrap=True, width=cell.cell_len)
    table.add_column(overflow="fold")
    table.add_row(*cells)
    return table


def indented(part: RenderableType) -> Padding:
    """`part`, two columns further in."""
    return Padding(part, (0, 0, 0, 2))


def exchange_parts(exchange: Exchange, response_headers: Lines) -> Iterator[RenderableType]:
    """One exchange, with those of its response headers that are to be shown."""
    if exchange.kind == "preflight":
        yield row(Text("Preflight,", style="bold"), Text(f"since {'; '.join(exchange.why)}"))
    else:
        yield Text("Request", style="bold")
    yield from _arrows(">", [f"{exchange.method} {exchange.url}", *_lines(exchange.request_headers)])
    yield from _arrows("<", [f"{exchange.status or ''} {exchange.reason}".strip(), *_lines(response_headers)])
    yield from map(_step, exchange.steps)


def _lines(headers: Lines) -> Iterator[str]:
    return (f"{name}: {value}".rstrip() for name, value in headers)


def _arrows(arrow: str, lines: Iterable[str]) -> Iterator[RenderableType]:
    return (indented(row(Text(arrow, style="dim"), Text(shown(line)))) for line in lines if line)


def _step(step: Step) -> RenderableType:
    word, style = ("passed", "green") if step.passed else ("FAILED", "bold red")
    return indented(row(Text(word, style=style), Text(f"Fetch {step.section:4}"), Text(shown(step.sentence))))
