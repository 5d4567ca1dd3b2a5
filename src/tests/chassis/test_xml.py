"""JSON-like data as XML: well-formed for any names and values, without loss if XML can represent them."""

import re
from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from invsys.chassis.formats import xml
from tests.support.tables import table_driven

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner))
# strict_json refuses lone surrogates, so they need not be written.
PLAIN_TEXT = st.text(st.characters(min_codepoint=0x20, exclude_characters="\ufffe\uffff", exclude_categories=["Cs"]))


def parsed(data: Any, root: str = "car", **options: Any) -> ET.Element:
    return ET.fromstring(xml.dumps(data, root, **options))


def content(element: ET.Element) -> Any:
    """Return the data of an element with every value as text; ``item`` elements are the items of a list."""
    if len(element) == 0:
        return element.text or ""
    if all(child.tag == "item" for child in element):
        return [content(child) for child in element]
    return {child.get("key", child.tag): content(child) for child in element}


@given(VALUES)
def test_any_data_makes_well_formed_xml(data: Any) -> None:
    root = parsed(data)
    assert root.tag == ("cars" if isinstance(data, list) else "car")


@given(st.dictionaries(PLAIN_TEXT.filter(lambda name: name != "item"), PLAIN_TEXT, min_size=1))
def test_names_and_texts_are_read_back(data: dict[str, str]) -> None:
    assert content(parsed(data)) == data


@table_driven(
    ("data", "document"),
    [
        (None, "<car />"),
        (True, "<car>true</car>"),
        (False, "<car>false</car>"),
        (0, "<car>0</car>"),
        (1.5, "<car>1.5</car>"),
        (-(2**63), "<car>-9223372036854775808</car>"),
        ("", "<car />"),
        ("ä", "<car>ä</car>"),
        (" ", "<car> </car>"),
        ("<&>]]>\"'", "<car>&lt;&amp;&gt;]]&gt;\"'</car>"),
        ({}, "<car />"),
        ({"a": {}}, "<car><a /></car>"),
        ({"a": None}, "<car><a /></car>"),
        ({"a": [1, 2]}, "<car><a><item>1</item><item>2</item></a></car>"),
        ({"a": [[1], []]}, "<car><a><item><item>1</item></item><item /></a></car>"),
        ([], "<cars />"),
        ([{"a": 1}, {"a": 2}], "<cars><car><a>1</a></car><car><a>2</a></car></cars>"),
    ],
)
def test_data_is_written_with_its_own_names(data: Any, document: str) -> None:
    declaration, content = xml.dumps(data, "car").decode().split("\n", 1)
    assert (declaration, content) == ("<?xml version='1.0' encoding='utf-8'?>", document)


@table_driven("name", ["a", "_", "A1", "a-b", "a.b", "x_1", "item", "entry", "xmlns", "xml"])
def test_a_valid_xml_name_is_the_element(name: str) -> None:
    assert [child.tag for child in parsed({name: 1})] == [name]


@table_driven(
    "name", ["", " ", "1", "-a", ".a", "a b", "a:b", "{a}b", "é", "<", "a\n", "\t", "a/", "\U0001f697", '"', "&amp;"]
)
def test_an_invalid_xml_name_is_the_key_of_an_entry(name: str) -> None:
    [child] = parsed({name: "value"})
    assert (child.tag, child.attrib, child.text) == ("entry", {"key": name}, "value")


FORBIDDEN = [*map(chr, {*range(0x20)} - {0x9, 0xA, 0xD}), "\ud800", "\udfff", "\ufffe", "\uffff"]


@table_driven("character", FORBIDDEN)
def test_characters_that_xml_forbids_are_replaced(character: str) -> None:
    [child] = parsed({f"a {character}": f"{character}b"})
    assert (child.get("key"), child.text) == ("a \ufffd", "\ufffdb")


@table_driven("character", ["\t", "\n", "\r", "\x7f", "\x85", "\u2028", "\ue000", "\ufffd", "\U0010ffff"])
def test_characters_that_xml_allows_are_read_back(character: str) -> None:
    [child] = parsed({f"a {character}": f"{character}b{character}"})
    assert (child.get("key"), child.text) == (f"a {character}", f"{character}b{character}")


def test_a_namespace_applies_to_every_element() -> None:
    root = parsed({"a": [1], "b c": {"d": None}}, namespace="urn:x")
    assert {element.tag for element in root.iter()} == {f"{{urn:x}}{tag}" for tag in ("car", "a", "item", "entry", "d")}


def test_a_document_type_cannot_be_injected() -> None:
    document = xml.dumps({"<!DOCTYPE a>": "<!ENTITY b 'c'>&b;<?php ?><!--"}, "car").decode()
    assert not re.search(r"<[!?]", document.removeprefix("<?"))
