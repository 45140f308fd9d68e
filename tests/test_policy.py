"""Policy and Rule: constructed, compared, judged again under another profile, compiled."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from r2style_cors.errors import PolicyError
from r2style_cors.policy import Policy, Rule

GOOD: dict[str, Any] = {"allowed_origins": ["https://a.example"], "allowed_methods": ["GET"]}


def errors_of(make: Any) -> list[tuple[str, tuple[str | int, ...]]]:
    """The types and places of the errors of a constructor."""
    with pytest.raises(ValidationError) as caught:
        make()
    return [(error["type"], error["loc"]) for error in caught.value.errors()]


def test_rule_has_tuples_and_defaults() -> None:
    """Lists become tuples; what is optional is empty or None."""
    rule = Rule(**GOOD)
    assert rule.allowed_origins == ("https://a.example",)
    assert (rule.allowed_headers, rule.expose_headers, rule.max_age_seconds, rule.id) == ((), (), None, None)


def test_rule_by_alias() -> None:
    """A rule is validated and serialized with the dashboard's keys as well."""
    data = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "MaxAgeSeconds": 5.0, "ID": "x", "ExposeHeaders": ["a"]}
    rule = Rule.model_validate(data)
    assert repr(rule.max_age_seconds) == "5"
    assert rule.model_dump(by_alias=True, mode="json") == {**data, "MaxAgeSeconds": 5, "AllowedHeaders": []}
    assert Rule.model_validate(rule.model_dump()) == rule
    assert Policy.model_validate_json(Policy(rules=[rule]).model_dump_json()) == Policy(rules=[rule])


def test_rule_lowers_origins() -> None:
    """A constructed rule is lowered as a read one is."""
    assert Rule(allowed_origins=["HTTPS://A.example"], allowed_methods=["GET"]).allowed_origins == (
        "https://a.example",
    )


RULE_ERRORS: list[tuple[dict[str, Any], list[tuple[str, tuple[str | int, ...]]]]] = [
    ({}, [("missing-key", ("allowed_origins",)), ("missing-key", ("allowed_methods",))]),
    ({**GOOD, "allowed_origins": ["*", "https://a.example/"]}, [("origin-path", ("allowed_origins", 1))]),
    ({**GOOD, "allowed_origins": "*"}, [("wrong-type", ("allowed_origins",))]),
    ({**GOOD, "allowed_origins": None}, [("wrong-type", ("allowed_origins",))]),
    ({**GOOD, "allowed_methods": []}, [("empty-list", ("allowed_methods",))]),
    ({**GOOD, "allowed_headers": {"a"}}, [("wrong-type", ("allowed_headers",))]),
    ({**GOOD, "max_age_seconds": True}, [("wrong-type", ("max_age_seconds",))]),
    ({**GOOD, "exposed_headers": ["a"]}, [("unknown-key", ("exposed_headers",))]),
    ({**GOOD, "AllowedOrigins": ["*"]}, [("duplicate-key", ("AllowedOrigins",))]),
    (
        {**GOOD, "ID": "\x00", "allowed_methods": ["get"]},
        [("method-case", ("allowed_methods", 0)), ("id-characters", ("id",))],
    ),
]


@pytest.mark.parametrize(("data", "errors"), RULE_ERRORS, ids=[ascii(case[0])[:60] for case in RULE_ERRORS])
def test_rule_errors(data: dict[str, Any], errors: list[tuple[str, tuple[str | int, ...]]]) -> None:
    """Every error of a rule has one of our codes as its type, and the field as its place."""
    assert sorted(errors_of(lambda: Rule(**data))) == sorted(errors)


def test_error_carries_the_fix() -> None:
    """The error's context says what to write instead."""
    with pytest.raises(ValidationError) as caught:
        Rule(allowed_origins=["https://a.example/"], allowed_methods=["GET"])
    (error,) = caught.value.errors()
    assert error.get("ctx", {})["fix"] == '"https://a.example"'
    assert error["msg"] == error.get("ctx", {})["message"]


@pytest.mark.parametrize(
    ("key", "fix"), [("allow_origins", '"allowed_origins"'), ("allowed", None), ("credentials", None)]
)
def test_a_field_that_is_none(key: str, fix: str | None) -> None:
    """An unknown field is told which one was meant, and never that it was itself."""
    given: dict[str, Any] = {**GOOD, key: []}
    with pytest.raises(ValidationError) as caught:
        Rule(**given)
    (error,) = caught.value.errors()
    assert (error["type"], error.get("ctx", {})["fix"]) == ("unknown-key", fix)


POLICY_ERRORS: list[tuple[Any, list[tuple[str, tuple[str | int, ...]]]]] = [
    ({"rules": []}, [("empty-policy", ("rules",))]),
    ({}, [("missing-key", ("rules",))]),
    ({"rules": [GOOD], "id": "x"}, [("unknown-key", ("id",))]),
    ({"rules": GOOD}, [("wrong-type", ("rules",))]),
    ("x", [("wrong-type", ())]),
    ({"rules": ["x"]}, [("wrong-type", ("rules", 0))]),
    (
        {"rules": [{**GOOD, "allowed_origins": ["x"]}, GOOD, {**GOOD, "id": 5}]},
        [("origin-scheme", ("rules", 0, "allowed_origins", 0)), ("wrong-type", ("rules", 2, "id"))],
    ),
]


@pytest.mark.parametrize(("data", "errors"), POLICY_ERRORS, ids=[ascii(case[0])[:60] for case in POLICY_ERRORS])
def test_policy_errors(data: Any, errors: list[tuple[str, tuple[str | int, ...]]]) -> None:
    """Every error of a policy has one of our codes as its type, and its place down to the entry."""
    assert errors_of(lambda: Policy.model_validate(data)) == errors


def test_constructed_policy() -> None:
    """A constructed policy has a form, a profile, and the warnings of its rules as they were given."""
    policy = Policy(rules=[Rule(allowed_origins=["HTTPS://A.example"], allowed_methods=["GET"])])
    assert (policy.form, policy.profile) == ("dashboard", "r2")
    assert [(problem.code, problem.path, problem.line) for problem in policy.problems] == [
        ("origin-case", "[0].AllowedOrigins[0]", None)
    ]
    assert Policy.model_validate(policy) is policy


def test_warnings_do_not_stop_a_constructor() -> None:
    """A hundred and one rules are a warning, not an error."""
    policy = Policy(rules=[Rule(**GOOD)] * 101)
    assert [problem.code for problem in policy.problems] == ["too-many-rules"]


def test_equality_is_that_of_the_rules() -> None:
    """Form, problems and profile are no part of a policy's identity; rules, their order and ids are."""
    one = Policy(rules=[Rule(**GOOD)])
    same = Policy.parse('{"rules":[{"allowed":{"origins":["HTTPS://a.example"],"methods":["GET"]}}]}')
    assert one == same
    assert hash(one) == hash(same)
    assert (one.form, one.problems) != (same.form, same.problems)
    assert one != Policy(rules=[Rule(**GOOD, id="x")])
    assert one != one.rules[0]
    assert one.rules[0] != "rule"


def test_policies_are_frozen() -> None:
    """Nothing of a policy can be changed."""
    policy = Policy(rules=[Rule(**GOOD)])
    for model, field in ((policy, "rules"), (policy.rules[0], "id")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(model, field, None)


def pickled(policy: Policy) -> Any:
    """The policy, through bytes and back."""
    return pickle.loads(pickle.dumps(policy))  # noqa: S301 - its own bytes


@pytest.mark.parametrize("twin", [copy.deepcopy, pickled])
def test_copies(twin: Any) -> None:
    """A copy is equal, with its form and its problems."""
    policy = Policy.parse('{"CORSRules": [{"AllowedOrigins": ["http://a.example:80"], "AllowedMethods": ["GET"]}]}')
    again = twin(policy)
    assert again == policy
    assert (again.form, again.problems) == (policy.form, policy.problems)
    assert again.validated_for("s3").profile == "s3"


def test_judged_again_as_it_was_written() -> None:
    """Under `s3` nothing is lowered, whatever `r2` made of it before, and the other way round."""
    text = '{"rules":[{"allowed":{"origins":["HTTPS://A.example"],"methods":["GET"]}}]}'
    policy = Policy.parse(text)
    other = policy.validated_for("s3")
    assert other.rules[0].allowed_origins == ("HTTPS://A.example",)
    assert other.validated_for("r2") == policy
    assert other.validated_for("r2").problems == policy.problems
    assert policy.validated_for("r2") is policy
    assert (
        Policy(rules=[Rule(allowed_origins=["HTTPS://A.example"], allowed_methods=["GET"])]).validated_for("s3")
        == other
    )


def test_judged_again_and_refused() -> None:
    """What the other profile refuses is told with its place in the author's own text."""
    rule = "<AllowedOrigin>*.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
    text = f"<CORSConfiguration><CORSRule>\n{rule}</CORSRule></CORSConfiguration>"
    policy = Policy.parse(text, "s3")
    with pytest.raises(PolicyError) as caught:
        policy.compile("r2")
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("origin-scheme", "/CORSConfiguration/CORSRule[1]/AllowedOrigin[1]")
    assert (problem.line, problem.column) == (2, 16)


def test_unknown_profile() -> None:
    """A profile that does not exist is a mistake in the program, and told before the policy is read."""
    with pytest.raises(ValueError, match="profile is 'gcs'; it must be 'r2' or 's3'") as caught:
        Policy.parse("x", "gcs")  # type: ignore[arg-type]  # the wrong name is what is tested
    assert not isinstance(caught.value, PolicyError)
    policy = Policy(rules=[Rule(**GOOD)])
    with pytest.raises(ValueError, match="profile is 'gcs'; it must be 'r2' or 's3'"):
        policy.validated_for("gcs")  # type: ignore[arg-type]  # the wrong name is what is tested
    unhashable: Any = ["r2"]
    with pytest.raises(ValueError, match=r"profile is \['r2'\]; it must be 'r2' or 's3'"):
        Policy.parse("x", unhashable)


def test_compile() -> None:
    """A policy compiles into an engine, with the options it is given."""
    engine = Policy(rules=[Rule(allowed_origins=["https://a.example"], allowed_methods=["PUT"])]).compile(
        extra_methods=("PATCH",), credentials=True
    )
    decision = engine.decide("OPTIONS", "https://a.example", "PATCH", None)
    assert decision.allowed
    assert ("Access-Control-Allow-Credentials", "true") in decision.headers
