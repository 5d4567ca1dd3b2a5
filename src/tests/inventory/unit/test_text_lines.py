"""The lines of an import file: they are UTF-8 texts of limited length; an error names the format of any other file."""

import codecs
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from invsys.inventory.transfer import reader
from invsys.inventory.transfer.text_lines import MAX_LINE, TruncatedLine, UnusableFile, text_lines
from tests.support.tables import table_driven

HEADER = "resource_type,name\n"


def lines(raw: bytes) -> list[str]:
    return list(text_lines(io.BytesIO(raw)))


@table_driven(
    ("raw", "message"),
    [
        (b"PK\x03\x04\x14\0", "line 1 is an Excel workbook (.xlsx)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "line 1 is an Excel workbook (.xls)"),
        (b"\x1f\x8b\x08\0", "line 1 is compressed (gzip)"),
        (b"BZh91AY", "line 1 is compressed (bzip2)"),
        (b"\xfd7zXZ\0", "line 1 is compressed (xz)"),
        (b"(\xb5/\xfd\x04", "line 1 is compressed (zstd)"),
        (b"SQLite format 3\0\x10", "line 1 is a SQLite database"),
        (b"PGDMP\x01", "line 1 is a PostgreSQL dump"),
        (b"%PDF-1.7\n", "line 1 is a PDF document"),
        (HEADER.encode("utf-16"), "line 1 is UTF-16"),
        (codecs.BOM_UTF16_BE + HEADER.encode("utf-16-be"), "line 1 is UTF-16"),
        (HEADER.encode("utf-16-le"), "line 1 is UTF-16"),
        (HEADER.encode("utf-16-be"), "line 1 is UTF-16"),
        (HEADER.encode("utf-32"), "line 1 is UTF-32"),
        (b"\x7fELF\x02\x01\0\0", "line 1 is not text"),
        (b"\0" * 1000, "line 1 is not text"),
        (HEADER.encode().replace(b"\n", b"\r"), "line 1 ends with CR, as on"),
        (b"a\rb\r\n", "line 1 ends with CR, as on"),
        (HEADER.encode() + b"cars,A\ncars,M\xfcller\n", "line 3 is not UTF-8 (it looks like Windows-1252)"),
        (b'{"resource_type": "cars", "name": "M\xfc"}\n', "line 1 is not UTF-8 (it looks like Windows-1252)"),
        (HEADER.encode() + b"cars,\x8f\x9d\n", "line 2 is not UTF-8: save the file as UTF-8"),
    ],
)
def test_a_file_in_another_format_is_refused_by_the_name_of_the_format(raw: bytes, message: str) -> None:
    with pytest.raises(UnusableFile) as exc_info:
        lines(raw)
    assert str(exc_info.value).startswith(message)
    assert "\n" not in str(exc_info.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_keep_their_line_ends_but_not_the_byte_order_mark(end: str) -> None:
    text = f"\ufeffä{end}{end}b\r\nc"
    assert lines(text.encode()) == [f"ä{end}", end, "b\r\n", "c"]


@table_driven("size", [MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE, 3 * MAX_LINE + 2])
def test_only_the_beginning_of_an_overlong_line_is_returned(size: int) -> None:
    cut, after = lines(b"x" * size + b"\nafter\n")
    assert isinstance(cut, TruncatedLine)
    assert len(cut) < 1000
    assert after == "after\n"


def test_a_line_of_the_maximum_length_is_returned_completely() -> None:
    longest = "x" * (MAX_LINE - 1) + "\n"
    assert lines(longest.encode() * 2) == [longest] * 2


def contents(file: str, source: io.BufferedIOBase) -> list[reader.Line]:
    return list(reader.contents(file, source, lambda _: None).lines)  # type: ignore[arg-type] - no IO[bytes]


class Endless(io.RawIOBase):
    """A binary source that returns a prefix, then a line of 100 MiB, which it generates while it is read."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self._remaining = 100 * 2**20

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override] - of what BufferedReader hands over
        part = self._beginning[: len(buffer)] or b"x" * min(self._remaining, len(buffer))
        self._beginning = self._beginning[len(part) :]
        self._remaining -= len(part)
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize(
    ("file", "beginning"),
    [
        ("in.csv", HEADER.encode()),
        ("in.csv", HEADER.encode() + b'cars,"'),
        ("in.csv", HEADER.encode() + b'cars,"a\n'),
        ("in.jsonl", b'{"name": "'),
    ],
)
def test_an_endless_line_is_refused_with_little_memory(file: str, beginning: bytes) -> None:
    tracemalloc.start()
    read = contents(file, io.BufferedReader(Endless(beginning)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 2**20
    assert read[-1].error == f"the line is longer than {MAX_LINE} bytes"


@table_driven(
    ("cell", "error"),
    [
        ("\n" * 2000 + '"', "a quotation mark is not closed"),
        ("x" * 150_000 + '"', "a cell with more than 131072 characters"),
        (("x" * 99_999 + '\n","') * 20 + '"', "a quotation mark is not closed"),
    ],
)
def test_a_record_that_is_too_long_is_refused(cell: str, error: str) -> None:
    read = contents("in.csv", io.BytesIO(f'{HEADER}cars,"{cell}\n'.encode()))
    assert read[0].error == error


@pytest.mark.parametrize("write", [Path.mkdir, lambda path: None])
def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "in.csv")
    with pytest.raises(UnusableFile, match=r"Is a directory|No such file or directory"):
        reader.open_file(str(tmp_path / "in.csv"))
