"""Answers that could not be baked are refused in a sentence, before anything is."""

import subprocess
import sys
from pathlib import Path

import pytest
from baking import PROJECT, bake, copy
from cookiecutter.exceptions import FailedHookException


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"service": "class"}, "service: 2 to 14"),
        ({"service": "inventory"}, "service: inventory is another one's name"),
        ({"service": "json"}, "service: json is another one's name"),
        ({"resources": "pallet"}, "three names"),
        ({"resources": "schemas"}, "none that a module"),
        ({"resource": "shift", "resources": "session"}, "none that a module"),
        ({"resources": "problems"}, "none that a module"),
        ({"resource": "session"}, "resource: session is the name of a class"),
        ({"resource": "page_query"}, "resource: page_query is the name of a class"),
        ({"port": "5000"}, "port: 5000 is another service's"),
    ],
)
def test_it_is_refused(answer, told, tmp_path, capfd):
    with pytest.raises(FailedHookException):
        bake(tmp_path, **answer)
    assert told in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


WRONG = {
    "service": (
        ["Depot", "my-depot", "d", "d" * 15],
        "2 to 14 small letters and digits, a letter first: it names packages",
    ),
    "description": (['a "quoted" word', "x" * 61], "up to 60 characters, without quotes and %, \\, <, >, &"),
    "resource": (["Pallet", "two words"], "up to 14 small letters, _ between words: it names classes"),
    "resources": (["Pallets", "a__b"], "up to 14 small letters, _ between words: it names a table"),
    "author": (["nobody"], "NAME <ADDRESS>, as Debian writes it"),
    "port": (["many", "80"], "four or five digits"),
}
CASES = [(question, answer, words) for question, (answers, words) in WRONG.items() for answer in answers]


@pytest.mark.parametrize(("question", "answer", "words"), CASES)
def test_an_answer_of_a_wrong_form_is_refused_before_the_next_question(question, answer, words, tmp_path):
    answers = [*("" for _ in range(list(WRONG).index(question))), answer]
    command = [Path(sys.executable).with_name("cookiecutter"), "--default-config", PROJECT, "--directory", "template"]
    done = subprocess.run(
        command, cwd=tmp_path, input="\n".join(answers) + "\n", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"{question}: {words}.\n")
    assert done.stdout.count("/6]") == len(answers)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("question", "answer", "words"), CASES)
def test_it_is_refused_without_questions_too(question, answer, words, tmp_path):
    with pytest.raises(SystemExit) as ended:
        bake(tmp_path, **{question: answer})
    assert ended.value.code == f"{question}: {words}."
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
