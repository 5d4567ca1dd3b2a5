"""Invalid values of settings that both services have."""

from typing import Any

# Too short, too long, or with characters other than visible ASCII.
SECRETS = ["too-short", "a" * 15, "a" * 256, "a" * 15 + " b", "a" * 16 + "\xe9", "\x7f" * 16]

COMMON: list[tuple[str, str]] = [
    ("server.host", ""),
    ("server.trusted_proxies", "gateway"),
    ("server.trusted_proxies", "10.0.0.1/8"),
    ("server.allowed_hosts", "inventory:5000"),
    ("server.allowed_hosts", "[::1]:5000"),
    ("server.allowed_hosts", "http://inventory"),
    ("server.allowed_hosts", "inventory/"),
    ("server.allowed_hosts", "*.example"),
    ("server.allowed_hosts", "a b"),
    ("server.allowed_hosts", "[1:2]"),
    ("server.allowed_hosts", "inventory, a..b"),
    ("metrics.allow", "prometheus"),
    ("metrics.allow", "10.0.0.1/8"),
    ("metrics.allow", "*"),
]


def outside(ranges: dict[str, tuple[int, int]]) -> list[tuple[str, Any]]:
    """Return (setting, value) pairs in which the value is not an integer in the range, which includes both bounds."""
    return [
        (name, bad)
        for name, (least, most) in ranges.items()
        for bad in (least - 1, most + 1, -1, "", "x", "1.5", "1e3")
    ]
