"""Lines of UTF-8 text from a file, of bounded length. Other common formats are recognised and refused."""

import codecs
from collections.abc import Callable, Iterator
from typing import IO

# Bytes in the longest line: enough for the longest vehicle or allocation of the API, with every character escaped.
MAX_LINE = 2**20
TOO_LONG = f"the line is longer than {MAX_LINE} bytes"
# Characters of a longer line that the report shows.
_EXCERPT = 200

# Messages about files that are not UTF-8 text, by the first bytes of the file.
_FORMATS = {
    b"PK\x03\x04": "an Excel workbook (.xlsx) or another ZIP archive; save it as 'CSV UTF-8 (comma delimited)'",
    b"\xd0\xcf\x11\xe0": "an Excel workbook (.xls); save it as 'CSV UTF-8 (comma delimited)'",
    b"\x1f\x8b": "compressed (gzip); decompress it first",
    b"BZh": "compressed (bzip2); decompress it first",
    b"\xfd7zXZ": "compressed (xz); decompress it first",
    b"\x28\xb5\x2f\xfd": "compressed (zstd); decompress it first",
    b"SQLite format 3\0": "a SQLite database; import the output of 'invsys-manage export' instead",
    b"PGDMP": "a PostgreSQL dump; import the output of 'invsys-manage export' instead",
    b"%PDF-": "a PDF document; save it as CSV",
    codecs.BOM_UTF32_LE: "UTF-32; save the file as UTF-8",
    codecs.BOM_UTF32_BE: "UTF-32; save the file as UTF-8",
    codecs.BOM_UTF16_LE: "UTF-16; save the file as UTF-8",
    codecs.BOM_UTF16_BE: "UTF-16; save the file as UTF-8",
}


class UnusableFile(Exception):
    """The file cannot be imported; the message contains the reason."""


class TruncatedLine(str):
    """The first characters of a line that is longer than MAX_LINE."""

    __slots__ = ()


def text_lines(source: IO[bytes], progress: Callable[[int], object] = lambda _: None) -> Iterator[str]:
    """Yield the lines with their line ends, without a byte order mark; call ``progress`` with the size of each.

    A line longer than MAX_LINE becomes a TruncatedLine. Raises UnusableFile if the file is not UTF-8 text.
    """
    number = 0
    while raw := _read(source):
        number += 1
        progress(len(raw))
        if number == 1:
            _require_text(raw)
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if len(raw) <= MAX_LINE:
            yield _decode(number, raw)
            continue
        yield TruncatedLine(raw.decode(errors="replace")[:_EXCERPT])
        while raw and not raw.endswith(b"\n"):
            raw = _read(source)
            progress(len(raw))


def _read(source: IO[bytes]) -> bytes:
    try:
        return source.readline(MAX_LINE + 1)
    except OSError as error:
        raise UnusableFile(f"cannot read the file: {error.strerror}") from error


def _require_text(raw: bytes) -> None:
    """Raise UnusableFile if the first line shows that the file is not UTF-8 text."""
    for beginning, description in _FORMATS.items():
        if raw.startswith(beginning):
            raise UnusableFile(f"line 1 is {description}")
    if b"\0" in raw:
        # ASCII in UTF-16: every second byte is 0.
        is_utf_16 = any(raw[0:100:2]) != any(raw[1:100:2])
        raise UnusableFile(
            "line 1 is UTF-16; save the file as UTF-8" if is_utf_16 else "line 1 is not text: it contains a NUL byte"
        )
    if b"\r" in raw.removesuffix(b"\r\n"):
        raise UnusableFile("line 1 ends with CR, as on old Macs; save the file with LF or CR LF line ends")


def _decode(number: int, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        guess = " (it looks like Windows-1252)" if _is_windows_1252(raw) else ""
        raise UnusableFile(f"line {number} is not UTF-8{guess}: save the file as UTF-8") from None


def _is_windows_1252(raw: bytes) -> bool:
    try:
        raw.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return True
