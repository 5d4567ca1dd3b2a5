"""Invalid answers: they are refused in one sentence, before anything is baked."""

import subprocess
import sys
from pathlib import Path

import pytest
from baking import PROJECT, bake, copy
from cookiecutter.exceptions import FailedHookException


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"service": "class"}, "service: 2 to 14"),
        ({"service": "inventory"}, "service: the name inventory is already in use"),
        ({"service": "json"}, "service: the name json is already in use"),
        ({"resources": "pallet"}, "three different names"),
        ({"resources": "schemas"}, "no module of the service"),
        ({"resource": "shift", "resources": "session"}, "no module of the service"),
        ({"resources": "problems"}, "no module of the service"),
        ({"resource": "session"}, "resource: session is the name of a class"),
        ({"resource": "page_query"}, "resource: page_query is the name of a class"),
        ({"port": "5000"}, "port: 5000 is the port of another service"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(answer, message, tmp_path, capfd):
    with pytest.raises(FailedHookException):
        bake(tmp_path, **answer)
    assert message in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


WRONG = {
    "service": (
        ["Depot", "my-depot", "d", "d" * 15],
        "2 to 14 lower-case letters and digits, starting with a letter",
    ),
    "description": (['a "quoted" word', "x" * 61], "up to 60 characters, without quotes and %, \\, <, >, &"),
    "resource": (["Pallet", "two words"], "up to 14 lower-case letters, with _ between words"),
    "resources": (["Pallets", "a__b"], "up to 14 lower-case letters, with _ between words"),
    "author": (["nobody"], "NAME <ADDRESS>, as in debian/control"),
    "port": (["many", "80"], "four or five digits"),
}
CASES = [(question, answer, words) for question, (answers, words) in WRONG.items() for answer in answers]


# One answer to each question, because each case starts a process.
@pytest.mark.parametrize(("question", "answer", "words"), [(name, case[0][0], case[1]) for name, case in WRONG.items()])
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
def test_an_answer_of_a_wrong_form_is_refused_without_questions_too(question, answer, words, tmp_path):
    with pytest.raises(SystemExit) as exit_info:
        bake(tmp_path, **{question: answer})
    assert exit_info.value.code == f"{question}: {words}."
    assert list(tmp_path.iterdir()) == []


def test_a_template_without_its_repository_is_refused(tmp_path, capfd):
    # An archive without symbolic links contains the target of each link as text.
    copy(tmp_path / "archive")
    chassis = tmp_path / "archive/template/{{cookiecutter.service}}/src/{{cookiecutter.service}}/chassis"
    chassis.unlink()
    chassis.write_text("../../../../src/invsys/chassis")
    with pytest.raises(FailedHookException):
        bake(tmp_path / "baked", tmp_path / "archive")
    assert "bake from a clone of it" in capfd.readouterr().err
