"""Parses the HTML page of the inventory."""

from html.parser import HTMLParser

from werkzeug.test import TestResponse


class Page(HTMLParser):
    """The parsed page: elements, text, cells of each table row, bars with their titles, and times.

    The header row, the title of the page and its first time are omitted.
    """

    def __init__(self, response: TestResponse) -> None:
        assert (response.status_code, response.mimetype) == (200, "text/html"), response.text
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.bars: list[dict[str, str | None]] = []
        self.titles: list[str] = []
        self.times: list[str | None] = []
        self.text = ""
        self._in_title = self._in_cell = False
        self.feed(response.text)
        del self.rows[:1], self.titles[:1], self.times[:1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        match tag:
            case "tr":
                self.rows.append([])
            case "th" | "td":
                self.rows[-1].append("")
                self._in_cell = True
            case "rect":
                self.bars.append(dict(attrs))
            case "title":
                self.titles.append("")
            case "time":
                self.times.append(dict(attrs)["datetime"])
        self._in_title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        self._in_title = self._in_title and tag != "title"
        self._in_cell = self._in_cell and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.titles[-1] += data
            return
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data

    @property
    def names(self) -> list[str]:
        return [row[0] for row in self.rows]

    def attribute(self, tag: str, name: str, /, **required: str) -> list[str | None]:
        return [at[name] for kind, at in self.elements if kind == tag and name in at and required.items() <= at.items()]
