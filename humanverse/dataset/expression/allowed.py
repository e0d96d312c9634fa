"""What an expression may be made of: everything else is refused, also what a later DuckDB brings.

Each of these gives the same answer whenever and wherever it is asked, reads nothing but its arguments, and its result is
hardly larger than they are: joining, repeating, replacing and ranges are left out, so that a short text cannot fill the memory.
"""

from __future__ import annotations

NODES: dict[str, frozenset[str]] = {
    "COLUMN_REF": frozenset({"COLUMN_REF"}),
    "CONSTANT": frozenset({"VALUE_CONSTANT"}),
    "COMPARISON": frozenset(
        {
            "COMPARE_EQUAL",
            "COMPARE_NOTEQUAL",
            "COMPARE_LESSTHAN",
            "COMPARE_GREATERTHAN",
            "COMPARE_LESSTHANOREQUALTO",
            "COMPARE_GREATERTHANOREQUALTO",
            "COMPARE_DISTINCT_FROM",
            "COMPARE_NOT_DISTINCT_FROM",
        }
    ),
    "BETWEEN": frozenset({"COMPARE_BETWEEN", "COMPARE_NOT_BETWEEN"}),
    "CONJUNCTION": frozenset({"CONJUNCTION_AND", "CONJUNCTION_OR"}),
    "OPERATOR": frozenset(
        {
            "OPERATOR_NOT",
            "OPERATOR_IS_NULL",
            "OPERATOR_IS_NOT_NULL",
            "OPERATOR_COALESCE",
            "OPERATOR_NULLIF",
            "COMPARE_IN",
            "COMPARE_NOT_IN",
            "ARRAY_EXTRACT",
            "ARRAY_SLICE",
            "STRUCT_EXTRACT",
        }
    ),
    "CASE": frozenset({"CASE_EXPR"}),
    "CAST": frozenset({"OPERATOR_CAST"}),
    "TYPE": frozenset({"TYPE"}),
    "FUNCTION": frozenset({"FUNCTION"}),
    "LAMBDA": frozenset({"LAMBDA"}),
}
"""Class of a node of DuckDB's syntax tree -> its types."""

_ARITHMETIC = """
+ - * / // % ** ^ & | ~ << >> @ abs sign ceil ceiling floor round trunc mod pow power sqrt cbrt exp ln log log2 log10
sin cos tan asin acos atan atan2 degrees radians pi greatest least isnan isinf isfinite bit_count xor if nullif
"""
_TEXT = """
~~ !~~ ~~* !~~* ~~~ ^@ like_escape not_like_escape ilike_escape not_ilike_escape regexp_matches regexp_full_match
regexp_extract contains starts_with ends_with prefix suffix position strpos instr lower upper lcase ucase len length strlen
char_length trim ltrim rtrim left right substr substring strip_accents string_split str_split split reverse
"""
_LISTS = """
len array_length list_extract list_element array_extract list_slice array_slice list_contains list_has list_has_any
list_has_all list_position list_max list_min list_sum list_avg list_median list_count list_product list_stddev_pop list_var_pop
list_bool_and list_bool_or list_first list_last list_any_value list_sort list_reverse_sort list_reverse list_distinct
list_unique
"""
_DATES = "year month day date_part"

WITH_LAMBDA = frozenset({"list_filter", "list_transform"})
"""Functions that take ``lambda x: …`` or ``lambda x, i: …``."""
LIST = "list_value"
"""``[a, b]``; not inside a lambda, where it would make a list of lists, and that one of more lists, at little cost in text."""
FUNCTIONS = frozenset({*_ARITHMETIC.split(), *_TEXT.split(), *_LISTS.split(), *_DATES.split(), *WITH_LAMBDA, LIST})
TYPES = frozenset(
    [
        "BOOLEAN",
        "BOOL",
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "INT",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
        "FLOAT",
        "REAL",
        "DOUBLE",
        "DECIMAL",
        "NUMERIC",
        "VARCHAR",
        "TEXT",
        "STRING",
        "DATE",
        "TIMESTAMP",
        "LIST",
    ]
)
"""Types that a cast may name; those with a time zone mean something else elsewhere."""

LONGEST = 4000
"""Characters of one expression."""
DEEPEST_LAMBDA = 2
"""Lambdas in each other; each level multiplies the work by the length of a list."""
