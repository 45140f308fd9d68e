"""Policies and their rules: read from any of the five forms, judged whole, and never changed afterwards.

Laws of this room:
- a Policy that exists is good under its profile; whatever is wrong is an error on the way in, and all of it at once;
- a policy is its rules: two policies with equal rules are equal, whatever form they were written in;
- one judge for all ways in: `parse`, `load_policy` and the models' own constructors ask the same rules.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from . import _schema
from ._codes import CODES
from ._forms import (
    FORMS,
    KEYS,
    literal,
    nearest_field,
    quoted,
    read,
    read_file,
    reading_of,
    write,
)
from ._judge import Verdict, judge_reading
from ._rules import FIELDS, HOLE, LISTS, REQUIRED, is_error, judge_rule, judge_size, kind, rulebook
from .errors import PolicyError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._engine import Engine
    from ._forms import Reading
    from ._profiles import ProfileName

# What a rule's constructor accepts: the model's names, and the dashboard's keys.
_NAMES = {**{name: name for name in FIELDS}, **{keys[0]: name for name, keys in KEYS["dashboard"].items()}}

_Origin = Annotated[str, WithJsonSchema(_schema.ORIGIN)]
_Method = Annotated[str, WithJsonSchema(_schema.METHOD)]
_Header = Annotated[str, WithJsonSchema(_schema.HEADER)]
_ExposeHeader = Annotated[str, WithJsonSchema(_schema.TOKEN)]


class _Model(BaseModel):
    """What rules and policies share: frozen, no unknown keys, compared by their fields alone."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True
    )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))


class Rule(_Model):
    """One rule of a policy (SEMANTICS 2). Python names or the dashboard's keys; lists become tuples.

    Attributes:
        allowed_origins: `*`, or origins, with at most one `*` in the host of each.
        allowed_methods: some of GET, PUT, POST, DELETE, HEAD.
        allowed_headers: header names that a preflight may ask for; `*` is any.
        expose_headers: header names that a page may read.
        max_age_seconds: how long a browser may keep a preflight's answer, or None.
        id: a name for people, or None.

    Raises:
        pydantic.ValidationError: for everything that profile `r2` refuses. Its errors' types are problem codes.

    """

    allowed_origins: tuple[_Origin, ...] = Field(
        validation_alias="AllowedOrigins", serialization_alias="AllowedOrigins", json_schema_extra={"minItems": 1}
    )
    allowed_methods: tuple[_Method, ...] = Field(
        validation_alias="AllowedMethods", serialization_alias="AllowedMethods", json_schema_extra={"minItems": 1}
    )
    allowed_headers: tuple[_Header, ...] = Field(
        default=(), validation_alias="AllowedHeaders", serialization_alias="AllowedHeaders"
    )
    expose_headers: tuple[_ExposeHeader, ...] = Field(
        default=(), validation_alias="ExposeHeaders", serialization_alias="ExposeHeaders"
    )
    max_age_seconds: Annotated[int | None, WithJsonSchema(_schema.MAX_AGE)] = Field(
        default=None, validation_alias="MaxAgeSeconds", serialization_alias="MaxAgeSeconds"
    )
    id: Annotated[str | None, WithJsonSchema(_schema.ID)] = Field(
        default=None, validation_alias="ID", serialization_alias="ID"
    )

    # As given, since profile `s3` lowers nothing.
    _written: dict[str, Any] = PrivateAttr(default_factory=dict)

    if TYPE_CHECKING:  # any sequence is accepted, but the fields are tuples

        def __init__(
            self,
            *,
            allowed_origins: Sequence[str],
            allowed_methods: Sequence[str],
            allowed_headers: Sequence[str] = (),
            expose_headers: Sequence[str] = (),
            max_age_seconds: float | None = None,
            id: str | None = None,
        ) -> None: ...

    @model_validator(mode="wrap")
    @classmethod
    def _judge(cls, data: Any, handler: ModelWrapValidatorHandler[Rule], info: ValidationInfo) -> Rule:
        if isinstance(data, Rule) or isinstance(info.context, Verdict):
            return handler(data)
        values, errors = _by_field(data)
        clean, findings = judge_rule(values, "r2")
        errors += [
            _line_error(one.fault.code, one.fault.message, one.fault.mended, one.at, one.value)
            for one in findings
            if is_error(one)
        ]
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        rule = handler(clean)
        rule._written = values  # noqa: SLF001 - its own kind
        return rule


class Policy(_Model):
    """A CORS policy: rules that are tried in order.

    Attributes:
        rules: at least one rule.

    Raises:
        pydantic.ValidationError: by the constructor, for everything that profile `r2` refuses (SEMANTICS 2).

    """

    rules: tuple[Rule, ...] = Field(json_schema_extra={"minItems": 1})

    _verdict: Verdict = PrivateAttr()

    if TYPE_CHECKING:

        def __init__(self, *, rules: Sequence[Rule]) -> None: ...

    @model_validator(mode="wrap")
    @classmethod
    def _judge(cls, data: Any, handler: ModelWrapValidatorHandler[Policy], info: ValidationInfo) -> Policy:
        if isinstance(data, Policy):
            return handler(data)
        if isinstance(info.context, Verdict):
            policy = handler(data)
            policy._verdict = info.context  # noqa: SLF001 - its own kind
            return policy
        errors = _outer_errors(data)
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        policy = handler(data)
        reading = reading_of([rule._written for rule in policy.rules])  # noqa: SLF001 - its own kind
        policy._verdict = judge_reading(reading, "r2")  # noqa: SLF001 - its own kind
        return policy

    @classmethod
    def parse(
        cls,
        data: bytes | str | list[Any] | dict[str, Any],
        profile: ProfileName = "r2",
        strict: bool = False,
    ) -> Policy:
        """Read a policy in any of the five forms, recognised by its content (SEMANTICS 1 and 2).

        Args:
            data: JSON or XML as bytes or text, or JSON that is parsed already.
            profile: `r2`, or `s3` to judge it as S3 would (SEMANTICS 6).
            strict: whether a trailing comma is an error, and not a warning (SEMANTICS 1.2).

        Returns:
            The policy; its `problems` hold the warnings and notes.

        Raises:
            PolicyError: with every problem, if any is an error.
            ValueError: if there is no such profile.

        """
        rulebook(profile)
        return _settle(read(data, strict=strict), profile)

    @property
    def form(self) -> str:
        """The form it was written in: `dashboard`, `api`, `s3`, `xml` or `terraform`; `dashboard` if constructed."""
        return self._verdict.reading.form or "dashboard"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The warnings and notes found on the way in, in the order of the file (SEMANTICS 1.4)."""
        return self._verdict.problems

    @property
    def profile(self) -> ProfileName:
        """The profile it was judged under."""
        return self._verdict.profile

    def validated_for(self, profile: ProfileName) -> Policy:
        """Judge the policy again as it was written, under another profile.

        Args:
            profile: `r2` or `s3`.

        Returns:
            The policy itself if it was judged under that profile, else a new one.

        Raises:
            PolicyError: with every problem, if that profile refuses it.
            ValueError: if there is no such profile.

        """
        rulebook(profile)
        return self if profile == self.profile else _settle(self._verdict.reading, profile)

    def dump(self, form: str, *, account_id: str | None = None, bucket_name: str | None = None) -> str:
        """Write the policy in a form; reading that again gives an equal policy (SEMANTICS 1.5).

        Args:
            form: `dashboard`, `api`, `s3`, `xml` or `terraform`.
            account_id: in `terraform`, the account to name beside the rules.
            bucket_name: in `terraform`, the bucket to name beside the rules.

        Returns:
            The text, with a line end.

        Raises:
            ValueError: if there is no such form, or the form has no place for the account and the bucket.

        """
        _check_form(form, FORMS)
        names = {"account_id": account_id, "bucket_name": bucket_name}
        envelope = {key: value for key, value in names.items() if value is not None}
        if envelope and form != "terraform":
            message = f"an account and a bucket have a place in the form 'terraform' alone, not in {form!r}"
            raise ValueError(message)
        return write([_present(rule) for rule in self.rules], form, envelope)

    def compile(
        self,
        profile: ProfileName = "r2",
        credentials: bool | None = None,
        extra_methods: Sequence[str] = (),
        star_always: bool = False,
    ) -> Engine:
        """Compile the policy into an engine that decides requests.

        Args:
            profile: `r2` or `s3` (SEMANTICS 6).
            credentials: whether credentials are allowed; None is the profile's own default (SEMANTICS 7.1).
            extra_methods: methods that no policy file can hold, such as `PATCH` (SEMANTICS 7.2).
            star_always: whether constant answers carry `*` without Origin (SEMANTICS 5.7).

        Returns:
            An immutable engine.

        Raises:
            PolicyError: if the profile refuses the policy, or the options do not go with it.
            ValueError: if there is no such profile.

        """
        from ._compile import compile_policy

        return compile_policy(
            self, profile=profile, credentials=credentials, extra_methods=extra_methods, star_always=star_always
        )


def load_policy(
    path: str | os.PathLike[str],
    profile: ProfileName = "r2",
    strict: bool = False,
) -> Policy:
    """Read a policy file in any of the five forms (SEMANTICS 1 and 2).

    Args:
        path: the file; its name says nothing about its form.
        profile: `r2`, or `s3` to judge it as S3 would.
        strict: whether a trailing comma is an error, and not a warning.

    Returns:
        The policy; its `problems` hold the warnings and notes.

    Raises:
        PolicyError: with every problem, if any is an error; `file` if there is nothing to read. `source` is the path.
        ValueError: if there is no such profile.

    """
    rulebook(profile)
    try:
        return Policy.parse(read_file(path), profile, strict)
    except PolicyError as error:
        raise PolicyError(error.problems, error.form, os.fspath(path)) from None


def policy_schema(form: str) -> dict[str, Any]:
    """Describe one of the JSON forms as a JSON Schema, 2020-12.

    Args:
        form: `dashboard`, `api`, `s3` or `terraform`.

    Returns:
        The schema, as parsed JSON. It accepts every policy that is good under `r2`.

    Raises:
        ValueError: if there is no such form, or it is not JSON.

    """
    _check_form(form, [one for one in FORMS if one != "xml"])
    return _schema.schema_of(form, Rule.model_json_schema())


def _check_form(form: str, forms: Sequence[str]) -> None:
    if form not in forms:
        message = f"form must be one of {', '.join(forms)}, not {form!r}"
        raise ValueError(message)


def _present(rule: Rule) -> dict[str, Any]:
    """List the fields of a rule that say something."""
    values = {name: getattr(rule, name) for name in FIELDS}
    return {name: value for name, value in values.items() if value is not None and value != ()}


def _settle(reading: Reading, profile: ProfileName) -> Policy:
    """Judge a reading and make a policy of it; raises PolicyError with every problem if one is an error."""
    verdict = judge_reading(reading, profile)
    if any(problem.severity == "error" for problem in verdict.problems):
        raise PolicyError(verdict.problems, reading.form)
    return Policy.model_validate({"rules": verdict.rules}, context=verdict)


def _line_error(code: str, message: str, mended: object, at: tuple[str | int, ...], value: object) -> InitErrorDetails:
    """Make an error of pydantic's whose type is the code."""
    context = {"message": message, "fix": None if mended is None else literal(mended)}
    return InitErrorDetails(type=PydanticCustomError(cast("Any", code), "{message}", context), loc=at, input=value)


def _by_field(data: object) -> tuple[dict[str, Any], list[InitErrorDetails]]:
    """Sort what a rule's constructor was given by field; what is no field is an error."""
    if not isinstance(data, Mapping):
        error = _line_error("wrong-type", f"A rule must be an object, not {kind(data)}.", None, (), data)
        return dict.fromkeys(REQUIRED, HOLE), [error]
    values: dict[str, Any] = {}
    errors: list[InitErrorDetails] = []
    for key, value in data.items():
        name = _NAMES.get(key)
        if name is None:
            near = nearest_field(str(key))
            fix = near if near in FIELDS else None
            errors.append(_line_error("unknown-key", f"A rule has no field {quoted(key)}.", fix, (str(key),), value))
        elif name in values:
            errors.append(_line_error("duplicate-key", f"The field {name} is given twice.", None, (key,), value))
        elif not _is_absent(name, value):
            values[name] = value
    return values, errors


def _is_absent(name: str, value: object) -> bool:
    """Whether a constructor's argument says nothing: an optional field's None or empty list, its default."""
    if name in LISTS:
        return name not in REQUIRED and isinstance(value, list | tuple) and not value
    return value is None


def _outer_errors(data: object) -> list[InitErrorDetails]:
    """Find what is wrong with a policy's constructor call before its rules are looked at."""
    if not isinstance(data, Mapping):
        return [_line_error("wrong-type", f"A policy must be an object, not {kind(data)}.", None, (), data)]
    unknown = [key for key in data if key != "rules"]
    errors = [
        _line_error("unknown-key", f"A policy has no field {quoted(key)}.", None, (str(key),), key) for key in unknown
    ]
    if "rules" not in data:
        return [*errors, _line_error("missing-key", "A policy must have rules.", None, ("rules",), None)]
    rules = data["rules"]
    if not isinstance(rules, list | tuple):
        message = f"The rules must be a list, not {kind(rules)}."
        return [*errors, _line_error("wrong-type", message, None, ("rules",), rules)]
    too_few = [one for one in judge_size(len(rules), 0) if CODES[one.code].severity == "error"]
    return errors + [_line_error(one.code, one.message, None, ("rules",), rules) for one in too_few]
