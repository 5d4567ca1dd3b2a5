"""The commands' entry point: Ctrl-C and output errors are reported in one line, whenever they occur."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

RUN = "from invsys.chassis.cli import entry_point; entry_point.run('tiny', 'tiny_commands')"
INTERRUPT = "import os, signal; os.kill(os.getpid(), signal.SIGINT)\n"
PRINT = "def main():\n    print('x' * {size})\n    return {status}\n"


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"], autouse=True)
def buffering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", request.param)


def run(folder: Path, module: str, stdout: int | IO[Any] = subprocess.PIPE) -> tuple[int, str]:
    """Run a program whose commands are in ``module``; return its exit status and its standard error."""
    (folder / "tiny_commands.py").write_text(module)
    command = [sys.executable, "-c", RUN]
    done = subprocess.run(command, cwd=folder, stdout=stdout, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    "module",
    [
        INTERRUPT,
        f"def main():\n    {INTERRUPT}",
        f"def main():\n    print('x')\n    {INTERRUPT}",
        f"def main():\n    try:\n        {INTERRUPT}    finally:\n        print('x' * 100000)\n",
    ],
    ids=["while it loads", "in a command", "with output left", "with much output left"],
)
def test_an_interrupt_is_one_line_and_status_130(tmp_path: Path, module: str) -> None:
    assert run(tmp_path, module) == (130, "tiny: interrupted\n")


def test_an_interrupt_with_an_output_error_is_one_line_and_status_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "")
    with Path("/dev/full").open("w") as full:
        assert run(tmp_path, f"def main():\n    print('x')\n    {INTERRUPT}", full) == (130, "tiny: interrupted\n")


def test_a_second_interrupt_ends_the_program_without_a_traceback(tmp_path: Path) -> None:
    module = f"import atexit\n@atexit.register\ndef end():\n    {INTERRUPT}\n{INTERRUPT}"
    assert run(tmp_path, module) == (-signal.SIGINT, "tiny: interrupted\n")


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize("status", [0, 1])
def test_output_on_a_full_disk_is_one_line_and_status_2(tmp_path: Path, size: int, status: int) -> None:
    with Path("/dev/full").open("w") as full:
        message = "tiny: the output cannot be written: No space left on device\n"
        assert run(tmp_path, PRINT.format(size=size, status=status), full) == (2, message)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_on_a_full_disk_is_one_line_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    module = (
        "from invsys.chassis.cli.arguments import Parser\ndef main():\n    parser = Parser('tiny')\n"
        f"    parser.add_argument('--version', action='version', version='1')\n    parser.parse_args(['{word}'])\n"
    )
    with Path("/dev/full").open("w") as full:
        assert run(tmp_path, module, full) == (2, "tiny: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("size", [1, 100_000])
def test_output_to_a_closed_pipe_is_one_line_and_status_1(tmp_path: Path, size: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed_pipe:
        message = "tiny: the output cannot be written: Broken pipe\n"
        assert run(tmp_path, PRINT.format(size=size, status=0), closed_pipe) == (1, message)


CLOSED = """
import os
def main():
    descriptor = os.open(os.devnull, os.O_RDONLY)
    {statement}
    return 0 if descriptor > 2 else 9
"""


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("pass", (0, "")),
        ("import sys; sys.stdin.read()", (0, "")),
        ("print(1)", (2, "tiny: the output cannot be written: Bad file descriptor\n")),
    ],
)
def test_closed_streams_are_reopened_and_output_to_them_fails(
    tmp_path: Path, statement: str, expected: tuple[int, str]
) -> None:
    (tmp_path / "tiny_commands.py").write_text(CLOSED.format(statement=statement))
    command = ["/bin/sh", "-c", 'exec "$@" <&- >&-', "sh", sys.executable, "-c", RUN]
    done = subprocess.run(command, cwd=tmp_path, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.decode()) == expected


def test_an_error_of_a_file_is_one_line_with_its_name(tmp_path: Path) -> None:
    assert run(tmp_path, "def main():\n    open('/none/x')\n") == (2, "tiny: /none/x: No such file or directory\n")


def test_any_other_error_keeps_its_traceback(tmp_path: Path) -> None:
    status, message = run(tmp_path, "def main():\n    raise OSError('a bug')\n")
    assert (status, message.splitlines()[-1]) == (1, "OSError: a bug")


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("return None", (0, "")),
        ("return 1", (1, "")),
        ("raise SystemExit(7)", (7, "")),
        ("raise SystemExit('no')", (1, "no\n")),
    ],
)
def test_the_exit_status_is_that_of_main(tmp_path: Path, ending: str, expected: tuple[int, str]) -> None:
    assert run(tmp_path, f"def main():\n    {ending}\n") == expected
