"""Names are converted to normal form C; those with invisible characters are refused."""

import re
import sys
import unicodedata

import pytest
from marshmallow import Schema, ValidationError, validate

from invsys.chassis import names
from invsys.chassis.names import METADATA, Name
from tests.support.tables import table_driven

COMPOSED, DECOMPOSED = "M\u00fcller", "Mu\u0308ller"
# Characters of Default_Ignorable_Code_Point outside the categories Cf, Zl and Zp.
IGNORABLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef"


class NamedSchema(Schema):
    name = Name(validate=[validate.Length(1, 36), *names.VALIDATORS])


def load(name: str) -> str:
    loaded: str = NamedSchema().load({"name": name})["name"]
    return loaded


@pytest.mark.parametrize("name", [COMPOSED, DECOMPOSED])
def test_names_are_loaded_in_normal_form_c(name: str) -> None:
    assert load(name) == COMPOSED


def test_the_length_is_that_of_the_normal_form() -> None:
    assert load("u\u0308" * 36) == "\u00fc" * 36
    with pytest.raises(ValidationError):
        load("\u0958" * 19)  # two characters in normal form C


def test_no_character_replaces_more_than_four() -> None:
    everything = map(chr, range(sys.maxunicode + 1))
    assert max(len(unicodedata.normalize("NFD", one)) for one in everything) == 4


def test_only_a_text_that_could_be_short_enough_is_normalized() -> None:
    four = "\u03b1\u0313\u0300\u0345"
    assert names.normalize(four * 128) == "\u1f82" * 128
    # A text like this one of 64 KB takes 12 seconds to normalize.
    text = "\u0301" * 257 + "\u0316" * 256
    assert names.normalize(text) == text != unicodedata.normalize("NFC", text)
    with pytest.raises(ValidationError):
        load(text)


@pytest.mark.parametrize("name", [COMPOSED, DECOMPOSED])
def test_spellings_has_the_composed_and_the_decomposed_form(name: str) -> None:
    assert names.spellings(name) == {COMPOSED, DECOMPOSED}


def test_an_ascii_name_has_one_spelling() -> None:
    assert names.spellings("Car1") == {"Car1"}


def invisible_characters() -> list[str]:
    everything = map(chr, range(sys.maxunicode + 1))
    return [one for one in everything if unicodedata.category(one) in {"Cc", "Cf", "Zl", "Zp"}] + list(IGNORABLE)


def test_invisible_characters_are_refused_by_the_field_and_by_the_pattern() -> None:
    for character in invisible_characters():
        name = f"a{character}b"
        # The pattern leaves out the characters that not every reader of JSON schemas can express.
        assert character > "\uffff" or not re.search(METADATA["pattern"], name), ascii(name)
        with pytest.raises(ValidationError, match=r"(Control|Invisible) characters are not allowed"):
            load(name)


def test_the_message_contains_the_code_point() -> None:
    with pytest.raises(ValidationError, match=r"Invisible characters are not allowed: U\+200B\."):
        load("Car\u200b1")


@table_driven("name", ["Car1", COMPOSED, "a b", "\u0628\u0631", "\u540d", "\U0001f697", "a\u0301"])
def test_visible_names_are_accepted_by_the_field_and_by_the_pattern(name: str) -> None:
    assert re.search(METADATA["pattern"], name)
    assert load(name) == unicodedata.normalize("NFC", name)
