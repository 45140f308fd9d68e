"""What the codes mean, for `check --list` and `check --explain`."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from .._codes import CODES
from .._desk.fix import FIXABLE
from ._report_text import STYLES

if TYPE_CHECKING:
    from rich.console import RenderableType


def listed(*, as_json: bool) -> str | RenderableType:
    """Every code."""
    if as_json:
        return json.dumps([_told(code) for code in CODES], indent=2)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("code", "severity", "--fix", "what was found"):
        table.add_column(name, no_wrap=name == "code")
    for name, code in CODES.items():
        mends = "mends" if name in FIXABLE else ""
        table.add_row(name, Text(code.severity, STYLES[code.severity]), mends, Text(code.meaning))
    return table


def explained(name: str, *, as_json: bool) -> str | RenderableType:
    """One code. Raises ValueError where there is none of that name."""
    if name not in CODES:
        raise ValueError(no_code(name))
    if as_json:
        return json.dumps(_told(name), indent=2)
    code = CODES[name]
    head = Text.assemble((name, "bold"), " ", (code.severity, STYLES[code.severity]))
    if name in FIXABLE:
        head.append(", which --fix mends where that is safe")
    return Group(head, "", Text(code.meaning), Text(code.why), Text(code.instead, "green"))


def no_code(name: str) -> str:
    """What to say where there is no code of that name."""
    near = "".join(f" Did you mean {close}?" for close in get_close_matches(name, CODES, 1))
    return f"There is no code {name!r}; see check --list.{near}"


def _told(name: str) -> dict[str, Any]:
    return {"code": name, **CODES[name]._asdict(), "fixable": name in FIXABLE}
