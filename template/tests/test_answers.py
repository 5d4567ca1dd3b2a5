"""Answers that could not be baked are refused in a sentence, before anything is."""

import pytest
from baking import bake, copy
from cookiecutter.exceptions import FailedHookException


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"service": "Depot"}, "service: 2 to 14"),
        ({"service": "my-depot"}, "service: 2 to 14"),
        ({"service": "class"}, "service: 2 to 14"),
        ({"service": "inventory"}, "service: inventory is another one's name"),
        ({"service": "json"}, "service: json is another one's name"),
        ({"resource": "Pallet"}, "resource: up to 14"),
        ({"resources": "pallet"}, "three names"),
        ({"resources": "models"}, "none that a module"),
        ({"resources": "problems"}, "none that a module"),
        ({"resource": "session"}, "resource: session is the name of a class"),
        ({"resource": "page_query"}, "resource: page_query is the name of a class"),
        ({"author": "nobody"}, "author: NAME <ADDRESS>"),
        ({"port": "5000"}, "port: 5000 is another service's"),
        ({"port": "many"}, "port: four or five"),
        ({"description": 'a "quoted" word'}, "description: up to 60"),
    ],
)
def test_it_is_refused(answer, told, tmp_path, capfd):
    with pytest.raises(FailedHookException):
        bake(tmp_path, **answer)
    assert told in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_template_without_its_repository_is_refused(tmp_path, capfd):
    # An archive that knows no links has their targets as text.
    copy(tmp_path / "archive")
    chassis = tmp_path / "archive/template/{{cookiecutter.service}}/src/{{cookiecutter.service}}/chassis"
    chassis.unlink()
    chassis.write_text("../../../../src/invsys/chassis")
    with pytest.raises(FailedHookException):
        bake(tmp_path / "baked", tmp_path / "archive")
    assert "bake from a clone of that" in capfd.readouterr().err
