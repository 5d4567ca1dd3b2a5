"""Runs the curl commands in README.rst and the manual over a real socket, and compares the responses with the text.

A page prints each command in a separate block (``code-block:: shell``), without a prompt, so that readers can paste it.
The block directly below it (``json``, ``http`` or ``xml``) is the response; without one, the body is empty.
``NAME=$(curl ... | cut -d '"' -f 4)`` stores the id of a response, or another field, and ``$NAME`` inserts it.

Responses are compared literally, with two exceptions: each id on the page stands for one id of the test, and cursors,
request ids and timestamps that the service sets may have any value.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from string import Template

import httpx2

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BODY = r"\n\n((?:(?:    .*)?\n)+)"
_COMMAND = re.compile(rf"\.\. code-block:: shell{_BODY}(?:\.\. code-block:: (?:json|http|xml){_BODY})?")
_ASSIGNMENT = re.compile(r"""(\w+)=\$\((curl .+) \| cut -d '"' -f ([1-9])\)""")
# Group 1 is the text between single quotes, in which the shell expands no variables; double quotes are skipped.
_SINGLE_QUOTED = re.compile(r"""'([^']*)'|"(?:\\.|[^"\\])*\"""")
_MEMBERS = re.compile(r'(["<](?:created|expires|at|request_id|next)(?:":"|>))[^"<]+')
_CURSOR = re.compile(r"((?:cursor|after)=)[^&>]+")


@dataclass(frozen=True)
class Call:
    """A curl command, and the response that the page prints; with ``-i``, it includes the status line and headers.

    ``variable`` is the shell variable in which the page stores a field of the response, or empty. ``field`` is the
    number of this field, from 1.
    """

    words: list[str]
    printed: str
    variable: str = ""
    field: int = 0

    def option(self, name: str, default: str = "") -> str:
        return self.words[self.words.index(name) + 1] if name in self.words else default

    @property
    def headers(self) -> dict[str, str]:
        headers = [self.words[number + 1] for number, word in enumerate(self.words) if word == "-H"]
        return {name: value.strip() for name, _, value in (header.partition(":") for header in headers)}

    @property
    def url(self) -> str:
        return next(word for word in self.words if word.startswith("http://"))


def calls(text: str) -> Iterator[Call]:
    """Yield the curl calls of a page, in order."""
    for block, printed in _COMMAND.findall(text):
        command = re.sub(r"\\\n +", "", block).strip()
        assignment = _ASSIGNMENT.fullmatch(command)
        variable, command, field = assignment.groups() if assignment else ("", command, "0")
        if command.startswith("curl "):
            assert "\n" not in command, f"one command in a block: {command}"
            assert "$" not in "".join(_SINGLE_QUOTED.findall(command)), f"$ is not expanded there: {command}"
            response = re.sub("^    ", "", printed, flags=re.MULTILINE).strip()
            yield Call(shlex.split(command)[1:], response, variable, int(field))


class Session:
    """Executes calls one after another.

    ``addresses`` maps the addresses of the page to those of the test. ``headers`` are sent with each call, in addition
    to those of the page. ``variables`` are shell variables that the page sets with a command other than curl.
    """

    def __init__(
        self,
        client: httpx2.Client,
        addresses: dict[str, str],
        headers: dict[str, str] | None = None,
        variables: dict[str, str] | None = None,
    ) -> None:
        self._client, self._addresses = client, addresses
        self._headers, self._variables = headers or {}, dict(variables or {})
        self._ids: dict[str, str] = {}

    def send(self, call: Call) -> httpx2.Response:
        """Send a call and return the response."""
        headers = self._headers | {name: self._expanded(value) for name, value in call.headers.items()}
        body = self._expanded(call.option("-d")).encode() or None
        default = "GET" if body is None else "POST"
        return self._client.request(call.option("-X", default), self._url(call), headers=headers, content=body)

    def run_call(self, call: Call) -> None:
        """Send a call; compare the response with the printed one, or store a field if the call sets a variable."""
        response = self.send(call)
        if call.variable:
            # The same as `cut -d '"' -f N` in the printed command.
            self._variables[call.variable] = response.text.split('"')[call.field - 1]
            return
        head, _, body = call.printed.partition("\n\n") if "-i" in call.words else ("", "", call.printed)
        status, *headers = head.splitlines() or [""]
        # Without the reason phrase, which differs between servers.
        assert not status or status.startswith(f"HTTP/1.1 {response.status_code} "), response.text
        for header in headers:
            name, _, value = header.partition(": ")
            self._compare(value, response.headers[name])
        self._compare(_compact(body), _compact(response.text))

    def _url(self, call: Call) -> str:
        url = self._expanded(call.url)
        for printed, real in self._addresses.items():
            url = url.replace(printed, real)
        return url

    def _expanded(self, text: str) -> str:
        return Template(text).substitute(self._variables)

    def _compare(self, printed: str, real: str) -> None:
        for printed_id, real_id in zip(ID.findall(printed), ID.findall(real), strict=False):
            if real_id not in self._ids.values():
                self._ids.setdefault(printed_id, real_id)
        for printed_id, real_id in self._ids.items():
            printed = printed.replace(printed_id, real_id)
        assert _comparable(printed) == _comparable(real)


def _compact(body: str) -> str:
    """Return JSON in compact form, and any other text without line breaks and indentation."""
    if body.startswith(("{", "[")):
        return json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
    return re.sub(r"\n *", "", body)


def _comparable(text: str) -> str:
    return _CURSOR.sub(r"\1", _MEMBERS.sub(r"\1", text))
