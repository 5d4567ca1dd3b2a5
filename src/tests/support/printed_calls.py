"""The calls that README.rst and the manual print: read out of the text, sent over a real socket, answers compared.

Everything is compared to the letter, but for what no two runs share: an id stands for one and the same id wherever it
is printed, and of cursors, request ids and the instants at which something was made only the place counts.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BLOCK = re.compile(r"\.\. code-block:: console\n\n((?:(?:    .*)?\n)+)")
_MEMBERS = re.compile(r'(["<](?:created|expires|at|request_id|next)(?:":"|>))[^"<]+')
_CURSOR = re.compile(r"(cursor=)[^&>]+")


@dataclass(frozen=True)
class Call:
    """A curl command line, and what the text prints below it; with ``-i`` that begins with status and headers."""

    words: list[str]
    printed: str

    def option(self, name: str, default: str = "") -> str:
        return self.words[self.words.index(name) + 1] if name in self.words else default

    @property
    def headers(self) -> dict[str, str]:
        given = [self.words[number + 1] for number, word in enumerate(self.words) if word == "-H"]
        return {name: value.strip() for name, _, value in (header.partition(":") for header in given)}

    @property
    def url(self) -> str:
        return next(word for word in self.words if word.startswith("http://"))


def calls(text: str) -> Iterator[Call]:
    """Give the curl calls of a page, in order."""
    for block in _BLOCK.findall(text):
        command, _, printed = re.sub(r"\\\n +", "", block).partition("\n")
        if command.strip().startswith("$ curl"):
            yield Call(shlex.split(command)[2:], re.sub("^    ", "", printed, flags=re.MULTILINE).strip())


class Session:
    """Plays calls one after the other; ``replaced`` are texts of the page, each with what it is here.

    ``headers`` are sent with each call, besides those of the page.
    """

    def __init__(self, caller: httpx.Client, replaced: dict[str, str], headers: dict[str, str] | None = None) -> None:
        self._caller, self._replaced, self._headers = caller, dict(replaced), headers or {}

    def send(self, call: Call) -> httpx.Response:
        """Send a call; gives the answer."""
        headers = self._headers | {name: self._here(value) for name, value in call.headers.items()}
        body = self._here(call.option("-d")).encode() or None
        default = "GET" if body is None else "POST"
        return self._caller.request(call.option("-X", default), self._here(call.url), headers=headers, content=body)

    def play(self, call: Call) -> None:
        """Send a call, and compare."""
        answer = self.send(call)
        head, _, body = call.printed.partition("\n\n") if "-i" in call.words else ("", "", call.printed)
        status, *headers = head.splitlines() or [""]
        # Not the words after the number, which differ between servers.
        assert not status or status.startswith(f"HTTP/1.1 {answer.status_code} "), answer.text
        for header in headers:
            name, _, value = header.partition(": ")
            self._compare(value, answer.headers[name])
        self._compare(_plain(body), _plain(answer.text))

    def _here(self, text: str) -> str:
        for told, real in self._replaced.items():
            text = text.replace(told, real)
        return text

    def _compare(self, told: str, real: str) -> None:
        for printed, made in zip(ID.findall(told), ID.findall(real), strict=False):
            if made not in self._replaced.values():
                self._replaced.setdefault(printed, made)
        assert _shape(self._here(told)) == _shape(real)


def _plain(body: str) -> str:
    """Write JSON without the blanks that only readers need; what is no JSON stays."""
    if body.startswith(("{", "[")):
        return json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
    return re.sub(r"\n *", "", body)


def _shape(text: str) -> str:
    return _CURSOR.sub(r"\1", _MEMBERS.sub(r"\1", text))
