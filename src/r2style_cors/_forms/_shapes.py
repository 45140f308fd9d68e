"""The four JSON forms: recognised by what they contain, and taken apart into rules (SEMANTICS 1, 1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .._rules import FIELDS, HOLE, REQUIRED, kind
from ._keys import BODY_KEYS, KEYS, REPLY_KEYS, RULES_KEY, hint, nearest_field, nearest_key, rule_path, spelled, tree
from ._reading import Draft, Reading
from ._tree import Node, Report, literal, plain, quoted, step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ._keys import Tree

_RESOURCE: Final = "cloudflare_r2_bucket_cors"
_S3_KEYS: Final = ("CORSRules", "ResponseMetadata")

_DASHBOARD_KEYS: Final = {keys[0] for keys in KEYS["dashboard"].values()}
_TERRAFORM_ONLY: Final = {"expose_headers", "max_age_seconds"}
_CAMEL_CASE: Final = {
    "allowedOrigins", "allowedMethods", "allowedHeaders", "allowedOrigin", "allowedMethod", "allowedHeader",
}  # fmt: skip
_API_ONLY: Final = {"exposeHeaders", "maxAgeSeconds"}

SHOW_DASHBOARD: Final = '[{"AllowedOrigins": ["https://example.com"], "AllowedMethods": ["GET"]}]'
_SHOW_API: Final = '{"rules": [{"allowed": {"origins": ["https://example.com"], "methods": ["GET"]}}]}'
_SHOW_S3: Final = f'{{"CORSRules": {SHOW_DASHBOARD}}}'


class _Misfit(NamedTuple):
    """A shape that is near one of the forms: the keys that give it away, what it is, and the right form."""

    keys: Collection[str]
    looks: str
    show: str


# The first that has a key in common with the document is what the document looks like.
_MISFITS: Final = (
    _Misfit({"CORSConfiguration", "CorsConfiguration"}, "the XML form's wrapper, written in JSON", _SHOW_S3),
    _Misfit({"origin", "method", "responseHeader"}, "a Google Cloud Storage policy", SHOW_DASHBOARD),
    _Misfit({"cors", "CORS", "Cors"}, "rules under a key `cors`, as Google Cloud Storage has them", SHOW_DASHBOARD),
    _Misfit(_DASHBOARD_KEYS, "a single rule of the `dashboard` form without the array around it", SHOW_DASHBOARD),
    _Misfit({"allowed"}, 'rules of the `api` form without `{"rules": [...]}` around them', _SHOW_API),
    _Misfit({"CORSRules"}, "the `s3` form inside an array", _SHOW_S3),
    _Misfit({"rules"}, "the `api` form inside an array", _SHOW_API),
    _Misfit({"CORSRule", "corsRules", "CorsRules", "cors_rules", "corsRule"}, "the `s3` form, misspelt", _SHOW_S3),
    _Misfit({"result", "success"}, "a reply of R2's API that holds no rules", _SHOW_API),
    _Misfit({"resource", _RESOURCE}, f"Terraform without exactly one named `{_RESOURCE}`", _SHOW_API),
    _Misfit({"Rules", "rule", "Rule"}, "the `api` form, misspelt", _SHOW_API),
    _Misfit(_CAMEL_CASE, "rules in camelCase", SHOW_DASHBOARD),
    _Misfit({"allowed_origins", "allowed_methods", "allowed_headers"}, "rules in snake_case", SHOW_DASHBOARD),
    _Misfit({"allow_origins", "allow_methods", "origins", "methods"}, "another server's CORS options", SHOW_DASHBOARD),
)
_STRANGER: Final = _Misfit((), "none of the five forms", SHOW_DASHBOARD)


def read_shape(root: Node, report: Report) -> Reading:
    """Recognise the form of a document and take its rules apart.

    Args:
        root: the document.
        report: where problems go.

    Returns:
        The reading; without rules where the document is no policy.

    """
    reading = Reading(None, report)
    if root.value is HOLE:
        return reading
    if not _read_array(root, reading) and not _read_object(root, reading):
        _refuse(root, report)
    return reading


def _read_array(root: Node, reading: Reading) -> bool:
    """Read the dashboard's form; says whether it is that, and not the list of rules of something else."""
    keys = _item_keys(root)
    if not isinstance(root.value, list) or not (keys & _DASHBOARD_KEYS or _misfit(keys) is None):
        return False
    _take_rules(root, "dashboard", reading)
    return True


def _item_keys(node: Node) -> set[str]:
    items: list[Node] = node.value if isinstance(node.value, list) else []
    return {key for item in items if isinstance(item.value, dict) for key in item.value}


def _misfit(keys: set[str]) -> _Misfit | None:
    return next((misfit for misfit in _MISFITS if keys.intersection(misfit.keys)), None)


def _refuse(root: Node, report: Report) -> None:
    """Report the one problem of a document that is none of the forms; its contents are not judged."""
    keys = set(root.value) if isinstance(root.value, dict) else _item_keys(root)
    misfit = _misfit(keys) or _STRANGER
    looks = misfit.looks if isinstance(root.value, list | dict) else f"{kind(root.value)} alone"
    value = None if isinstance(root.value, list | dict) else root.value
    message = f"This is no policy that R2 or S3 reads: it looks like {looks}."
    report.add("unknown-form", "", root.spot, message, value=value, fix=misfit.show)


def _read_object(root: Node, reading: Reading) -> bool:
    """Read an object of one of the other forms; says whether it is one."""
    members = _members(root)
    if "CORSRules" in members:
        _read_body(root, "s3", _S3_KEYS, reading)
    elif "rules" in members or "bucket_name" in members:
        form = _rules_form(root)
        _read_body(root, form, (*BODY_KEYS, "rules") if form == "terraform" else ("rules",), reading)
    elif "rules" in _members(members.get("result")):
        _check_keys(root, "", (*REPLY_KEYS, "result"), reading.report)
        reading.prefix = "result."
        _read_body(members["result"], "api", ("rules",), reading)
    else:
        return _read_resource(root, reading)
    return True


def _members(node: Node | None) -> dict[str, Node]:
    return node.value if node is not None and isinstance(node.value, dict) else {}


def _rules_form(root: Node) -> str:
    """Tell `terraform` from `api`: by what stands beside the rules, else by how the keys of a tree like its are spelt."""
    if any(key in root.value for key in BODY_KEYS):
        return "terraform"
    keys = _item_keys(root.value["rules"])
    return "terraform" if "allowed" in keys and keys & _TERRAFORM_ONLY and not keys & _API_ONLY else "api"


def _read_resource(root: Node, reading: Reading) -> bool:
    """Read a `.tf.json` with one resource of ours; several would be several policies."""
    resources = _members(_members(root).get("resource"))
    named = _members(resources.get(_RESOURCE))
    if len(named) != 1:
        return False
    ((name, body),) = named.items()
    _check_keys(root, "", ("resource",), reading.report)
    _check_keys(root.value["resource"], "resource.", (_RESOURCE,), reading.report)
    path = f"resource.{_RESOURCE}{step(name)}"
    reading.prefix = f"{path}."
    if isinstance(body.value, dict):
        _read_body(body, "terraform", (*BODY_KEYS, "rules"), reading)
    else:
        reading.form = "terraform"
        _wrong_type(body, path, "an object", reading.report)
    return True


def _read_body(body: Node, form: str, known: Iterable[str], reading: Reading) -> None:
    _check_keys(body, reading.prefix, known, reading.report)
    rules = body.value.get(RULES_KEY[form])
    if rules is not None:
        _take_rules(rules, form, reading)
        return
    reading.form = form
    message = f"The key `{RULES_KEY[form]}` is missing here."
    reading.report.add("missing-key", reading.prefix.removesuffix("."), body.spot, message)


def _check_keys(node: Node, prefix: str, known: Iterable[str], report: Report) -> None:
    for key in node.value:
        if key not in known and not report.is_full("unknown-key"):
            near = nearest_key(key, known)
            _unknown(key, node, prefix + step(key), near and literal(near), report)


def _unknown(key: str, node: Node, path: str, fix: str | None, report: Report) -> None:
    more = " It belongs one level further out." if fix == literal(key) else hint(key, fix)
    message = f"The key {quoted(key)} is not known here.{more}"
    report.add("unknown-key", path, node.keys[key], message, value=key, fix=fix)


def _wrong_type(node: Node, path: str, wanted: str, report: Report) -> None:
    if node.value is not HOLE:
        value = plain(node)
        report.add("wrong-type", path, node.spot, f"This must be {wanted}, not {kind(value)}.", value=value)


def _take_rules(rules: Node, form: str, reading: Reading) -> None:
    reading.form, reading.spot = form, rules.spot
    reading.path = reading.prefix + RULES_KEY[form]
    if not isinstance(rules.value, list):
        _wrong_type(rules, reading.path, "a list of rules", reading.report)
        return
    shape = tree(form)
    reading.drafts = []
    for index, node in enumerate(rules.value):
        draft = Draft(rule_path(form, reading.prefix, index), node.spot)
        reading.drafts.append(draft)
        _Walk(form, draft, reading.report).take(node, shape, draft.path)


class _Walk:
    """Takes one rule apart."""

    def __init__(self, form: str, draft: Draft, report: Report) -> None:
        self._form = form
        self._draft = draft
        self._report = report

    def take(self, node: Node, shape: Tree, path: str) -> None:
        """Take the members of one object; `shape` is what may be in it."""
        if not isinstance(node.value, dict):
            _wrong_type(node, path, "an object", self._report)
            self._draft.forgive()
            return
        for key, member in node.value.items():
            inner = shape.get(key)
            if inner is None:
                self._unknown(key, node, path)
            elif isinstance(inner, str):
                self._draft.put(inner, member, _entries(member))
            else:
                self.take(member, inner, path + step(key))
        self._missing(node, shape, path)

    def _missing(self, node: Node, shape: Tree, path: str) -> None:
        """Note where missing fields are missed, and report a missing object once, not once for each of its fields."""
        if node.torn:
            self._draft.forgive()
        for key, inner in shape.items():
            if isinstance(inner, str):
                self._draft.homes[inner] = (path, node.spot)
            elif key not in node.value and not all(name in self._draft.values for name in REQUIRED):
                message = f"The key `{key}` is missing here; origins and methods belong in it."
                self._report.add("missing-key", path, node.spot, message)
                self._draft.forgive()

    def _unknown(self, key: str, node: Node, path: str) -> None:
        """Report an unknown key; the field that it means is not reported as missing as well."""
        if self._report.is_full("unknown-key"):
            return
        name = nearest_field(key)
        _unknown(key, node, path + step(key), name and spelled(self._form, name), self._report)
        if name in FIELDS:
            self._draft.values.setdefault(name, HOLE)
        elif name is not None:
            self._draft.forgive()


def _entries(node: Node) -> Any:
    """Turn the value of a field into plain data, in which a list may have holes."""
    if isinstance(node.value, list):
        return [HOLE if item.value is HOLE else plain(item) for item in node.value]
    return HOLE if node.value is HOLE else plain(node)
