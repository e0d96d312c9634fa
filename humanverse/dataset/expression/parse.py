"""From the text of an expression to a checked one: a condition on one row, made of what is allowed and of named columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from humanverse.dataset.expression import allowed
from humanverse.dataset.expression.connection import ask, message
from humanverse.errors import UserError
from schemas.layers import KINDS

TABLE = "samples"
IMAGES = "images"
_BEFORE, _AFTER = "SELECT (\n", f"\n) FROM {TABLE}"
"""What is written around an expression."""
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_MEANING = ("query_location", "query_location_length", "is_operator")
_WHAT = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "PARAMETER": "a parameter",
    "POSITIONAL_REFERENCE": "a column by its number",
    "COLLATE": "a collation",
}

Node = dict[str, Any]


@dataclass(frozen=True, order=True)
class Name:
    """A column, as an expression names it.

    Attributes:
        table: ``images``, a kind, or ``<kind>/<name>``.
        column: of the images table, or of that layer.
    """

    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        text: as it was given.
        names: the columns that it names.
        sql: a query for its value in each row of ``TABLE``, the columns of which are called ``str(name)``.
    """

    text: str
    names: frozenset[Name]
    sql: str

    @property
    def layers(self) -> list[str]:
        """The kinds, and ``<kind>/<name>``, that it names."""
        return sorted({name.table for name in self.names} - {IMAGES})


def refusal(text: str, why: str) -> UserError:
    """The error about an expression, on one line."""
    shown = " ".join(text.split())
    return UserError(f"the expression {shown if len(shown) <= 200 else shown[:200] + '…'}: {why}")


def parse(text: str) -> Expression:
    """Check ``text``, and translate the names in it.

    A name alone is a column of the images table (``caption`` is the alt text). ``<kind>.<column>`` is that of the layer of the
    kind, ``"<kind>/<name>".<column>`` of a certain one; ``images.<column>`` also says the first.

    Raises:
        UserError: if it is not one condition, or has a part that is not in ``allowed``.
    """
    if not text.strip():
        raise UserError("an empty expression: give a condition, such as width > 500")
    if len(text) > allowed.LONGEST:
        raise refusal(text, f"it is longer than {allowed.LONGEST} characters")
    if not text.isprintable() and not text.replace("\n", " ").replace("\t", " ").isprintable():
        raise refusal(text.encode("unicode_escape").decode(), "it has control characters")
    tree = _tree(text, _BEFORE + text + _AFTER)
    names: set[Name] = set()
    try:
        _Check(text, names).node(tree["statements"][0]["node"]["select_list"][0], frozenset(), 0)
        return Expression(text, frozenset(names), _written(text, tree))
    except RecursionError as error:
        raise refusal(text, "it is nested too deeply") from error


def _serialized(text: str, sql: str) -> Node:
    import duckdb

    try:
        parsed: Node = json.loads(ask("SELECT json_serialize_sql(?)", sql))
    except duckdb.Error as error:
        raise refusal(text, message(error)) from error
    except RecursionError as error:
        raise refusal(text, "it is nested too deeply") from error
    if parsed.get("error") is not False:
        if _is_after(parsed.get("position"), text):
            raise refusal(text, "something is missing at its end, such as a value or a closing parenthesis")
        raise refusal(text, message(ValueError(parsed.get("error_message", "DuckDB does not understand it"))))
    return parsed


def _is_after(position: Any, text: str) -> bool:
    """Whether what DuckDB stumbled over is what we wrote after the expression; ``position`` is in bytes."""
    return str(position).isdecimal() and int(position) >= len(_BEFORE.encode()) + len(text.encode())


def _tree(text: str, sql: str) -> Node:
    """DuckDB's syntax tree of ``sql``; what surrounds the expression must be what we wrote around it."""
    parsed = _serialized(text, sql)
    wanted = _serialized("true", f"{_BEFORE}true{_AFTER}")
    if _around(parsed) != _around(wanted):
        raise refusal(text, "it is not one condition: no further statement, clause, column or UNION")
    return parsed


def _around(parsed: Node) -> Any:
    """Everything but the one selected expression; None if that cannot be told."""
    plain = _plain(parsed)
    match plain:
        case {"statements": [{"node": {"select_list": [dict()]} as node}]}:
            del node["select_list"]
            return plain
    return None


def _plain(value: Any) -> Any:
    """A copy without what says only where and how something was written."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key not in _NO_MEANING}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _written(text: str, tree: Node) -> str:
    """The tree as SQL; it is read back, so that what will run is what was checked."""
    sql = ask("SELECT json_deserialize_sql(?)", json.dumps(tree))
    if _plain(_serialized(text, sql)) != _plain(tree):
        raise refusal(text, "DuckDB does not write it as it has read it: say it in another way")
    return sql


class _Check:
    """Goes through the tree, refuses what is not allowed, and renames columns in place."""

    def __init__(self, text: str, names: set[Name]) -> None:
        self.text, self.names = text, names

    def _refuse(self, why: str) -> UserError:
        return refusal(self.text, why)

    def node(self, node: Node, parameters: frozenset[str], lambdas: int) -> None:
        """Check one node and what is below it.

        Args:
            parameters: of the lambdas around it.
            lambdas: how many these are.
        """
        kind = str(node.get("class"))
        if node.get("type") not in allowed.NODES.get(kind, ()) or kind == "LAMBDA":
            raise self._refuse(f"{_WHAT.get(kind, kind.lower().replace('_', ' '))} is not allowed here")
        if node.get("alias"):
            raise self._refuse(f"it gives something the name {node['alias']}: give one condition")
        if kind == "COLUMN_REF":
            self._column(node, parameters)
        elif kind == "CAST" and (node.get("type_expr") or {}).get("class") != "TYPE":
            raise self._refuse("DuckDB does not say to which type a cast is: install duckdb 2 or later")
        elif kind == "TYPE":
            self._type(node)
        elif kind == "FUNCTION":
            self._function(node, parameters, lambdas)
            return
        self._below(node, parameters, lambdas)

    def _below(self, node: Node, parameters: frozenset[str], lambdas: int) -> None:
        for child in _children(node):
            self.node(child, parameters, lambdas)

    def _column(self, node: Node, parameters: frozenset[str]) -> None:
        parts: list[str] = node["column_names"]
        if parts[0] in parameters:
            return
        is_layer = parts[0].partition("/")[0] in KINDS
        if len(parts) > 1 and (is_layer or parts[0] == IMAGES):
            name, fields = Name(parts[0], parts[1]), parts[2:]
        else:
            name, fields = Name(IMAGES, parts[0]), parts[1:]
        self.names.add(name)
        node["column_names"] = [str(name), *fields]

    def _type(self, node: Node) -> None:
        if str(node.get("type_name")).upper() not in allowed.TYPES:
            raise self._refuse(f"the type {node.get('type_name')} is not allowed here")

    def _function(self, node: Node, parameters: frozenset[str], lambdas: int) -> None:
        name = str(node["function_name"])
        path = (node.get("qualified_name") or {}).get("path", [name])
        if path != [name] or node.get("schema") or node.get("catalog"):
            raise self._refuse(f"write {name}(…) with the value inside, and not after a dot")
        if name not in allowed.FUNCTIONS:
            raise self._refuse(f"the function {name} is not allowed here (docs/views.md names those that are)")
        if node.get("filter") or node.get("distinct") or (node.get("order_bys") or {}).get("orders"):
            raise self._refuse(f"{name} takes no FILTER, DISTINCT or ORDER BY here")
        if name == allowed.LIST and lambdas:
            raise self._refuse("a lambda cannot make lists")
        for child in _children(node):
            if child.get("class") == "LAMBDA" and name in allowed.WITH_LAMBDA:
                self._lambda(child, parameters, lambdas + 1)
            else:
                self.node(child, parameters, lambdas)

    def _lambda(self, node: Node, parameters: frozenset[str], lambdas: int) -> None:
        if node.get("syntax_type") != "LAMBDA_KEYWORD":
            raise self._refuse("write a lambda as lambda x: …, and not with an arrow")
        if lambdas > allowed.DEEPEST_LAMBDA:
            raise self._refuse(f"it has more than {allowed.DEEPEST_LAMBDA} lambdas in each other")
        given = _given(node["lhs"])
        for name in given:
            if not _PARAMETER.fullmatch(name) or name in KINDS or name == IMAGES:
                raise self._refuse(f"the parameter {name} of a lambda needs another name, such as x")
        self.node(node["expr"], parameters | frozenset(given), lambdas)


def _given(left: Node) -> list[str]:
    """The parameters of a lambda: a name, or ``row`` of names; an empty name for anything else."""
    items = list(_children(left)) if left.get("class") == "FUNCTION" else [left]
    return [
        item["column_names"][0] if item.get("class") == "COLUMN_REF" and len(item["column_names"]) == 1 else ""
        for item in items
    ]


def _children(value: Any) -> Iterator[Node]:
    """The nodes directly below ``value``, in order."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict) and "class" in item:
            yield item
        elif isinstance(item, dict | list):
            yield from _children(item)
