"""The five forms: recognised by content, taken apart with the author's own paths, written so that they read back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2style_cors.errors import PolicyError, Problem
from r2style_cors.policy import Policy, Rule, load_policy, policy_schema

if TYPE_CHECKING:
    from pathlib import Path

    from r2style_cors._profiles import ProfileName

FORMS = ("dashboard", "api", "s3", "xml", "terraform")
DASHBOARD_RULE: dict[str, Any] = {"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}
API_RULE: dict[str, Any] = {"allowed": {"origins": ["https://a.example"], "methods": ["GET"]}}
RESOURCE = "resource.cloudflare_r2_bucket_cors.site"
XML = "/CORSConfiguration/CORSRule[1]"
XML_RULE = "<AllowedOrigin>https://a.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def problems_of(data: Any, profile: ProfileName = "r2") -> tuple[Problem, ...]:
    """Everything that is said of a policy, good or bad."""
    try:
        return Policy.parse(data, profile).problems
    except PolicyError as error:
        return error.problems


def xml(inner: str) -> str:
    """A document of the XML form."""
    return f"<CORSConfiguration>{inner}</CORSConfiguration>"


def xml_rule(more: str) -> str:
    """A document of one good rule with more in it."""
    return xml(f"<CORSRule>{XML_RULE}{more}</CORSRule>")


def terraform(body: Any) -> dict[str, Any]:
    """A Terraform file with one resource."""
    return {"resource": {"cloudflare_r2_bucket_cors": {"site": body}}}


GOOD: list[tuple[str, Any, str]] = [
    ("dashboard", [DASHBOARD_RULE], "dashboard"),
    ("api", {"rules": [API_RULE]}, "api"),
    ("api reply", {"success": True, "errors": [], "messages": [], "result": {"rules": [API_RULE]}}, "api"),
    ("s3", {"CORSRules": [DASHBOARD_RULE]}, "s3"),
    ("boto3 reply", {"ResponseMetadata": {"RetryAttempts": 0}, "CORSRules": [DASHBOARD_RULE]}, "s3"),
    ("terraform body", {"account_id": "a", "bucket_name": "b", "rules": [API_RULE]}, "terraform"),
    ("terraform rules", {"rules": [{**API_RULE, "max_age_seconds": 0}]}, "terraform"),
    ("terraform resource", terraform({"bucket_name": "b", "jurisdiction": "eu", "rules": [API_RULE]}), "terraform"),
    ("xml", xml_rule(""), "xml"),
    (
        "xml in S3's namespace",
        f'<CORSConfiguration xmlns="{S3_NAMESPACE}"><CORSRule>{XML_RULE}</CORSRule></CORSConfiguration>',
        "xml",
    ),
    (
        "xml with a prefix",
        f'<c:CORSConfiguration xmlns:c="{S3_NAMESPACE}"><CORSRule>{XML_RULE}</CORSRule></c:CORSConfiguration>',
        "xml",
    ),
    (
        "xml in any order",
        xml("<CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://a.example</AllowedOrigin></CORSRule>"),
        "xml",
    ),
    ("xml that declares another encoding", '<?xml version="1.0" encoding="utf-16"?>' + xml_rule(""), "xml"),
]


@pytest.mark.parametrize(("data", "form"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_recognised(data: Any, form: str) -> None:
    """Each form is recognised by its content, as parsed data and as text, and all say the same."""
    expected = Policy(rules=[Rule(allowed_origins=["https://a.example"], allowed_methods=["GET"])])
    for one in (data, data if isinstance(data, str) else json.dumps(data)):
        policy = Policy.parse(one)
        assert policy.form == form
        assert policy.problems == ()
        assert policy.rules[0].allowed_origins == expected.rules[0].allowed_origins


def test_terraform_methods_in_any_case() -> None:
    """Terraform alone reads methods in any case."""
    rule = {"allowed": {"origins": ["*"], "methods": ["get", "Put"]}}
    assert Policy.parse(terraform({"rules": [rule]})).rules[0].allowed_methods == ("GET", "PUT")
    assert [problem.code for problem in problems_of({"rules": [rule]})] == ["method-case", "method-case"]


UNKNOWN: list[tuple[str, Any, str, str]] = [
    ("a single dashboard rule", DASHBOARD_RULE, "single rule", "["),
    ("a single api rule", API_RULE, "`api`", '{"rules"'),
    ("api rules without a wrapper", [API_RULE], "`api`", '{"rules"'),
    ("a key cors", {"cors": [DASHBOARD_RULE]}, "`cors`", "["),
    ("the XML wrapper in JSON", {"CORSConfiguration": {"CORSRules": [DASHBOARD_RULE]}}, "XML", '{"CORSRules"'),
    ("CloudFormation", {"CorsConfiguration": {"CorsRules": [DASHBOARD_RULE]}}, "XML", '{"CORSRules"'),
    ("Google Cloud Storage", [{"origin": ["*"], "method": ["GET"], "maxAgeSeconds": 1}], "Google", "["),
    ("Google Cloud Storage, one entry", {"origin": ["*"], "responseHeader": ["x"]}, "Google", "["),
    ("flat camelCase", [{"allowedOrigins": ["*"], "maxAgeSeconds": 1}], "camelCase", "["),
    ("flat camelCase object", {"allowedOrigins": ["*"]}, "camelCase", "["),
    ("flat camelCase in the singular", [{"allowedOrigin": ["*"], "allowedMethod": ["GET"]}], "camelCase", "["),
    ("flat snake_case", [{"allowed_origins": ["*"]}], "snake_case", "["),
    ("another server's options", {"allow_origins": ["*"]}, "another server", "["),
    ("s3 in an array", [{"CORSRules": [DASHBOARD_RULE]}], "`s3`", '{"CORSRules"'),
    ("api in an array", [{"rules": [API_RULE]}], "`api`", '{"rules"'),
    ("a reply without rules", {"success": False, "result": None}, "reply", '{"rules"'),
    ("two resources", {"resource": {"cloudflare_r2_bucket_cors": {"a": {}, "b": {}}}}, "Terraform", '{"rules"'),
    ("an empty object", {}, "none of the five", "["),
    ("a number", 42, "a number alone", "["),
    ("a string", '"*"', "a string alone", "["),
    ("null", None, "null alone", "["),
    ("a Python object", object(), "object", ""),
    ("one XML rule", f"<CORSRule>{XML_RULE}</CORSRule>", "CORSRule", "<CORSConfiguration>"),
    ("a web page", "<html><body/></html>", "html", "<CORSConfiguration>"),
    ("XML in another namespace", '<CORSConfiguration xmlns="urn:x"/>', 'namespace is "urn:x"', "<CORSConfiguration>"),
]


@pytest.mark.parametrize(("data", "says", "shows"), [case[1:] for case in UNKNOWN], ids=[case[0] for case in UNKNOWN])
def test_unknown_form(data: Any, says: str, shows: str) -> None:
    """A shape that is none of the forms is one problem, which says what it looks like and shows what is right."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse(data)
    (problem,) = caught.value.problems
    assert (problem.code, problem.path, caught.value.form) == ("unknown-form", "", None)
    assert says in problem.message
    assert (problem.fix or "").startswith(shows)
    if problem.fix:
        assert Policy.parse(problem.fix).rules


def test_unknown_form_with_broken_syntax() -> None:
    """The contents of an unknown form are not judged, its syntax is."""
    assert [problem.code for problem in problems_of('{"allowed": {"origins": ["x/",]}}')] == [
        "unknown-form",
        "trailing-comma",
    ]


# name, document, (code, path, fix) of every problem
SHAPES: list[tuple[str, Any, list[tuple[str, str, str | None]]]] = [
    (
        "misspelt key",
        [{**DASHBOARD_RULE, "ExposedHeaders": []}],
        [("unknown-key", "[0].ExposedHeaders", '"ExposeHeaders"')],
    ),
    ("short key", {"rules": [{**API_RULE, "maxAge": 1}]}, [("unknown-key", "rules[0].maxAge", '"maxAgeSeconds"')]),
    ("key that means nothing", [{**DASHBOARD_RULE, "//": 1}], [("unknown-key", '[0]["//"]', None)]),
    ("key beyond guessing", [{**DASHBOARD_RULE, "a" * 65: 1}], [("unknown-key", f"[0].{'a' * 65}", None)]),
    (
        "singular key",
        [{"AllowedOrigin": 1, "AllowedMethods": ["GET"]}],
        [("unknown-key", "[0].AllowedOrigin", '"AllowedOrigins"')],
    ),
    (
        "PascalCase inside rules",
        {"rules": [DASHBOARD_RULE]},
        [
            ("unknown-key", "rules[0].AllowedOrigins", '"allowed": {"origins": …}'),
            ("unknown-key", "rules[0].AllowedMethods", '"allowed": {"methods": …}'),
        ],
    ),
    (
        "an api rule inside CORSRules",
        {"CORSRules": [API_RULE]},
        [("unknown-key", "CORSRules[0].allowed", '"AllowedOrigins", "AllowedMethods"')],
    ),
    (
        "flat snake_case inside rules",
        {"rules": [{"allowed_origins": ["*"], "allowed_methods": ["GET"], "max_age_seconds": 60}]},
        [
            ("unknown-key", "rules[0].allowed_origins", '"allowed": {"origins": …}'),
            ("unknown-key", "rules[0].allowed_methods", '"allowed": {"methods": …}'),
            ("unknown-key", "rules[0].max_age_seconds", '"maxAgeSeconds"'),
        ],
    ),
    ("misspelt allowed", {"rules": [{"alowed": 1}]}, [("unknown-key", "rules[0].alowed", '"allowed"')]),
    (
        "key too far in",
        {"rules": [{"allowed": {**API_RULE["allowed"], "exposeHeaders": 1}}]},
        [("unknown-key", "rules[0].allowed.exposeHeaders", '"exposeHeaders"')],
    ),
    ("key beside the rules", {"rules": [API_RULE], "rule": 1}, [("unknown-key", "rule", '"rules"')]),
    (
        "key beside the resource",
        {**terraform({"rules": [API_RULE]}), "provider": {}},
        [("unknown-key", "provider", None)],
    ),
    ("missing keys", [{}], [("missing-key", "[0]", None), ("missing-key", "[0]", None)]),
    ("missing allowed", {"rules": [{}]}, [("missing-key", "rules[0]", None)]),
    (
        "missing methods",
        {"result": {"rules": [{"allowed": {"origins": ["*"]}}]}},
        [("missing-key", "result.rules[0].allowed", None)],
    ),
    ("missing rules", terraform({"bucket_name": "b"}), [("missing-key", RESOURCE, None)]),
    ("resource that is a list", terraform([]), [("wrong-type", RESOURCE, None)]),
    ("rules that are an object", {"CORSRules": {}}, [("wrong-type", "CORSRules", None)]),
    ("rule that is a string", ["*"], [("wrong-type", "[0]", None)]),
    ("allowed that is a list", {"rules": [{"allowed": [[1], {"a": 2}]}]}, [("wrong-type", "rules[0].allowed", None)]),
    ("no rules", {"rules": []}, [("empty-policy", "rules", None)]),
    (
        "path in a reply",
        {"result": {"rules": [{"allowed": {"origins": ["*", "null"], "methods": ["GET"]}}]}},
        [("origin-null", "result.rules[0].allowed.origins[1]", None)],
    ),
    (
        "path in S3",
        {"CORSRules": [DASHBOARD_RULE, {**DASHBOARD_RULE, "MaxAgeSeconds": -1}]},
        [("max-age", "CORSRules[1].MaxAgeSeconds", "0")],
    ),
    (
        "path in Terraform",
        terraform({"rules": [{**API_RULE, "max_age_seconds": "5"}]}),
        [("wrong-type", f"{RESOURCE}.rules[0].max_age_seconds", "5")],
    ),
    (
        "XML: path",
        xml_rule("<AllowedOrigin>http://b.example/</AllowedOrigin>"),
        [("origin-path", f"{XML}/AllowedOrigin[2]", "http://b.example")],
    ),
    (
        "XML: plural",
        xml("<CORSRule><AllowedOrigins>*</AllowedOrigins><AllowedMethod>GET</AllowedMethod></CORSRule>"),
        [("unknown-key", f"{XML}/AllowedOrigins", "<AllowedOrigin>")],
    ),
    (
        "XML: plural and singular",
        xml(f"<CORSRule><AllowedOrigins>*</AllowedOrigins>{XML_RULE}</CORSRule>"),
        [("unknown-key", f"{XML}/AllowedOrigins", "<AllowedOrigin>")],
    ),
    (
        "XML: unknown element",
        xml(f"<CORSRule>{XML_RULE}<Foo/></CORSRule><Bar/>"),
        [("unknown-key", f"{XML}/Foo", None), ("unknown-key", "/CORSConfiguration/Bar", "<CORSRule>")],
    ),
    (
        "XML: element in a field",
        xml_rule("<MaxAgeSeconds><Foo/></MaxAgeSeconds>"),
        [("unknown-key", f"{XML}/MaxAgeSeconds/Foo", None)],
    ),
    ("XML: text between", xml_rule("x"), [("wrong-type", XML, None)]),
    ("XML: two ids", xml_rule("<ID>a</ID><ID>b</ID>"), [("duplicate-key", f"{XML}/ID", None)]),
    ("XML: fraction", xml_rule("<MaxAgeSeconds>1.5</MaxAgeSeconds>"), [("max-age", f"{XML}/MaxAgeSeconds", "1")]),
    ("XML: point", xml_rule("<MaxAgeSeconds>60.0</MaxAgeSeconds>"), []),
    ("XML: exponent", xml_rule("<MaxAgeSeconds>6e1</MaxAgeSeconds>"), [("wrong-type", f"{XML}/MaxAgeSeconds", None)]),
    (
        "XML: Arabic digit",
        xml_rule("<MaxAgeSeconds>\u0663</MaxAgeSeconds>"),
        [("wrong-type", f"{XML}/MaxAgeSeconds", None)],
    ),
    ("XML: negative", xml_rule("<MaxAgeSeconds>-5</MaxAgeSeconds>"), [("max-age", f"{XML}/MaxAgeSeconds", "0")]),
    (
        "XML: white space",
        xml("<CORSRule><AllowedOrigin>\n *\n</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"),
        [("origin-scheme", f"{XML}/AllowedOrigin[1]", "*")],
    ),
    ("XML: no rules", xml(""), [("empty-policy", "/CORSConfiguration", None)]),
    ("XML: not closed", "<CORSConfiguration>\n", [("xml-syntax", "", None)]),
    ("XML: entity", "<CORSConfiguration>&a;</CORSConfiguration>", [("xml-syntax", "", None)]),
    ("XML: DTD", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', [("xml-entity", "", None)]),
    ("XML: deep", "<a>" * 70, [("too-deep", "", None)]),
]


@pytest.mark.parametrize(("data", "problems"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES])
def test_shape(data: Any, problems: list[tuple[str, str, str | None]]) -> None:
    """What is wrong with a shape is said with its path in the author's own form, and what to write instead."""
    assert [(problem.code, problem.path, problem.fix) for problem in problems_of(data)] == problems


PLACED = """[
  {"AllowedOrigins": ["*",
    "null"], "Foo": 1,
   "AllowedMethods": [],
   "MaxAgeSeconds": -1},
 {}]"""
PLACES: list[tuple[str, str, list[tuple[str, int, int]]]] = [
    (
        "json",
        PLACED,
        [
            ("origin-null", 3, 5),
            ("unknown-key", 3, 14),
            ("empty-list", 4, 22),
            ("max-age", 5, 21),
            ("missing-key", 6, 2),
            ("missing-key", 6, 2),
        ],
    ),
    (
        "xml",
        xml("<CORSRule>\n<AllowedOrigin>é\U0001f600&amp;</AllowedOrigin><AllowedMethod/>\n</CORSRule>"),
        [("origin-scheme", 2, 16), ("method-unsupported", 2, 39)],
    ),
    ("xml doctype", "<!-- <!DOCTYPE -->\n <!DOCTYPE a><a/>", [("xml-entity", 2, 2)]),
    ("xml not closed", "<CORSConfiguration>\n<CORSRule>\n\n", [("xml-syntax", 2, 10)]),
    ("allowed", '{"rules": [{"allowed":\n{"origins": ["*"]}}]}', [("missing-key", 2, 1)]),
]


@pytest.mark.parametrize(("text", "places"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES])
def test_place(text: str, places: list[tuple[str, int, int]]) -> None:
    """Problems come in the order of the file, each with its line and column, byte order mark or not."""
    for data in (text, text.encode(), b"\xef\xbb\xbf" + text.encode()):
        assert [(problem.code, problem.line, problem.column) for problem in problems_of(data)] == places


CREDENTIALS: list[Any] = [
    [{**DASHBOARD_RULE, "AllowCredentials": True}],
    {"rules": [{**API_RULE, "allowCredentials": True}]},
    xml_rule("<AllowCredentials>true</AllowCredentials>"),
]


@pytest.mark.parametrize("data", CREDENTIALS, ids=["dashboard", "api", "xml"])
def test_credentials_are_an_option_of_the_server(data: Any) -> None:
    """A key for credentials is not taken for one that is spelt alike: who looks for it is told where it is."""
    [problem] = problems_of(data)
    assert (problem.code, problem.fix) == ("unknown-key", None)
    assert problem.message.endswith("no part of a policy: the server allows them, with `credentials=True`.")


FOREIGN = [
    "- AllowedOrigins:\n    - https://a.example\n",
    'resource "cloudflare_r2_bucket_cors" "a" {\n  rules = []\n}\n',
    "export default [];\n",
    "```json\n[]\n```\n",
    "'[]'",
    "(1)",
]


@pytest.mark.parametrize("text", FOREIGN, ids=["yaml", "hcl", "script", "markdown", "quoted", "brackets"])
def test_foreign_language(text: str) -> None:
    """What is no JSON from its first character on is one problem there, and nothing is guessed of the rest."""
    [problem] = problems_of(text)
    assert (problem.code, problem.line, problem.column) == ("json-syntax", 1, 1)
    assert "begins with a bracket" in problem.message


def test_point_in_xml() -> None:
    """2: 3600.0 is 3600 in XML too."""
    assert repr(Policy.parse(xml_rule("<MaxAgeSeconds>60.0</MaxAgeSeconds>")).rules[0].max_age_seconds) == "60"


TORN = [
    '[{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"',
    '[{"AllowedOrigins": ["*"]',
    '{"rules": [{"allowed": ',
    '{"rules": NaN}',
    '[NaN, {"AllowedOrigins": [NaN], "AllowedMethods": NaN}]',
    '[{"AllowedOrigins": ["*"] €}]',
]


@pytest.mark.parametrize("text", TORN)
def test_torn(text: str) -> None:
    """What broken syntax hides is not reported as missing as well."""
    assert {problem.code for problem in problems_of(text)} == {"json-syntax"}


def test_unknown_keys_are_capped() -> None:
    """Keys beyond the hundredth are counted, not listed, in every place where there can be any."""
    many = {f"key{n}": 0 for n in range(150)}
    elements = "".join(f"<k{n}/>" for n in range(150))
    for data in (
        [{**DASHBOARD_RULE, **many}],
        {"rules": [API_RULE], **many},
        xml(f"<CORSRule>{XML_RULE}</CORSRule>{elements}"),
    ):
        found = problems_of(data)
        assert len(found) == 101
        assert "50 more" in found[-1].message
    twice = xml_rule(f"{'<ID>a</ID>' * 151}")
    assert len(problems_of(twice)) == 101


BYTES: list[tuple[str, bytes | str, str, int, int]] = [
    ("nothing", b"", "empty-file", 1, 1),
    ("a byte order mark alone", b"\xef\xbb\xbf", "empty-file", 1, 1),
    ("white space", " \n\t", "empty-file", 1, 1),
    ("UTF-16", "[]".encode("utf-16"), "encoding", 1, 1),
    ("UTF-16 without a mark", "[]".encode("utf-16-le"), "encoding", 1, 1),
    ("UTF-32", "[]".encode("utf-32"), "encoding", 1, 1),
    ("Latin-1", "[\n 'é']".encode("latin-1"), "encoding", 2, 3),
    ("an image", b"\x89PNG\r\n\x1a\n", "encoding", 1, 1),
    ("half a pair in a text", "[\n\ud800", "encoding", 2, 1),
    ("too many bytes", b" " * (1024 * 1024 + 1), "too-large", 1, 1),
    ("too long a text", " " * (1024 * 1024 + 1), "too-large", 1, 1),
    ("too many bytes in a text", "é" * (600 * 1024), "too-large", 1, 1),
]


@pytest.mark.parametrize(
    ("data", "code", "line", "column"), [case[1:] for case in BYTES], ids=[case[0] for case in BYTES]
)
def test_unreadable(data: bytes | str, code: str, line: int, column: int) -> None:
    """What is no text of a policy at all is one problem."""
    (problem,) = problems_of(data)
    assert (problem.code, problem.line, problem.column, problem.path) == (code, line, column, "")


def test_parsed_data_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that holds itself, or holds one list more often than a file could, is refused."""
    monkeypatch.setattr("r2style_cors._forms._tree.MAX_VALUES", 1000)
    endless: list[Any] = []
    endless.append(endless)
    assert [problem.code for problem in problems_of(endless)] == ["too-deep"]
    wide: Any = "x"
    for _ in range(10):
        wide = [wide, wide]
    assert [problem.code for problem in problems_of(wide)] == ["too-large"]


def test_load_policy(tmp_path: Path) -> None:
    """A file is read whatever its name; an error names it."""
    path = tmp_path / "policy.txt"
    path.write_text(json.dumps([DASHBOARD_RULE]), "utf-8")
    assert load_policy(path) == load_policy(str(path)) == Policy.parse([DASHBOARD_RULE])
    path.write_text('[{"AllowedOrigins": ["*",], "AllowedMethods": ["GET"]}]', "utf-8")
    assert [problem.severity for problem in load_policy(path).problems] == ["warning"]
    with pytest.raises(PolicyError, match=re.escape(str(path))) as caught:
        load_policy(path, strict=True)
    assert caught.value.source == str(path)
    assert caught.value.form == "dashboard"


@pytest.mark.parametrize(
    "text", ["[]", " {}", "<a/>", json.dumps([DASHBOARD_RULE] * 9)], ids=["array", "object", "xml", "long"]
)
def test_load_policy_that_is_given_the_policy(text: str) -> None:
    """Whoever gives the text of a policy as a path is told what reads it."""
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    assert caught.value.problems[0].message.endswith(" The text of a policy is read by `Policy.parse`.")


def test_load_policy_without_a_file(tmp_path: Path) -> None:
    """What cannot be read is `file`; what is too large is not read to its end."""
    large = tmp_path / "large"
    large.write_bytes(b" " * (1024 * 1024 + 2))
    long = tmp_path / ("n" * 300)
    for path, code in (
        (tmp_path, "file"),
        (tmp_path / "none", "file"),
        (long, "file"),
        ("a\0b", "file"),
        (large, "too-large"),
    ):
        with pytest.raises(PolicyError) as caught:
            load_policy(path)
        assert [(problem.code, problem.line, problem.column) for problem in caught.value.problems] == [(code, 1, 1)]


# Policies that are good under `r2`, with whatever an id may hold.
hosts = st.sampled_from(["a.example", "*.a.example", "*-b.a.example", "127.0.0.1", "[::1]", "localhost", "*"])
origins = st.just("*") | st.builds(
    "{}://{}{}".format, st.sampled_from(["http", "https", "capacitor"]), hosts, st.sampled_from(["", ":3000"])
)
header_names = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=8).filter(lambda name: name.count("*") < 2)
ids = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r \"'<>&]\U0001f600"),
    max_size=20,
)


def _rule(**fields: Any) -> Rule:
    """Make a rule; the constructor's own signature would have the aliases filled in too."""
    return Rule(**fields)


rules = st.builds(
    _rule,
    allowed_origins=st.lists(origins, min_size=1, max_size=3),
    allowed_methods=st.lists(st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]), min_size=1, max_size=3),
    allowed_headers=st.lists(header_names, max_size=3),
    expose_headers=st.lists(header_names, max_size=3),
    max_age_seconds=st.none() | st.integers(0, 10**20),
    id=st.none() | ids,
)
policies = st.builds(lambda some: Policy(rules=some), st.lists(rules, min_size=1, max_size=4))


@settings(deadline=None)
@given(policies, st.sampled_from(FORMS))
def test_round_trip(policy: Policy, form: str) -> None:
    """Every good policy reads back equal from every form, without an error."""
    again = Policy.parse(policy.dump(form))
    assert again == policy
    assert hash(again) == hash(policy)


@settings(deadline=None)
@given(policies)
def test_round_trip_of_the_envelope(policy: Policy) -> None:
    """The account and the bucket stand beside Terraform's rules, and are no part of the policy."""
    text = policy.dump("terraform", account_id="a", bucket_name="b")
    assert list(json.loads(text)) == ["account_id", "bucket_name", "rules"]
    assert (Policy.parse(text), Policy.parse(text).form) == (policy, "terraform")


def test_dump_of_a_form_that_is_none() -> None:
    """Only the five forms are written, and only Terraform has an envelope."""
    policy = Policy.parse([DASHBOARD_RULE])
    with pytest.raises(ValueError, match="form must be one of dashboard, api, s3, xml, terraform"):
        policy.dump("yaml")
    with pytest.raises(ValueError, match="in the form 'terraform' alone"):
        policy.dump("api", account_id="a")


def test_dump_keeps_the_usual_order() -> None:
    """A policy is written as people write it: keys in their usual order, and none that says nothing."""
    rule = {"ID": "ü", **DASHBOARD_RULE, "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 5}
    text = Policy.parse([rule]).dump("dashboard")
    assert text == json.dumps([rule], indent=2, ensure_ascii=False) + "\n"
    assert Policy.parse([DASHBOARD_RULE]).dump("dashboard") == json.dumps([DASHBOARD_RULE], indent=2) + "\n"


@settings(deadline=None)
@given(policies, st.sampled_from(["dashboard", "api", "s3", "terraform"]))
def test_schema_accepts_good_policies(policy: Policy, form: str) -> None:
    """Every good policy validates against the schema of its form."""
    jsonschema.Draft202012Validator(policy_schema(form)).validate(json.loads(policy.dump(form)))


@pytest.mark.parametrize("form", ["dashboard", "api", "s3", "terraform"])
def test_schema_is_a_schema(form: str) -> None:
    """The schema obeys its own dialect, and so do the wrappers that a form may have."""
    schema = policy_schema(form)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name, data, written in GOOD:
        if written == form and not isinstance(data, str):
            assert validator.is_valid(data), name


@pytest.mark.parametrize("form", ["xml", "yaml"])
def test_schema_of_what_is_not_json(form: str) -> None:
    """Only the JSON forms have a JSON Schema."""
    with pytest.raises(ValueError, match="form must be one of dashboard, api, s3, terraform"):
        policy_schema(form)


SCHEMA_REFUSES: list[dict[str, Any]] = [
    {"AllowedOrigins": []},
    {"AllowedOrigins": "*"},
    {"AllowedOrigins": ["https://a.example/"]},
    {"AllowedOrigins": ["https://a.example\n"]},
    {"AllowedOrigins": ["https://a.example."]},
    {"AllowedOrigins": ["https://*.*.example"]},
    {"AllowedOrigins": ["https://a.example:0"]},
    {"AllowedOrigins": ["https://a.example:65536"]},
    {"AllowedOrigins": ["http://localhost:*"]},
    {"AllowedOrigins": ["null"]},
    {"AllowedOrigins": ["*", "https://"]},
    {"AllowedMethods": []},
    {"AllowedMethods": ["OPTIONS"]},
    {"AllowedMethods": ["get"]},
    {"AllowedHeaders": [""]},
    {"AllowedHeaders": ["a b"]},
    {"AllowedHeaders": ["*-*"]},
    {"AllowedHeaders": None},
    {"ExposeHeaders": [""]},
    {"ExposeHeaders": ["a\n"]},
    {"MaxAgeSeconds": -1},
    {"MaxAgeSeconds": 1.5},
    {"MaxAgeSeconds": "5"},
    {"MaxAgeSeconds": None},
    {"MaxAgeSeconds": True},
    {"ID": 5},
    {"ID": None},
    {"ID": "\x00"},
    {"Foo": 1},
]


@pytest.mark.parametrize("members", SCHEMA_REFUSES, ids=ascii)
def test_schema_refuses(members: dict[str, Any]) -> None:
    """What a schema can refuse is refused by it, and by the policy too."""
    data = [{**DASHBOARD_RULE, **members}]
    assert not jsonschema.Draft202012Validator(policy_schema("dashboard")).is_valid(data)
    assert any(problem.severity == "error" for problem in problems_of(data))


def test_schema_of_terraform_methods() -> None:
    """Terraform's schema takes methods in any case, and no others."""
    validator = jsonschema.Draft202012Validator(policy_schema("terraform"))
    for method, good in (("get", True), ("Delete", True), ("options", False)):
        rule = {"allowed": {"origins": ["*"], "methods": [method]}}
        assert validator.is_valid({"rules": [rule]}) is good


def test_schema_refuses_missing_and_wrapped() -> None:
    """A missing key, and two resources, are refused."""
    assert not jsonschema.Draft202012Validator(policy_schema("dashboard")).is_valid([{"AllowedOrigins": ["*"]}])
    assert not jsonschema.Draft202012Validator(policy_schema("dashboard")).is_valid([])
    assert not jsonschema.Draft202012Validator(policy_schema("api")).is_valid(
        {"rules": [{"allowed": {"origins": ["*"]}}]}
    )
    two = {"resource": {"cloudflare_r2_bucket_cors": {"a": {"rules": [API_RULE]}, "b": {"rules": [API_RULE]}}}}
    assert not jsonschema.Draft202012Validator(policy_schema("terraform")).is_valid(two)


@settings(deadline=None)
@given(
    st.text() | st.binary() | st.text('<>/&;![]CORSRuleAllowedOrigin"=? -', max_size=60).map(lambda text: "<" + text)
)
def test_any_text_gives_a_policy_or_an_error(data: str | bytes) -> None:
    """Whatever comes, nothing is raised but PolicyError, and every problem can be shown."""
    for problem in problems_of(data):
        assert str(problem).encode("utf-8")
        assert problem.line is not None


KEYS = [
    "AllowedOrigins",
    "AllowedMethods",
    "rules",
    "allowed",
    "origins",
    "methods",
    "CORSRules",
    "result",
    "ID",
    "id",
    "resource",
    "cloudflare_r2_bucket_cors",
    "MaxAgeSeconds",
    "\ud800",
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["*", "GET", "\ud800", "https://a.example"])
)
any_json = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(deadline=None)
@given(any_json, st.sampled_from(["r2", "s3"]))
def test_any_data_gives_a_policy_or_an_error(data: Any, profile: ProfileName) -> None:
    """Whatever parsed JSON comes, nothing is raised but PolicyError, and every problem can be shown."""
    for problem in problems_of(data, profile):
        assert str(problem).encode("utf-8")


@settings(deadline=None)
@given(policies, st.sampled_from(["dashboard", "api", "s3", "terraform"]), st.data())
def test_problem_stands_at_its_value(policy: Policy, form: str, data: st.DataObject) -> None:
    """However a policy is laid out, the place of a problem is the place of its value."""
    document = json.loads(policy.dump(form))
    rule = data.draw(st.sampled_from(document if form == "dashboard" else next(iter(document.values()))))
    listed = data.draw(st.sampled_from([values for values in _lists(rule) if values]))
    bad: Any = data.draw(st.sampled_from(["no origin", "\U0001f600", " ", 5, None, True, {}, []]))
    listed[data.draw(st.integers(0, len(listed) - 1))] = bad
    text = json.dumps(
        document, indent=data.draw(st.sampled_from([None, 1, "\t"])), ensure_ascii=data.draw(st.booleans())
    )
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text)
    (problem,) = [one for one in caught.value.problems if one.severity == "error"]
    assert problem.line is not None
    assert problem.column is not None
    rest = "\n".join([text.split("\n")[problem.line - 1][problem.column - 1 :], *text.split("\n")[problem.line :]])
    found, _ = json.JSONDecoder().raw_decode(rest)
    assert (found, type(found)) == (problem.value, type(problem.value)) == (bad, type(bad))


def _lists(value: Any) -> list[list[Any]]:
    """Every list inside a rule."""
    if isinstance(value, dict):
        return [found for member in value.values() for found in _lists(member)]
    return [value] if isinstance(value, list) else []
