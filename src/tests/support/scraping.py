"""Reads metrics that do not come from the cache: a service renders them at most once per second."""

from collections.abc import Callable

from tests.support.waiting import until


def scrape_uncached(scrape: Callable[[], str]) -> str:
    """Return metrics that a service with one process rendered after the call; ``scrape`` requests them."""
    texts = [scrape()]

    def has_changed() -> bool:
        # Each scrape is itself counted in the metrics, so a newly rendered text differs from the first one.
        texts.append(scrape())
        return texts[-1] != texts[0]

    until(has_changed)
    return texts[-1]
