"""Draws the results as an SVG file: creates per second for each system and number of allocations on a vehicle.

The file has its own light and dark colours, and its text is text, so that it can be searched and read aloud.
"""

import math
from collections.abc import Iterator
from html import escape
from typing import Any

from benchmarks.peers.systems import SYSTEMS

_WIDTH, _ROW, _GAP = 720, 20, 34
# The x of the bars, and their length for the largest rate.
_LEFT, _LONGEST = 300, 330
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .note { fill: #59636e }
  .page { fill: #ffffff }
  .bar { fill: #8c959f }
  .invsys { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note { fill: #9198a1 }
    .page { fill: #0d1117 }
    .bar { fill: #656c76 }
    .invsys { fill: #4493f8 }
  }
"""


def draw(results: dict[str, Any]) -> str:
    """Return the SVG document of the results that ``measure`` returned."""
    sizes = sorted({row["size"] for row in results["creates"]})
    lines = list(_panels(results, sizes))
    height = 62 + len(sizes) * (_GAP + _ROW * len(SYSTEMS)) + 34
    description = "; ".join(_sentence(row) for row in results["creates"])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
            "<title>Creates per second</title>",
            f"<desc>{escape(description)}</desc>",
            f"<style>{_STYLE}</style>",
            f'<rect class="page" width="{_WIDTH}" height="{height}" rx="8"/>',
            _text(20, 30, "Creates per second, by allocations on the vehicle (logarithmic)", "title"),
            _text(20, 50, f"{results['engine']}, {results['clients']} clients, the same server and settings", "note"),
            *lines,
            _text(20, height - 16, _double_bookings(results), "note"),
            "</svg>\n",
        ]
    )


def _panels(results: dict[str, Any], sizes: list[int]) -> Iterator[str]:
    fastest = max(row["rate"] for row in results["creates"])
    y = 62
    for size in sizes:
        y += _GAP - 8
        yield _text(20, y, f"{size:,} allocations")
        y += 8
        rates = {row["system"]: row for row in results["creates"] if row["size"] == size}
        for system in SYSTEMS:
            yield from _bar(y, system.key, system.name, rates[system.key], fastest)
            y += _ROW


def _bar(y: int, key: str, name: str, row: dict[str, Any], fastest: float) -> Iterator[str]:
    # The axis begins at a tenth of a create per second.
    share = max(0.0, math.log10(row["rate"] / 0.1)) / math.log10(fastest / 0.1)
    length = max(2, round(share * _LONGEST))
    kind = "bar invsys" if key == "invsys" else "bar"
    yield f'<rect class="{kind}" x="{_LEFT}" y="{y + 3}" width="{length}" height="{_ROW - 6}" rx="2"/>'
    yield _text(_LEFT - 8, y + 14, name, anchor="end")
    yield _text(_LEFT + length + 6, y + 14, _number(row["rate"]))


def _text(x: int, y: int, text: str, kind: str = "", anchor: str = "start") -> str:
    attributes = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{attributes}>{escape(text)}</text>'


def _number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def _sentence(row: dict[str, Any]) -> str:
    name = next(system.name for system in SYSTEMS if system.key == row["system"])
    return f"{name}, {row['size']:,} allocations: {_number(row['rate'])} per second, p99 {row['p99']:.0f} ms"


def _double_bookings(results: dict[str, Any]) -> str:
    names = {system.key: system.nick for system in SYSTEMS}
    counts = [f"{names[row['system']]} {row['double_bookings']}" for row in results["competition"]]
    return f"Double bookings for {results['competition'][0]['periods']} contested periods: {', '.join(counts)}"
