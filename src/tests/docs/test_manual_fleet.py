"""The manual for fleet staff names the buttons, fields, messages and keys that the page has."""

import re

from tests.support.paths import PROJECT

MANUAL = (PROJECT / "docs/source/fleet.rst").read_text()
UI = PROJECT / "src/invsys/inventory/ui"
PAGE = "\n".join(file.read_text() for file in [*UI.glob("static/*.js"), UI / "templates/shell.html"])


def test_the_page_has_every_label_and_message_in_the_manual():
    labels = {" ".join(label.split()) for label in re.findall(r"\*\*([^*]+)\*\*", MANUAL)}
    messages = set(re.findall(r'"([^"]+)"', " ".join(MANUAL.split())))
    # After a space, an ellipsis in the manual stands for a name or a time; "Hold for 15 min" is an example.
    parts = {part for text in labels | messages for part in re.split(" …| 15 min", text) if part}
    assert len(parts) > 40
    assert {part for part in parts if part not in PAGE} == set()


def test_the_manual_lists_every_key_of_the_page():
    keys = re.findall("<kbd>([^<]+)</kbd>", PAGE)
    listed = re.findall(r"^(\S.*?)  +\S", MANUAL.rpartition("Without the mouse")[2], re.MULTILINE)[1:]
    assert "Escape" in keys
    assert [key.replace("Alt+Shift+← Alt+Shift+→", "Alt+Shift+← →") for key in listed] == keys
