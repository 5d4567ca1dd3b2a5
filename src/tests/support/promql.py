"""Finds what PromQL expressions refer to: metrics, their labels, and the values with which labels are compared."""

import re
from typing import NamedTuple

# Grafana's variable for the range of a rate, and the ranges of other expressions.
_RANGES = re.compile(r"\[[^\]\"]*\]|\boffset \w+")
_MATCHERS = r"\{(?:\"[^\"]*\"|[^}\"])*\}"
_SELECTOR = re.compile(rf"\"[^\"]*\"|([a-z_][a-z0-9_]*)\s*({_MATCHERS})?(\s*\()?", re.IGNORECASE)
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_MATCHER = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")
_OPERATORS = {"and", "or", "unless", "bool"}


class Reference(NamedTuple):
    """A metric, its labels in matchers, and the values that these compare: alternatives of a pattern are separate."""

    metric: str
    values: dict[str, list[str]]


def references(expression: str) -> list[Reference]:
    """Return the metrics to which an expression refers."""
    without_ranges = _GROUPING.sub("", _RANGES.sub("", expression))
    found = []
    for name, matchers, call in _SELECTOR.findall(without_ranges):
        if name and not call and name not in _OPERATORS:
            values = {label: value.split("|") for label, _, value in _MATCHER.findall(matchers)}
            found.append(Reference(name, values))
    return found


def grouping_labels(expression: str) -> set[str]:
    """Return the labels by which an expression groups or joins."""
    return {label.strip() for labels in _GROUPING.findall(expression) for label in labels.split(",")} - {""}
