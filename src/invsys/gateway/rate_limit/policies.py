"""Quota policies: the rates of each limit, with the names that they have in the response headers.

The headers and their parameters are named as in draft-ietf-httpapi-ratelimit-headers-11. Their values are structured
fields (RFC 9651): lists of strings with parameters.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from limits import RateLimitItem

from invsys.gateway.rate_limit import rates

# The limits of a client, as in the settings and in the clients file.
RATE, WRITE_RATE, CONCURRENT = "rate", "write_rate", "concurrent"
# The limits of an address.
ANONYMOUS, PAGE = "anonymous", "page"

_REQUESTS, _CONCURRENT_REQUESTS = "requests", "concurrent-requests"


class Policy(NamedTuple):
    """A rate with its unique name, and its window in seconds."""

    name: str
    rate: RateLimitItem
    window: int

    def remaining(self, count: int, seconds: int) -> str:
        """Return the member of ``RateLimit``: the remaining requests, and the seconds until there are more."""
        return f'"{self.name}";r={count};t={seconds}'


@functools.lru_cache(maxsize=1024)
def policies(limit: str, text: str) -> Sequence[Policy]:
    """Return a policy for each rate in the text of a limit, shortest window first.

    A policy has the name of its limit. If the limit has several rates, the name also contains the window, as in
    ``write_rate_60s``. Of two rates for the same window, only the lower one has an effect.
    """
    by_window: dict[int, RateLimitItem] = {}
    for rate in sorted(rates.parse(text), key=lambda rate: -rate.amount):
        by_window[rate.get_expiry()] = rate
    has_one = len(by_window) == 1
    return tuple(
        Policy(limit if has_one else f"{limit}_{window}s", by_window[window], window) for window in sorted(by_window)
    )


@functools.lru_cache(maxsize=1024)
def field_of_client(rate: str, write_rate: str, concurrent: int) -> str:
    """Return the value of ``RateLimit-Policy`` for a client with these limits."""
    rate_policies = (*policies(RATE, rate), *policies(WRITE_RATE, write_rate))
    return f'{_members(rate_policies)}, "{CONCURRENT}";q={concurrent};qu="{_CONCURRENT_REQUESTS}"'


@functools.lru_cache
def field_of_address(limit: str, text: str) -> str:
    """Return the value of ``RateLimit-Policy`` for a limit of an address."""
    return _members(policies(limit, text))


def _members(rate_policies: Sequence[Policy]) -> str:
    return ", ".join(f'"{policy.name}";q={policy.rate.amount};w={policy.window}' for policy in rate_policies)


def document(rate: str, write_rate: str, concurrent: int) -> list[dict[str, Any]]:
    """Return the limits of a client as in ``field_of_client``, for a JSON response."""
    limits = [
        {"name": policy.name, "quota": policy.rate.amount, "unit": _REQUESTS, "window_seconds": policy.window}
        for policy in (*policies(RATE, rate), *policies(WRITE_RATE, write_rate))
    ]
    return [*limits, {"name": CONCURRENT, "quota": concurrent, "unit": _CONCURRENT_REQUESTS, "window_seconds": None}]
