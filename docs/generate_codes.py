"""Writes `docs/codes`: a page for each problem code, from the table that the program itself reads.

`python docs/generate_codes.py` writes the pages anew. A test holds them to what is written here.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from r2style_cors._codes import CODES, CONSTRUCTION, UNWISE
from r2style_cors._desk.check import TARGETS, check
from r2style_cors._desk.fix import FIXABLE
from r2style_cors._desk.spans import PolicyText
from r2style_cors.cli._report import Checked
from r2style_cors.cli._report_text import report

FOLDER = Path(__file__).parent / "codes"
ORIGIN = "https://www.example.com"
WIDTH = 80


class Example(NamedTuple):
    """A policy that has a problem, and who is to read it."""

    text: str
    target: str = "r2"


def policy(*rules: dict[str, Any]) -> Example:
    """Rules in the dashboard's form, a key on each line; a rule without origins or methods gets some."""
    usual = {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET", "HEAD"]}
    return Example("[\n" + ",\n".join(_object({**usual, **rule}) for rule in rules) + "\n]\n")


def _object(rule: dict[str, Any]) -> str:
    lines = [f"    {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in rule.items()]
    return "  {\n" + ",\n".join(lines) + "\n  }"


def origin(*texts: str) -> Example:
    """A policy with these origins."""
    return policy({"AllowedOrigins": list(texts)})


# A code that has no example here needs a file that no page can show, or is about a server's options.
EXAMPLES = {
    "json-syntax": Example(
        f'[\n  {{\n    \'AllowedOrigins\': ["{ORIGIN}"],\n    "AllowedMethods": ["GET", "HEAD"]\n  }}\n]\n'
    ),
    "trailing-comma": Example(policy({}).text.replace('"HEAD"]', '"HEAD",]')),
    "duplicate-key": Example(policy({}).text.replace('"]\n', '"],\n    "AllowedMethods": ["PUT"]\n')),
    "xml-syntax": Example(
        "<CORSConfiguration>\n  <CORSRule>\n    <AllowedMethod>GET</CORSRule>\n</CORSConfiguration>\n"
    ),
    "xml-entity": Example(
        '<!DOCTYPE CORSConfiguration [<!ENTITY all "*">]>\n<CORSConfiguration>\n  <CORSRule>\n'
        "    <AllowedOrigin>&all;</AllowedOrigin>\n    <AllowedMethod>GET</AllowedMethod>\n"
        "  </CORSRule>\n</CORSConfiguration>\n"
    ),
    "unknown-form": Example(
        '[\n  {\n    "origin": ["*"],\n    "method": ["GET"],\n    "responseHeader": ["ETag"]\n  }\n]\n'
    ),
    "unknown-key": policy({"ExposedHeaders": ["ETag"]}),
    "missing-key": Example(f'[\n  {{\n    "AllowedOrigins": ["{ORIGIN}"]\n  }}\n]\n'),
    "wrong-type": policy({"AllowedHeaders": "content-type", "MaxAgeSeconds": "3600"}),
    "origin-syntax": origin("https://www.example.com?from=mail"),
    "origin-port": origin("http://localhost:port"),
    "origin-path": origin("https://www.example.com/"),
    "origin-wildcards": origin("https://*.*.example.com"),
    "origin-port-wildcard": origin("http://localhost:*"),
    "origin-null": origin("null"),
    "origin-scheme": origin("www.example.com"),
    "origin-host": origin("https://www.example.com."),
    "origin-non-ascii": origin("https://bücher.example"),
    "origin-case": origin("https://WWW.example.com"),
    "origin-default-port": origin("https://www.example.com:443"),
    "origin-wildcard-end": origin("https://example.*"),
    "origin-scheme-unusual": origin("capacitor://localhost"),
    "origin-unreachable": origin("https://www..example.com"),
    "empty-list": policy({"AllowedMethods": []}),
    "method-options": policy({"AllowedMethods": ["GET", "HEAD", "OPTIONS"]}),
    "method-unsupported": policy({"AllowedMethods": ["GET", "HEAD", "PATCH"]}),
    "method-case": policy({"AllowedMethods": ["get", "HEAD"]}),
    "header-token": policy({"AllowedHeaders": ["Content-Type:"]}),
    "header-wildcards": policy({"AllowedHeaders": ["x-*-meta-*"]}),
    "header-empty": policy({"AllowedHeaders": [""]}),
    "expose-wildcard": policy({"ExposeHeaders": ["*"]}),
    "max-age": policy({"MaxAgeSeconds": -1}),
    "max-age-limit": policy({"MaxAgeSeconds": 604800}),
    "id-characters": Example(policy({"ID": "@"}).text.replace("@", "\\u0000")),
    "empty-policy": Example("[]\n"),
    "empty-optional-list": policy({"AllowedHeaders": []}),
    "star-beside-origins": origin("*", ORIGIN),
    "rule-shadowed": policy({"AllowedOrigins": ["*"]}, {"MaxAgeSeconds": 600}),
    "duplicate-value": origin(ORIGIN, ORIGIN),
    "origin-http": origin("http://www.example.com"),
    "origin-wildcard-label": origin("https://*example.com"),
    "origin-public-suffix": origin("https://*.pages.dev"),
    "header-safelisted": policy({"AllowedHeaders": ["accept"], "ExposeHeaders": ["Content-Length"]}),
    "header-forbidden": policy({"AllowedHeaders": ["origin", "sec-fetch-mode"]}),
    "content-type-missing": policy({"AllowedMethods": ["POST"]}),
    "etag-not-exposed": policy({"AllowedMethods": ["PUT"], "AllowedHeaders": ["content-type"]}),
    "range-incomplete": policy({"AllowedHeaders": ["range"]}),
    "head-missing": policy({"AllowedMethods": ["GET"]}),
    "max-age-browser": policy({"MaxAgeSeconds": 86400}),
    "wrong-form": policy({})._replace(target="wrangler"),
}


def pages() -> dict[str, str]:
    """Every page, by its name."""
    return {"index.md": _index(), **{f"{name}.md": _page(name) for name in CODES}}


def _page(name: str) -> str:
    code = CODES[name]
    mends = " · mended by `check --fix` where that is safe" if name in FIXABLE else ""
    parts = [
        f"# `{name}`",
        f"**{code.severity}**{mends}",
        f"{code.meaning} {code.why}",
        f"**Instead.** {code.instead}",
        *(_example(name, EXAMPLES[name]) if name in EXAMPLES else ()),
        "[All codes](index.md)",
    ]
    return "\n\n".join(parts) + "\n"


def _example(name: str, example: Example) -> tuple[str, ...]:
    target = TARGETS[example.target]
    problems = tuple(
        problem for problem in check(example.text.encode(), target.profile, forms=target.forms) if problem.code == name
    )
    option = "" if example.target == "r2" else f" --for {example.target}"
    return (
        "A `cors.json` that has it:",
        f"```text\n{example.text}```",
        f"```sh\nr2style-cors check cors.json --select {name}{option}\n```",
        f"```text\n{_rendered(Checked('cors.json', PolicyText(example.text), problems))}\n```",
    )


def _rendered(checked: Checked) -> str:
    out = io.StringIO()
    console = Console(file=out, width=WIDTH, highlight=False, color_system=None, force_terminal=False)
    for part in report([checked], WIDTH):
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).strip("\n")


def _index() -> str:
    reading = [name for name in CODES if name not in UNWISE | CONSTRUCTION]
    return "\n".join(
        [
            "# Problem codes",
            "",
            "Every problem of a policy has a code, which stays the same from version to version. A policy with an **error** is",
            "refused; a **warning** is probably not what was meant; a **note** is worth knowing. Each code has a page here,",
            "and `r2style-cors check --explain CODE` tells the same.",
            "",
            "## What is wrong, or has no effect",
            "",
            *_table(reading),
            "",
            "## What is allowed, but unwise",
            "",
            "Only `r2style-cors check` tells these.",
            "",
            *_table([name for name in CODES if name in UNWISE]),
            "",
            "## What does not go with a server's options",
            "",
            "These are found when an application starts, never in a file alone.",
            "",
            *_table([name for name in CODES if name in CONSTRUCTION]),
            "",
        ]
    )


def _table(names: list[str]) -> list[str]:
    rows = [f"| [`{name}`]({name}.md) | {CODES[name].severity} | {CODES[name].meaning} |" for name in names]
    return ["| code | | what was found |", "|---|---|---|", *rows]


def main() -> None:
    """Write the pages, and take away those of codes that are gone."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for path in set(FOLDER.glob("*.md")) - {FOLDER / name for name in written}:
        path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
