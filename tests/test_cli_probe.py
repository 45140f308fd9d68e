"""`probe` as a person reads it, as a program reads it, and its exit status."""

from __future__ import annotations

import json
import re
import sys

import pytest

from r2style_cors import Policy, load_policy
from support.renderings import POLICIES, TERMINALS, Ran, assert_golden, assert_keys_are_told, run
from support.scripted import ACAH, ACAM, ACAO, SCENARIOS, Scripted, servers
from support.served import asgi_server

EDITOR = "https://editor.example.com"
API = str(POLICIES / "api.json")
ENGINE = load_policy(API).compile()
COLOURED = re.compile("\x1b\\[(?:[0-9]+;)*3[0-7]m")
PORT = re.compile(r"((?:127\.0\.0\.1|localhost):)\d+")

# name: what is asked of our own door before `api.json`, and the exit status
OURS: dict[str, tuple[str, int]] = {
    "readable": (f"--origin {EDITOR} --policy {API}", 0),
    "preflight-passed": (f"--origin {EDITOR} --method PUT --body-type application/json", 0),
    "sent": (f"--origin {EDITOR} --method DELETE --send --policy {API}", 0),
    "refused": (f"--origin {EDITOR} --method PUT --header x-trace --policy {API}", 1),
    "refused-actual": ("--origin https://www.example.net", 1),
    "not-sent": (f"--origin {EDITOR} --method POST", 2),
    "credentials": (f"--origin {EDITOR} --credentials --policy {API}", 1),
}


def without_ports(text: str) -> str:
    """`text` with every port as five zeros, since no port is the same twice."""
    return PORT.sub(r"\g<1>00000", text)


def ask(url: str, arguments: str, **options: str | int) -> Ran:
    """Run `probe`, with its ports taken out of what it says."""
    ran = run(["probe", url, *arguments.split(" ")], **options)  # type: ignore[arg-type]  # options of several types
    return Ran(ran.status, without_ports(ran.out), without_ports(ran.err))


@pytest.mark.parametrize(("name", "arguments", "status"), [(n, *c) for n, c in OURS.items()], ids=OURS)
def test_rendering_of_our_door(name: str, arguments: str, status: int) -> None:
    """Both exchanges, the steps that a browser takes, the policy against the server, and the verdict."""
    with asgi_server(ENGINE) as url:
        ran = ask(url, arguments)
    assert (ran.status, ran.err) == (status, "")
    assert_golden(f"probe-{name}", ran.out)


WRONG = {
    "slash": Scripted(200, ((ACAO, f"{EDITOR}/"), ("Vary", "Origin"))),
    "cached": Scripted(200, (("CF-Cache-Status", "HIT"), ("Age", "73"), ("Server", "cloudflare"))),
    "hostile": Scripted(200, ((ACAO, "\x1b[31m\x9b31m"), ("Vary", "a" * 250))),
}


@pytest.mark.parametrize("name", WRONG)
def test_rendering_of_a_wrong_server(name: str) -> None:
    """What is wrong and what to do; a server cannot write to the terminal, nor fill it."""
    with servers({"GET": WRONG[name]}) as site:
        ran = ask(site.here, f"--origin {EDITOR}")
    assert (ran.status, "\x1b" in ran.out, "\x9b" in ran.out) == (1, False, False)
    assert_golden(f"probe-{name}", ran.out)


def test_rendering_of_redirects() -> None:
    """Each hop is shown, and said to lead to another origin."""
    with servers(SCENARIOS["redirect-null"].answers) as site:
        ran = ask(f"{site.here}/", f"--origin {site.page}")
    assert ran.status == 1
    assert_golden("probe-redirects", ran.out)


def test_rendering_of_differences() -> None:
    """What the policy says and what the server does stand side by side; that alone is a finding."""
    answers = Scripted(204, ((ACAO, EDITOR), (ACAM, "PUT"), (ACAH, "*"), ("Vary", "Origin")))
    with servers({"OPTIONS": answers}) as site:
        ran = ask(site.here, f"--origin {EDITOR} --method PUT --header content-type:a/b --policy {API}")
    assert ran.status == 1
    assert_golden("probe-differences", ran.out)


def test_rendering_of_silence() -> None:
    """Where nothing answers there is one sentence, and status 2."""
    ran = ask("http://nowhere.invalid/", "--origin http://www.example.com")
    assert ran.status == 2
    assert_golden("probe-unreachable", ran.out)


@pytest.mark.parametrize("terminal", TERMINALS)
def test_colour_carries_nothing_alone(terminal: str) -> None:
    """Piped, and with NO_COLOR in a terminal, the same words stand as in colour."""
    with asgi_server(ENGINE) as url:
        ran = ask(url, OURS["refused"][0], terminal=terminal)
    assert_golden(f"probe-refused-{terminal}", ran.out.replace("\x1b", "<ESC>"))
    assert (COLOURED.search(ran.out) is not None) is (terminal == "colour")


def test_narrow() -> None:
    """At 40 columns every line still fits."""
    with asgi_server(ENGINE) as url:
        ran = ask(url, OURS["refused"][0], width=40)
    assert max(map(len, ran.out.splitlines())) <= 40
    assert_golden("probe-narrow", ran.out)


def test_json() -> None:
    """The documented keys and no others, at every level."""
    with asgi_server(ENGINE) as url:
        ran = run(["probe", url, *OURS["refused"][0].split(" "), "--json"])
    found = json.loads(ran.out)
    assert ran.status == found["exit_status"] == 1
    assert list(found) == [
        "exit_status", "url", "origin", "method", "credentials", "verdict", "exchanges", "suspects", "compared",
    ]  # fmt: skip
    assert [list(found[key][0]) for key in ("exchanges", "suspects", "compared")] == [
        ["kind", "method", "url", "why", "request_headers", "status", "reason", "response_headers", "steps"],
        ["code", "severity", "message", "advice"],
        ["exchange", "name", "expected", "seen", "agrees"],
    ]
    assert list(found["exchanges"][0]["steps"][0]) == ["section", "check", "passed", "sentence"]
    assert (found["verdict"], found["suspects"][0]["code"]) == ("blocked", "preflight-refused")


def test_json_keys_are_told() -> None:
    """The description names every key that is printed, and no other."""
    with asgi_server(ENGINE) as url:
        assert_keys_are_told("probe", run(["probe", url, *OURS["refused"][0].split(" "), "--json"]).out)


def test_policy_from_standard_input() -> None:
    """`--policy -` reads the policy from standard input, and `--extra-method` adds to it."""
    rules = '[{"AllowedOrigins": ["https://editor.example.com"], "AllowedMethods": ["PUT"]}]'
    answers = {"OPTIONS": Scripted(204, ((ACAO, EDITOR), (ACAM, "PUT, PATCH"), ("Vary", "*")))}
    with servers(answers) as site:
        arguments = ["probe", site.here, "--origin", EDITOR, "--method", "PATCH", "--policy", "-"]
        assert run([*arguments, "--extra-method", "PATCH"], text=rules).status == 0
        assert run(arguments, text=rules).status == 1


def test_policy_as_s3_enforces_it() -> None:
    """`--profile s3` compares with what S3 answers, by a policy that S3 alone accepts."""
    rules = '[{"AllowedOrigins": ["http://localhost:*"], "AllowedMethods": ["PUT"]}]'
    with asgi_server(Policy.parse(rules, "s3").compile("s3")) as url:
        arguments = ["probe", url, "--origin", "http://localhost:3000", "--method", "PUT", "--policy", "-"]
        assert run([*arguments, "--profile", "s3"], text=rules).status == 0
        assert run(arguments, text=rules).status == 2
        assert run(arguments, text=rules.replace("*", "3000")).status == 1


MISUSES = {
    "origin": ("--origin https://editor.example.com/", "is no origin"),
    "header": ("--origin null --header a=b@c:d", "'a=b@c' is no header name: write 'name: value', or a name alone."),
    "extra method": ("--origin null --extra-method PATCH", "--profile and --extra-method go with --policy."),
    "profile": ("--origin null --profile s3", "--profile and --extra-method go with --policy."),
    "policy": ("--origin null --policy nowhere.json", "nowhere.json"),
}


@pytest.mark.parametrize(("arguments", "said"), MISUSES.values(), ids=MISUSES)
def test_misuse(arguments: str, said: str) -> None:
    """What cannot be asked is said on standard error, with status 2, and nothing is sent."""
    ran = run(["probe", "http://127.0.0.1:1/", *arguments.split(" ")])
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_url_without_scheme() -> None:
    """A URL that lacks its scheme is refused with what to write instead."""
    ran = run(["probe", "localhost:8000/items", "--origin", "null"])
    said = "'localhost:8000/items' is no http or https URL: write it whole, with http:// or https://\n"
    assert (ran.status, ran.out, ran.err) == (2, "", said)


def forget_probe(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Have the probe imported anew, without the module `missing`."""
    monkeypatch.delitem(sys.modules, "r2style_cors._desk.probe", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)


def test_without_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without httpx one line says what to install."""
    forget_probe(monkeypatch, "httpx")
    ran = run(["probe", "http://127.0.0.1:1/", "--origin", "null"])
    assert (ran.status, ran.err) == (2, "probe needs httpx: pip install 'r2style-cors[cli]'\n")


def test_other_missing_modules_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other module that is missing is reported as Python does."""
    forget_probe(monkeypatch, "ssl")
    with pytest.raises(AssertionError, match="ssl"):
        run(["probe", "http://127.0.0.1:1/", "--origin", "null"])
