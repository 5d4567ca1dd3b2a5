"""The fleet page in a browser: what a user sees and does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Request, Route, expect

from tests.support.waiting import SECONDS, until

# The hours of this day have the same numbers in London and in UTC.
DAY = "day=2099-03-02&span=1"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

# Messages disappear after 8 or 15 seconds, which a test on a busy machine may need to reach their buttons.
_KEEP_MESSAGES = """
const plan = window.setTimeout;
window.setTimeout = (work, delay, ...rest) => plan(work, [8000, 15000].includes(delay) ? 10 * delay : delay, ...rest);
"""
# A browser with its own clock waits for responses by the real clock: a test that lets time pass would otherwise end the
# requests that are under way.
_KEEP_TIMEOUT = "window.realTimeout = AbortSignal.timeout.bind(AbortSignal);"
_USE_REAL_TIMEOUT = "AbortSignal.timeout = window.realTimeout;"
# The page waits 10 seconds for a response, which a busy machine may exceed.
_WAIT_LONGER = "const limit = AbortSignal.timeout; AbortSignal.timeout = (ms) => limit.call(AbortSignal, 12 * ms);"
# Milliseconds after which Playwright gives up.
PATIENCE = SECONDS * 1000
# The header that makes each kind of write safe to repeat.
_SAFE = {"POST": "idempotency-key", "PATCH": "if-match", "DELETE": "if-match"}


def stored(client: FlaskClient, vehicle: str) -> list[tuple[str, str, str, str | None]]:
    """Return the period, the type and the description of each allocation of a vehicle, without the date."""
    return [
        (
            (row["from_datetime"] or "")[11:16],
            (row["to_datetime"] or "")[11:16],
            row["allocation_type"],
            row["description"],
        )
        for row in client.get(f"{vehicle}/allocations").json
    ]


class FleetPage:
    """A page with the timeline.

    ``failures`` are the exceptions, the errors in its console, and the writes that are not safe to repeat; ``writes``
    are the requests that change something.
    """

    def __init__(self, context: BrowserContext, base: str, key: str | None, has_clock: bool = False) -> None:
        self.context, self.base = context, base
        self.failures: list[str] = []
        self.writes: list[Request] = []
        context.set_default_timeout(PATIENCE)
        self.page = context.new_page()
        if has_clock:
            self.page.add_init_script(_KEEP_TIMEOUT)
            self.page.clock.install()
            self.page.add_init_script(_USE_REAL_TIMEOUT)
        self.page.add_init_script(_WAIT_LONGER)
        self.page.add_init_script(_KEEP_MESSAGES)
        if key is not None:
            self.page.add_init_script(f"sessionStorage.setItem('invsys-key', '{key}')")
        self.page.on("pageerror", lambda error: self.failures.append(str(error.stack or error)))
        self.page.on("console", self._read_console)
        self.page.on("request", self._read_request)

    def _read_request(self, request: Request) -> None:
        if request.method not in _SAFE:
            return
        self.writes.append(request)
        if _SAFE[request.method] not in request.headers:
            self.failures.append(f"{request.method} {request.url} without {_SAFE[request.method]}")

    def _read_console(self, message: ConsoleMessage) -> None:
        # The browser itself reports each response with an error status.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.failures.append(message.text)

    def close(self) -> None:
        """Close the browser; requests that a handler is answering meanwhile may fail."""
        self.page.unroute_all(behavior="ignoreErrors")
        self.context.close()

    def go(self, query: str = "") -> None:
        """Open a view."""
        self.page.goto(f"{self.base}/?{query}")

    def find(self, selector: str, **options: Any) -> Locator:
        return self.page.locator(selector, **options)

    def row(self, name: str) -> Locator:
        """The row of a vehicle."""
        return self.find(".row", has=self.page.get_by_role("button", name=name, exact=True))

    def bars(self, name: str) -> Locator:
        return self.row(name).locator("button.bar")

    @property
    def panel(self) -> Locator:
        return self.find("#panel")

    def shows(self, text: str) -> None:
        """Wait until a text is visible."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def is_back(self) -> None:
        """Wait until the service responds again; the page says so for 4 seconds."""
        expect(self.find("#connection")).to_have_text("It is back.")

    def click(self, name: str, within: Locator | None = None) -> None:
        """Click the button with this text."""
        (within or self.find("body")).get_by_role("button", name=name, exact=True).first.click()

    def fill(self, name: str, value: str) -> None:
        """Fill in the field of the form in the panel."""
        self.panel.locator(f"[name={name}]").fill(value)

    def submit(self) -> None:
        self.panel.locator("button.primary").first.click()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def open_vehicle(self, name: str) -> None:
        self.row(name).locator(".name button").click()

    def point(self, name: str, hour: float) -> tuple[float, float]:
        """Return the position of an hour of the day in the row of a vehicle."""
        expect(self.row(name)).not_to_have_class("row loading")
        box = self.row(name).locator(".track").bounding_box()
        assert box is not None
        return box["x"] + box["width"] * hour / 24, box["y"] + box["height"] / 2

    def drag(self, start: tuple[float, float], end: tuple[float, float], drop: bool = True) -> None:
        """Drag with the mouse."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        mouse.move(*end)
        if drop:
            mouse.up()

    def skip(self, seconds: float) -> None:
        """Let time pass in the browser, which must have its own clock: what is due by then happens once."""
        self.page.clock.fast_forward(int(seconds * 1000))

    @contextmanager
    def stopped_time(self) -> Iterator[None]:
        """Let no time pass in the browser, which must have its own clock, during the block; afterwards, skip a second.

        However slow the machine is, the block is then quicker than any timer of the page.
        """
        self.page.clock.pause_at(self.page.evaluate("Date.now()") / 1000 + 60)
        yield
        self.skip(1)
        self.page.clock.resume()

    def lose_response(self, pattern: str) -> None:
        """Let the next request to URLs of this pattern arrive, but not its response."""

        def lose(route: Route) -> None:
            route.fetch(timeout=PATIENCE)
            route.abort()

        self.page.route(pattern, lose, times=1)

    def hold_request(self, pattern: str) -> Callable[[], None]:
        """Hold back the next request to URLs of this pattern; return a function that waits for it and lets it go on."""
        held: list[Route] = []
        self.page.route(pattern, lambda route: held.append(route), times=1)  # noqa: PLW0108 (Playwright marks it)

        def release() -> None:
            until(lambda: held or self.page.wait_for_timeout(20))
            held[0].continue_()

        return release

    def silence_feed(self) -> None:
        """Answer the polls of the feed without events: the page is then late to see what others do."""

        def answer(route: Route) -> None:
            after = parse_qs(urlsplit(route.request.url).query)["after"][0]
            route.fulfill(json={"events": [], "next": after})

        self.page.route("**/api/events?*", answer)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.page.keyboard.type(text)

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        overflow: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return overflow

    def focused(self) -> str:
        """Return what has the focus: the label of a bar, or the name in a row."""
        element = self.find(":focus")
        label = (
            element.get_attribute("aria-label")
            or element.locator("xpath=ancestor::*[@role='row']//bdi").first.text_content()
        )
        return label or ""
