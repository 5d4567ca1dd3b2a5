"""The figure that compares the service with its peers shows the stored results, as text, in light and dark colours."""

import json
from xml.etree import ElementTree as ET

from benchmarks.peers import figure
from benchmarks.peers.__main__ import FIGURE, RESULTS
from benchmarks.peers.systems import SYSTEMS

from tests.support.paths import PROJECT

SVG = "{http://www.w3.org/2000/svg}"


def test_the_figure_shows_the_stored_results():
    assert FIGURE.read_text() == figure.draw(json.loads(RESULTS.read_text()))


def test_the_text_of_the_figure_is_text_and_its_colours_follow_the_reader():
    root = ET.fromstring(FIGURE.read_text())
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {system.name for system in SYSTEMS} <= set(texts)
    assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "text"}


def test_the_readme_and_the_manual_show_the_figure():
    name = str(FIGURE.relative_to(PROJECT))
    assert name in (PROJECT / "README.rst").read_text()
    assert name.removeprefix("docs/source/") in (PROJECT / "docs/source/benchmarks.rst").read_text()


def test_the_service_has_no_double_bookings():
    results = json.loads(RESULTS.read_text())
    counts = {row["system"]: (row["double_bookings"], row["failures"]) for row in results["competition"]}
    assert counts["invsys"] == (0, 0)
