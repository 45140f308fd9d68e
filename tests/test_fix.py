"""What `--fix` mends and what it leaves, to the byte; and that no policy ever gets worse by it."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2style_cors import Fixed, Policy, PolicyError, check, diff, fix
from r2style_cors._desk.check import TARGETS
from r2style_cors._desk.fix import FIXABLE, Look, is_better
from r2style_cors._forms import FORMS

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from r2style_cors import Problem
    from r2style_cors._profiles import ProfileName

DASHBOARD = '[{{"AllowedOrigins": {origins}, "AllowedMethods": {methods}{more}}}]'
XML = "<CORSConfiguration><CORSRule>{}</CORSRule></CORSConfiguration>"


def rule(origins: str = '["https://a.example"]', methods: str = '["GET"]', more: str = "") -> str:
    """A policy of one rule, in one line."""
    return DASHBOARD.format(origins=origins, methods=methods, more=more and f", {more}")


def s3(more: str) -> str:
    """The same in the form `s3`, with something beside it."""
    return f'{{"CORSRules": {rule()}, {more}}}'


def xml(
    *,
    origin: str = "<AllowedOrigin>https://a.example</AllowedOrigin>",
    method: str = "<AllowedMethod>GET</AllowedMethod>",
) -> str:
    """The same in XML."""
    return XML.format(f"\n  {origin}\n  {method}\n")


# By name: the text before and after.
MENDED = {
    "comma": (rule(methods='["GET" ,\n ]'), rule(methods='["GET" \n ]')),
    "slash": (rule('["https://a.example/"]'), rule('["https://a.example"]')),
    "slashes": (rule('["https://a.example//"]'), rule('["https://a.example"]')),
    "escaped-slash": (rule(r'["https:\/\/a.example\/"]'), rule('["https://a.example"]')),
    "slash-after-port": (rule('["http://localhost:3000/"]'), rule('["http://localhost:3000"]')),
    "capitals": (rule('["HTTPS://A.Example"]'), rule('["https://a.example"]')),
    "capitals-and-slash": (rule('["https://A.example/"]'), rule('["https://a.example"]')),
    "space": (rule('[" https://a.example "]'), rule('["https://a.example"]')),
    "options-first": (rule(methods='["OPTIONS", "GET"]'), rule(methods='["GET"]')),
    "options-last": (rule(methods='["GET",\n "OPTIONS"\n]'), rule(methods='["GET"\n]')),
    "options-between": (rule(methods='["GET" , "options", "PUT"]'), rule(methods='["GET" , "PUT"]')),
    "options-often": (
        rule(methods='["OPTIONS", "OPTIONS", "GET", "OPTIONS", "OPTIONS",]'),
        rule(methods='["GET"]'),
    ),
    "method-case": (rule(methods='["get"]'), rule(methods='["GET"]')),
    "method-space": (rule(methods='[" put "]'), rule(methods='["PUT"]')),
    "header-colon": (rule(more='"AllowedHeaders": ["x-a:"]'), rule(more='"AllowedHeaders": ["x-a"]')),
    "string-for-list": (rule('"https://a.example"'), rule('["https://a.example"]')),
    "string-for-number": (rule(more='"MaxAgeSeconds": "60"'), rule(more='"MaxAgeSeconds": 60')),
    "number-for-string": (rule(more='"ID": 7'), rule(more='"ID": "7"')),
    "key-plural": (rule().replace("Origins", "Origin"), rule()),
    "key-case": (rule().replace("AllowedMethods", "allowed_methods"), rule()),
    "key-slip": (rule().replace("AllowedM", "AlloewdM"), rule()),
    "key-letters-left-out": (rule(more='"MaxAge": 60'), rule(more='"MaxAgeSeconds": 60')),
    "key-letter-too-many": (rule(more='"ExposedHeaders": ["x"]'), rule(more='"ExposeHeaders": ["x"]')),
    "key-outside-the-rules": (
        s3('"ResponseMetdata": {}'),
        s3('"ResponseMetadata": {}'),
    ),
    "key-of-an-object": (
        '{"rules": [{"allow": {"Origins": ["https://a.example/"], "AllowedMethods": ["GET"]}}]}',
        '{"rules": [{"allowed": {"origins": ["https://a.example"], "methods": ["GET"]}}]}',
    ),
    "one-thing-under-another": (
        rule().replace('Origins": ["https://a.example"]', 'Origin": " https://A.example/"'),
        rule(),
    ),
    "beside-broken-syntax": (rule('["https://a.example/"]', "['GET']"), rule('["https://a.example"]', "['GET']")),
    "beside-what-is-left": (
        rule('"https://a.example, https://b.example"', '["GET",]', '"ExposedHeaders": ["a b"], "MaxAge": 60'),
        rule('"https://a.example, https://b.example"', '["GET"]', '"ExposedHeaders": ["a b"], "MaxAgeSeconds": 60'),
    ),
    "xml-slash": (xml(origin="<AllowedOrigin>https://a.example/</AllowedOrigin>"), xml()),
    "xml-line-ends": (xml(origin="<AllowedOrigin>\r\n https://a.example\r</AllowedOrigin>"), xml()),
    "xml-options": (
        xml(method="<AllowedMethod >OPTIONS</AllowedMethod ><AllowedMethod>GET</AllowedMethod>"),
        xml().replace("\n  <AllowedM", "<AllowedM"),
    ),
    "xml-key": (
        xml(origin="<AllowedOrigins x='1'>https://a.example</AllowedOrigins >"),
        xml(origin="<AllowedOrigin x='1'>https://a.example</AllowedOrigin >"),
    ),
    "xml-max-age": (
        xml(method="<AllowedMethod>GET</AllowedMethod><MaxAgeSeconds> 60\n</MaxAgeSeconds>"),
        xml(method="<AllowedMethod>GET</AllowedMethod><MaxAgeSeconds>60</MaxAgeSeconds>"),
    ),
}  # fmt: skip

# By name: what is left as it is, since nobody but the author can know, or since it would lose something.
LEFT = {
    "path": rule('["https://a.example/app"]'),
    "no-scheme": rule('["a.example"]'),
    "port-wildcard": rule('["http://localhost:*"]'),
    "null": rule('["null"]'),
    "default-port": rule('["https://a.example:443"]'),
    "only-options": rule(methods='["OPTIONS", "options"]'),
    "patch": rule(methods='["GET", "PATCH"]'),
    "options-beside-a-comment": rule(methods='[/* a */ "OPTIONS" /* b */, "GET"]'),
    "options-without-a-comma": rule(methods='["OPTIONS" "GET"]'),
    "options-without-a-comma-before": rule(methods='["GET" "OPTIONS", "HEAD"]'),
    "string-of-several": rule('"https://a.example, https://b.example"'),
    "string-that-is-empty": rule(more='"AllowedHeaders": ""'),
    "negative-max-age": rule(more='"MaxAgeSeconds": -1'),
    "null-for-a-list": rule(more='"AllowedHeaders": null'),
    "key-that-denies": rule().replace("AllowedOrigins", "DisallowedOrigins"),
    "key-out-of-use": rule(more='"_AllowedHeaders": ["*"]'),
    "key-of-two-meanings": rule(more='"Headers": ["*"]'),
    "key-of-no-meaning": rule(more='"Comment": "x"'),
    "key-in-single-quotes": rule().replace('"AllowedOrigins"', "'AllowedOrigin'"),
    "key-that-is-there": rule(more='"AllowedOrigin": ["*"]'),
    "key-with-bad-contents": rule(more='"ExposedHeaders": ["a b"]'),
    "key-one-level-out": '{"rules": [{"allowed": {"origins": ["*"], "methods": ["GET"], "exposeHeaders": ["x"]}}]}',
    "key-outside-the-rules": s3('"Owner": {}'),
    "other-document": '{"origin": ["*"]}',
    "xml-only-options": xml(method="<AllowedMethod>OPTIONS</AllowedMethod>"),
    "xml-options-beside-a-comment": xml(
        method="<AllowedMethod>OPTIONS<!-- a --></AllowedMethod><AllowedMethod>GET</AllowedMethod>"
    ),
    "xml-reference": xml(origin="<AllowedOrigin>https://a.example&#47;</AllowedOrigin>"),
    "xml-empty-key": xml(origin="<AllowedOrigins/>"),
    "xml-other-key": xml(origin="<Origin>https://a.example</Origin>").replace("Origin>", "Comment>"),
    "xml-other-root": xml().replace("<CORSRule>", "<CORSRules>").replace("</CORSRule>", "</CORSRules>"),
    "not-xml": "<CORSConfiguration>",
}  # fmt: skip


def untouched(text: str, problems: tuple[Problem, ...]) -> Fixed:
    """The result for a text in which there is nothing to mend."""
    return Fixed(text, problems, (), problems)


@pytest.mark.parametrize("name", MENDED)
def test_mended(name: str) -> None:
    """The text becomes this one, and mending that again changes nothing."""
    before, after = MENDED[name]
    fixed = fix(before)
    assert fixed.text == after
    assert {problem.code for problem in fixed.mended} <= FIXABLE
    assert fix(after) == untouched(after, fixed.problems)


@pytest.mark.parametrize("name", LEFT)
def test_left(name: str) -> None:
    """The text stays, and so do its problems."""
    text = LEFT[name]
    assert fix(text) == untouched(text, check(text))
    assert name == "default-port" or any(problem.severity == "error" for problem in check(text))


# Those of the menders that tell keys apart, asked directly: what is one key, and what may be another.
@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("AllowedOrigin", True),
        ("allowed-origins", True),
        ("Origins", True),
        ("AlowedOrigns", True),
        ("AlllowedOrigins", True),
        ("UnallowedOrigins", False),
        ("DisallowedOrigins", False),
        ("DeniedOrigins", False),
        ("AllowedOriginsOld", False),
        ("XAllowedOrigins", False),
        ("#AllowedOrigins", False),
        ("AllowedOrigins2", False),
        ("O", False),
        ("Orig" + "i" * 80, False),
    ],
)
def test_keys_that_are_surely_meant(key: str, *, meant: bool) -> None:
    """A key is taken for another only where no letter suggests that the opposite, or nothing, was meant."""
    fixed = fix(rule().replace("AllowedOrigins", key))
    assert (fixed.text == rule()) is meant


@pytest.mark.parametrize("code", sorted(FIXABLE))
def test_every_fixable_code_is_mended(code: str) -> None:
    """Each code that is said to be mended is mended in one of these cases."""
    seen = {problem.code for before, _ in MENDED.values() for problem in fix(before).mended} | {"wrong-form"}
    assert code in seen


def test_bytes_stay() -> None:
    """A byte order mark, tabs, CRLF, other scripts and the lack of a line end all stay."""
    before = (
        '\ufeff[\r\n\t{"ID": "\u6f22\u5b57 \\u0041",\r\n\t"AllowedOrigins" : [ "https://A.example/" ],'
        '"AllowedMethods":["GET",]}]'
    )
    fixed = fix(before.encode())
    assert fixed.text == before.replace("https://A.example/", "https://a.example").replace(",]", "]")
    assert fix(before).text == fixed.text


def test_what_is_not_wanted_stays() -> None:
    """Only problems of the codes that are asked for are mended."""
    before = rule('["https://a.example/"]', '["GET",]')
    assert fix(before, wanted="trailing-comma".__eq__).text == rule('["https://a.example/"]')


def test_s3_keeps_what_it_accepts() -> None:
    """S3 takes an origin as it is written, so to change it would change what the policy means."""
    before = rule('["https://A.example", "https://b.example/"]', '["GET", "OPTIONS"]')
    assert fix(before, "s3").text == before.replace(', "OPTIONS"', "")
    assert fix(before).text == rule('["https://a.example", "https://b.example"]')


@pytest.mark.parametrize(
    ("target", "before", "after"),
    [
        ("wrangler", "dashboard", "api"),
        ("dashboard", "xml", "dashboard"),
        ("s3", "api", "s3"),
        ("s3", "dashboard", None),
    ],
)
def test_wrong_form_is_converted(target: str, before: str, after: str | None) -> None:
    """A good policy in a form that its reader does not know is written in the one that it does."""
    policy = Policy.parse(rule())
    profile, forms = TARGETS[target]
    fixed = fix(policy.dump(before), profile, forms=forms)
    assert fixed.text == policy.dump(after or before)
    assert [problem.code for problem in fixed.mended] == ["wrong-form"] * (after is not None)
    assert fix(fixed.text, profile, forms=forms) == untouched(fixed.text, fixed.problems)


def test_wrong_form_after_everything_else() -> None:
    """What can be mended is, and then the file is converted."""
    fixed = fix(rule('"https://a.example/"', '["get",]'), forms=("api",))
    assert fixed.text == Policy.parse(rule()).dump("api")
    assert {problem.code for problem in fixed.mended} == {
        "trailing-comma",
        "wrong-type",
        "origin-path",
        "method-case",
        "wrong-form",
    }


@pytest.mark.parametrize(
    "text",
    [
        rule('["null"]'),
        Policy.parse(rule()).dump("terraform", account_id="a", bucket_name="b"),
        Policy.parse(rule()).dump("xml").replace("<CORSRule>", "<!-- the shop --><CORSRule>"),
    ],
    ids=["with-errors", "with-an-account", "with-a-comment"],
)
def test_wrong_form_that_is_left(text: str) -> None:
    """A file is not converted if it has other errors, or if something would be lost, or if it could not be read then."""
    assert fix(text, forms=("api",)).text == text
    assert "wrong-form" in {problem.code for problem in fix(text, forms=("api",)).problems}


def test_wrong_form_that_would_be_too_large() -> None:
    """A file that could not be read in the other form is not written in it."""
    text = rule(more=json.dumps({"ID": "&" * 300_000})[1:-1])
    fixed = fix(text, forms=("xml",))
    assert (fixed.text, fixed.mended) == (text, ())


def test_wrong_form_that_is_not_wanted() -> None:
    """A form that is not asked about stays."""
    assert fix(rule(), forms=("api",), wanted=lambda code: code != "wrong-form").text == rule()


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe[\0]\0", b"[" * (1024 * 1024 + 1)], ids=["empty", "utf-16", "too-large"]
)
def test_no_text(data: bytes) -> None:
    """What is no text is refused as `Policy.parse` refuses it."""
    with pytest.raises(PolicyError) as refused:
        fix(data)
    assert refused.value.problems == check(data)


def test_unknown_profile() -> None:
    """A profile that there is not is a ValueError."""
    with pytest.raises(ValueError, match="gcs"):
        fix(rule(), "gcs")  # type: ignore[arg-type]  # the wrong name is what is tested


SAID = '"ID": "a", "MaxAgeSeconds": 60'
# By name: a text in the place of a rule that says so, and whether it would be as good.
JUDGED = {
    "the-same": (rule(more=SAID), True),
    "respelt": (rule('[ "https://A.example" ]', more=f"{SAID}.0"), True),
    "another-origin": (rule('["https://a.example", "https://b.example"]', more=SAID), False),
    "another-method": (rule(methods='["PUT"]', more=SAID), False),
    "another-id": (rule(more=SAID.replace('"a"', '"b"')), False),
    "another-max-age": (rule(more=f"{SAID}1"), False),
    "an-error": (rule(more=f'{SAID}, "Comment": 1'), False),
    "another-rule": (rule(more=SAID)[:-1] + ", " + rule()[1:], False),
}


@pytest.mark.parametrize("name", JUDGED)
def test_last_judge(name: str) -> None:
    """Before a text is taken it is compared with the one that it replaces: no new error, and nothing said otherwise."""
    text, good = JUDGED[name]
    assert is_better(Look(rule(more=SAID), "r2", FORMS), Look(text, "r2", FORMS)) is good


def test_last_judge_of_misspelt_lists() -> None:
    """Where a key was misspelt a list may grow, but nothing may leave it, and its order stays."""
    first, second = (f"<AllowedOrigin>https://{name}.example</AllowedOrigin>" for name in "ab")
    before = Look(xml(origin=first + second.replace("Origin>", "Origins>")), "r2", FORMS)
    assert is_better(before, Look(xml(origin=first + second), "r2", FORMS))
    assert not is_better(before, Look(xml(origin=second), "r2", FORMS))


# Policies with defects, in any JSON form and in XML.
NAMES = st.sampled_from(
    ["https://a.example", "https://*.example.com", "http://localhost:3000", "*", "capacitor://localhost"]
)
RULE = st.fixed_dictionaries(
    {
        "AllowedOrigins": st.lists(NAMES, min_size=1, max_size=3, unique=True),
        "AllowedMethods": st.lists(st.sampled_from(["GET", "PUT", "HEAD"]), min_size=1, max_size=3, unique=True),
    },
    optional={
        "AllowedHeaders": st.lists(st.sampled_from(["*", "x-a", "Content-Type"]), min_size=1, max_size=2),
        "ExposeHeaders": st.lists(st.sampled_from(["ETag", "x-b"]), min_size=1, max_size=2),
        "MaxAgeSeconds": st.integers(0, 90000),
        "ID": st.text('ab \u6f22\n"\\', max_size=5),
    },
)  # fmt: skip

# What goes wrong in a file: a pattern, and what takes the place of one match. Some of it no one can mend.
DEFECTS = [
    (r"example(?=[\"<])", "example/"),
    (r"example(?=[\"<])", "example/app"),
    (r"https:", "HTTPS:"),
    (r"https:", " https:"),
    (r"\"\s*\]", '",]'),
    (r"\"GET\"", '"OPTIONS"'),
    (r"\"(PUT|HEAD)\"", '"get", "OPTIONS"'),
    (r"\[\s*(\"[^\"]*\")\s*\]", r"\1"),
    (r"Origins\"", 'Origin"'),
    (r"\"(Expose|expose)", r'"\1d'),
    (r"allowed\"", 'allow"'),
    (r"([0-9]+)(?=\s*[,}])", r'"\1"'),
    (r"MaxAgeSeconds|max_age_seconds|maxAgeSeconds", "MaxAge"),
    (r"AllowedHeaders", "Headers"),
    (r"AllowedMethods", "ForbiddenMethods"),
    (r"\"", "'"),
    (r",", ""),
    (r"\n", "\r\n"),
    (r"<AllowedOrigin>([^<]*)</AllowedOrigin>", r"<AllowedOrigins>\1</AllowedOrigins>"),
    (r"<AllowedMethod>[^<]*", "<AllowedMethod>OPTIONS"),
]


@st.composite
def texts(draw: DrawFn, *, defects: int) -> str:
    """The text of a policy, with as many defects at most."""
    form = draw(st.sampled_from([*FORMS]))
    text = Policy.parse(draw(st.lists(RULE, min_size=1, max_size=3))).dump(form)
    for _ in range(draw(st.integers(0, defects))):
        pattern, new = draw(st.sampled_from(DEFECTS))
        places = list(re.finditer(pattern, text))
        if places:
            place = draw(st.sampled_from(places))
            text = text[: place.start()] + place.expand(new) + text[place.end() :]
    return text


def errors(fixed_or_text: str) -> Counter[str]:
    """How many errors of each code there are."""
    return Counter(problem.code for problem in check(fixed_or_text) if problem.severity == "error")


@settings(max_examples=120, deadline=None)
@given(texts(defects=6))
def test_nothing_gets_worse(text: str) -> None:
    """Whatever is wrong: mending is idempotent, adds no error, tells what is left, and mends what it says."""
    fixed = fix(text)
    assert not errors(fixed.text) - errors(text)
    assert (fixed.found, fixed.problems) == (check(text), check(fixed.text))
    assert fix(fixed.text) == untouched(fixed.text, fixed.problems)
    assert bool(fixed.mended) == (fixed.text != text)
    assert len(fixed.problems) <= len(check(text)) + 4 * len(fixed.mended)


def layout(text: str) -> list[str]:
    """What no edit may touch: line ends with their indentation, ids, other scripts. OPTIONS are left out beforehand."""
    before = ""
    while before != text:
        before = text
        text = re.sub(r'(?<=\[)(\s*)"OPTIONS"\s*,\s*(?=")', r"\1", text, count=1)
        text = re.sub(r',\s*"OPTIONS"|\s*<AllowedMethod>OPTIONS</AllowedMethod>', "", text, count=1)
    return re.findall(r"\r?\n[ \t]*|\u6f22|\"ID\"|<ID>[^<]*", text)


@settings(max_examples=120, deadline=None)
@given(texts(defects=6))
def test_the_rest_stays(text: str) -> None:
    """Line ends, indentation, ids and other scripts are where they were, whatever is mended between them."""
    assert layout(fix(text).text) == layout(text)


@settings(max_examples=80, deadline=None)
@given(texts(defects=0), st.sampled_from(["r2", "s3"]))
def test_a_good_policy_means_the_same(text: str, profile: ProfileName) -> None:
    """A policy without a defect may be respelt, but answers every request as before."""
    if any(problem.severity == "error" for problem in check(text, profile)):
        return
    fixed = fix(text, profile)
    assert Policy.parse(fixed.text, profile) == Policy.parse(text, profile)
    assert not diff(Policy.parse(fixed.text, profile), Policy.parse(text, profile), profile=profile)


@settings(max_examples=80, deadline=None)
@given(texts(defects=0), st.sampled_from(sorted(TARGETS)))
def test_a_converted_policy_means_the_same(text: str, target: str) -> None:
    """Whichever form its reader wants, the policy is the same in it."""
    profile, forms = TARGETS[target]
    fixed = fix(text, profile, forms=forms)
    before = [problem.code for problem in check(text, profile, forms=forms) if problem.severity == "error"]
    if before == ["wrong-form"]:
        assert Policy.parse(fixed.text, profile) == Policy.parse(text, profile)
        assert Policy.parse(fixed.text, profile).form == forms[0]
