"""The fleet page in a browser: what a user sees and does."""

from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, expect

# The hours of this day have the same numbers in London and in UTC.
DAY = "day=2099-03-02&span=1"


class FleetPage:
    """A page with the timeline; ``failures`` are the exceptions and the errors in its console."""

    def __init__(self, context: BrowserContext, base: str, key: str | None) -> None:
        self.context, self.base = context, base
        self.failures: list[str] = []
        self.page = context.new_page()
        if key is not None:
            self.page.add_init_script(f"sessionStorage.setItem('invsys-key', '{key}')")
        self.page.on("pageerror", lambda error: self.failures.append(str(error.stack or error)))
        self.page.on("console", self._read_console)

    def _read_console(self, message: ConsoleMessage) -> None:
        # The browser itself reports each response with an error status.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.failures.append(message.text)

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

    def focused(self) -> str:
        """Return what has the focus: the label of a bar, or the name in a row."""
        element = self.find(":focus")
        label = (
            element.get_attribute("aria-label")
            or element.locator("xpath=ancestor::*[@role='row']//bdi").first.text_content()
        )
        return label or ""
