"""The word check, docs/plain_words.py, on small trees of files."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "docs/plain_words.py"
# Prose without marked words, so long that a single marked word stays below the limit.
PLAIN = "Return the periods in which a vehicle is free. " * 50


@pytest.fixture(scope="module")
def plain_words():
    spec = importlib.util.spec_from_file_location("plain_words", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def check(plain_words, tmp_path, monkeypatch, capsys):
    """Return a function that writes files, checks them, and returns the status and the printed lines."""
    monkeypatch.chdir(tmp_path)

    def check(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return plain_words.main(), capsys.readouterr().out.splitlines()

    return check


def places(lines):
    return [line for line in lines if not line.startswith(("code: ", "tests: ", "manual: "))]


def test_plain_files_pass_and_the_counts_are_printed(check):
    status, lines = check(
        {
            "src/invsys/cars.py": '"""Cars of a fleet."""\n\nNUMBER = 1  # the first car\n',
            "src/tests/test_cars.py": "# Cars are registered.\n",
            "README.rst": "InvSys\n======\n\nAn inventory.\n",
        }
    )
    assert status == 0
    assert lines == [
        "code: 7 words, 0.0 marked in 1,000; 0 docstrings begin with Give; 0.0 participles in 1,000 lines",
        "tests: 3 words, 0.0 marked in 1,000; 0 docstrings begin with Give; 0.0 participles in 1,000 lines",
        "manual: 3 words, 0.0 marked in 1,000",
    ]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("src/invsys/a.py", '"""Cars, whoever asks."""\n', "src/invsys/a.py:1: whoever"),
        ("src/invsys/a.py", 'def f():\n    """Cars.\n\n    Once more.\n    """\n', "src/invsys/a.py:4: Once more"),
        ("src/invsys/a.py", 'class A:\n    """Cars that are told."""\n', "src/invsys/a.py:2: told"),
        ("src/invsys/a.py", "NUMBER = 1  # in the way\n", "src/invsys/a.py:1: in the way"),
        ("src/invsys/a.py", "# A car that stands in\n# force by itself.\n", "src/invsys/a.py:1: in force"),
        ("src/invsys/inventory/a.py", "# beside\n", "src/invsys/inventory/a.py:1: beside"),
        ("src/tests/test_a.py", "# Somebody.\n", "src/tests/test_a.py:1: Somebody"),
        ("benchmarks/a.py", "# nobody\n", "benchmarks/a.py:1: nobody"),
        ("template/tests/test_a.py", "# meanwhile\n", "template/tests/test_a.py:1: meanwhile"),
        ("docs/source/a.rst", "Cars\n\n    say it.\n", "docs/source/a.rst:3: say"),
        ("CONTRIBUTING.rst", "It is\nlooked at.\n", "CONTRIBUTING.rst:1: is looked"),
    ],
)
def test_a_marked_word_is_listed_with_its_place(check, name, text, place):
    status, lines = check({name: text})
    assert status == 1
    assert place in places(lines)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("src/invsys/a.py", 'NOBODY = "nobody"\n'),
        ("src/invsys/a.py", "#!/usr/bin/tell\n"),
        ("src/invsys/a.py", "# The owner ``nobody``, if the other one is None.\n"),
        ("src/invsys/a.py", "# The hold of a standstill.\n"),
        ("README.rst", "Never twice, whatever the load,\nthe fault or the caller.\n"),
        ("README.rst", "A call::\n\n    tell nobody\n\n    told\n\nPlain.\n"),
        ("README.rst", ".. code-block:: python\n\n    tell(nobody)\n"),
        ("README.rst", "* A call::\n\n      tell nobody\n\n  Plain.\n"),
        ("README.rst", "What a vehicle is, what is free, and what has changed.\n"),
    ],
)
def test_code_and_exempt_words_are_not_counted(check, name, text):
    status, lines = check({name: text})
    assert (status, places(lines)) == (0, [])


def test_the_text_after_a_literal_block_is_counted(check):
    _, lines = check({"README.rst": "A call::\n\n    curl\n\nNobody.\n.. note::\n\n    Told.\n"})
    assert places(lines) == ["README.rst:5: Nobody", "README.rst:8: Told"]


def test_marked_words_below_the_limit_pass(check):
    status, lines = check({"README.rst": f"{PLAIN}nobody"})
    assert (status, places(lines)) == (0, [])
    assert lines[-1] == "manual: 451 words, 2.2 marked in 1,000"


@pytest.mark.parametrize("word", ["Give", "Gives"])
def test_no_docstring_begins_with_give(check, word):
    status, lines = check({"src/invsys/a.py": f'def f():\n    """{word} the car."""\n# {PLAIN}\n'})
    assert (status, places(lines)) == (1, ["src/invsys/a.py:2: Give"])


@pytest.mark.parametrize(
    "line",
    ["made = 1", "for made in (): ...", "def f(made): ...", "f = lambda *, made: made", "with open('') as made: ..."],
)
def test_a_name_that_is_a_participle_is_listed(check, line):
    status, lines = check({"src/invsys/a.py": f"\n{line}\n"})
    assert (status, places(lines)) == (1, ["src/invsys/a.py:2: made"])


def test_reading_such_a_name_and_names_that_contain_it_pass(check):
    status, lines = check({"src/invsys/a.py": "made_by = 1\nprint(made, self.made)\n"})
    assert (status, places(lines)) == (0, [])


def test_one_participle_in_a_thousand_lines_passes(check):
    status, lines = check({"src/invsys/a.py": "made = 1\n" + "\n" * 999})
    assert (status, places(lines)) == (0, [])


def test_a_file_behind_a_link_is_read_once(check, tmp_path):
    (tmp_path / "template/tests").mkdir(parents=True)
    (tmp_path / "src/tests").mkdir(parents=True)
    (tmp_path / "template/tests/linked.py").symlink_to("../../src/tests/test_a.py")
    _, lines = check({"src/tests/test_a.py": "# nobody\n"})
    assert places(lines) == ["src/tests/test_a.py:1: nobody"]


def test_the_program_exits_with_the_status(tmp_path):
    (tmp_path / "README.rst").write_text("Told.\n")
    result = subprocess.run([sys.executable, PROGRAM], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.startswith("README.rst:1: Told\n")
