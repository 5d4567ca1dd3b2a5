"""Names, notes, attributes and kinds that look like markup, or that are hard to draw."""

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY, PHONE

pytestmark = pytest.mark.one_engine

TEXTS = {
    "markup": "<img src=x onerror=alert(1)>",
    "script": "</script><script>alert(1)</script>",
    "entity": "a&amp;b \"c' &lt;",
    "template": "{{ 7*7 }} ${1} %s",
    "emoji": "🚚👷🏽🏁",
    "right to left": "شاحنة 12 (אבג)",
    "combining": "q" + "\u0308\u0301" * 11,
    "W": "W" * 36,
    "CJK": "漢" * 36,
    "astral": "\U0001d4e6" * 36,
    "word": "Donaudampfschifffahrtsgesellschaft12",
}


@pytest.mark.parametrize("context", [{}, PHONE], ids=["desktop", "phone"])
def test_any_text_is_shown_as_text_and_breaks_nothing(open_page, register, allocate, context):
    for text in TEXTS.values():
        car = register(text, attributes={text: text})
        allocate(car, "08:00", "18:00", description=text, reference=text, allocation_type=text[:20])
    page = open_page(DAY, **context)
    for text in TEXTS.values():
        bar = page.bars(text)
        expect(bar).to_have_text(text)
        assert page.row(text).bounding_box()["height"] == pytest.approx(54 if context else 44, abs=1)
        bar.click()
        expect(page.find("#panel-title")).to_have_text(text)
        expect(page.panel.locator("dd").first).to_have_text(text)
        assert page.overflow() <= 0, text
        page.click("Close", page.panel)
        page.open_vehicle(text)
        expect(page.find("#panel-title")).to_have_text(text)
        expect(page.panel.locator("dd").first).to_have_text(text)
        assert page.overflow() <= 0, text
        page.click("Close", page.panel)


def test_a_text_that_is_typed_is_stored_found_and_refused_as_it_is(open_page, client, register):
    register("0")
    page = open_page(DAY)
    expect(page.row("0")).to_be_visible()
    texts = [TEXTS[name] for name in ("markup", "right to left", "W", "emoji")]
    for text in texts:
        page.click("Add vehicle…")
        page.fill("name", text)
        page.panel.get_by_label("attribute", exact=True).fill(text)
        page.panel.get_by_label("value", exact=True).fill(text)
        page.submit()
        page.shows(f"{text} is in circulation.")
        page.click("Allocate…", page.panel)
        page.fill("to_datetime", "2099-03-02T12:00")
        page.fill("description", text)
        page.fill("allocation_type", text[:20])
        page.submit()
        page.shows(f"{text}: allocated.")
        expect(page.bars(text)).to_have_text(text)
        page.open_vehicle(text)
        page.click("Allocate…", page.panel)
        page.fill("from_datetime", "2099-03-02T08:30")
        page.submit()
        page.shows(f"{text} is taken")
        expect(page.panel).to_contain_text(f"{text}, {text[:20]}, Mon 2 Mar 2099 08:00 – 12:00")
        page.find("#find").fill(text)
        expect(page.find(".row")).to_have_count(1)
        page.find("#filter summary").click()
        page.find("#filter-key").fill(text)
        page.find("#filter-value").fill(f"{text}!")
        page.press("Enter")
        expect(page.find("#empty")).to_contain_text(text)
        page.click(f"{text}: {text}! ✕")
        page.find("#find").fill("")
        expect(page.row(text)).to_be_visible()
    vehicles = {vehicle["name"]: vehicle["attributes"] for vehicle in client.get("/api/cars").json}
    assert vehicles == {"0": {}, **{text: {text: text} for text in texts}}
    rows = client.get("/api/cars/all/allocations").json
    assert {(row["description"], row["allocation_type"]) for row in rows} == {(text, text[:20]) for text in texts}
