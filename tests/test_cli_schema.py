"""`schema`: what is printed is a JSON Schema, accepts every good policy, and refuses what a schema can."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import r2style_cors
from r2style_cors import Policy, PolicyError, load_policy, policy_schema
from support.cases import load_cases
from support.renderings import POLICIES, assert_golden, run

FORMS = ("dashboard", "api", "s3", "terraform")
ORIGINS = json.loads(Path(__file__).with_name("policies_problems.json").read_text("utf-8"))
# A schema knows an origin's grammar, not what it means.
BEYOND_A_SCHEMA = {"origin-host", "origin-syntax"}


@cache
def printed(form: str) -> Any:
    """The schema as the command prints it."""
    ran = run(["schema", form])
    assert (ran.status, ran.err) == (0, "")
    return json.loads(ran.out)


def accepts(form: str, document: Any) -> bool:
    """Whether the schema accepts a document, as a real validator says."""
    return Draft202012Validator(printed(form)).is_valid(document)


def rule(**members: Any) -> dict[str, Any]:
    """A good dashboard rule, but for `members`."""
    return {"AllowedOrigins": ["https://example.com"], "AllowedMethods": ["GET"], **members}


@pytest.mark.parametrize("form", FORMS)
def test_is_a_schema(form: str) -> None:
    """What is printed obeys its own dialect, and is what the package's function gives."""
    Draft202012Validator.check_schema(printed(form))
    assert printed(form) == policy_schema(form) == r2style_cors.policy_schema(form)


def test_rendering() -> None:
    """The schema as it is read."""
    assert_golden("schema-dashboard", run(["schema", "dashboard"]).out)


@pytest.mark.parametrize(
    ("file", "form"),
    [("dashboard.json", "dashboard"), ("api.json", "api"), ("s3.json", "s3"), ("bucket.tf.json", "terraform")],
)
def test_accepts_the_examples(file: str, form: str) -> None:
    """The example files are accepted as they stand."""
    assert accepts(form, json.loads((POLICIES / file).read_text(encoding="utf-8")))


def good_policies() -> list[list[dict[str, Any]]]:
    """Every policy of the request cases that is good under R2's rules, once each."""
    texts = dict.fromkeys(json.dumps(case.policy) for case in load_cases())
    return [json.loads(text) for text in texts if refused(json.loads(text)) is None]


def refused(document: Any) -> PolicyError | None:
    """Why a policy is not good, or None."""
    try:
        Policy.parse(document)
    except PolicyError as error:
        return error
    return None


@pytest.mark.parametrize("form", FORMS)
def test_accepts_every_good_policy(form: str) -> None:
    """Every good policy of the request cases is accepted, written in each form; the dashboard's also as it stands."""
    policies = good_policies()
    assert len(policies) > 50
    for document in policies:
        assert accepts("dashboard", document), document
        assert accepts(form, json.loads(Policy.parse(document).dump(form))), document


def test_accepts_wrapped_policies() -> None:
    """What a form may stand in is accepted too: a reply of the API, boto3's metadata, a Terraform resource."""
    rules = json.loads(load_policy(POLICIES / "api.json").dump("api"))
    reply = {"success": True, "errors": [], "messages": [], "result": rules}
    assert accepts("api", reply)
    assert accepts("s3", {"CORSRules": [rule()], "ResponseMetadata": {}})


@pytest.mark.parametrize("case", ORIGINS, ids=lambda case: case["name"])
def test_origins(case: dict[str, Any]) -> None:
    """An origin that is only doubtful is accepted; one that breaks the grammar is refused."""
    document = [rule(AllowedOrigins=[case["origin"]])]
    if case["severity"] != "error":
        assert accepts("dashboard", document)
    elif case["code"] not in BEYOND_A_SCHEMA:
        assert not accepts("dashboard", document)
    else:
        assert refused(document) is not None


BAD: dict[str, Any] = {
    "no rule": [],
    "no array": rule(),
    "text": "[]",
    "no origins": [{"AllowedMethods": ["GET"]}],
    "no methods": [{"AllowedOrigins": ["*"]}],
    "empty origins": [rule(AllowedOrigins=[])],
    "empty methods": [rule(AllowedMethods=[])],
    "origins no list": [rule(AllowedOrigins="*")],
    "null origin": [rule(AllowedOrigins=["null"])],
    "OPTIONS": [rule(AllowedMethods=["OPTIONS"])],
    "PATCH": [rule(AllowedMethods=["PATCH"])],
    "lower case": [rule(AllowedMethods=["get"])],
    "empty header": [rule(AllowedHeaders=[""])],
    "header with a space": [rule(AllowedHeaders=["a b"])],
    "header with two stars": [rule(AllowedHeaders=["a*b*"])],
    "header with a line feed": [rule(AllowedHeaders=["a\n"])],
    "exposed header with a colon": [rule(ExposeHeaders=["a:"])],
    "negative age": [rule(MaxAgeSeconds=-1)],
    "fraction": [rule(MaxAgeSeconds=1.5)],
    "age as text": [rule(MaxAgeSeconds="3600")],
    "true": [rule(MaxAgeSeconds=True)],
    "null age": [rule(MaxAgeSeconds=None)],
    "id as number": [rule(ID=7)],
    "id with a control character": [rule(ID="\x00")],
    "unknown key": [rule(ExposedHeaders=["ETag"])],
}


@pytest.mark.parametrize("document", BAD.values(), ids=BAD)
def test_refuses_what_a_schema_can(document: Any) -> None:
    """What is wrong in a way that a schema can tell is refused by it, and by the policy's reader."""
    assert refused(document) is not None
    assert not accepts("dashboard", document)
