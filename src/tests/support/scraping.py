"""Reads the figures of a service, which returns the same text again for a second."""

from collections.abc import Callable

from tests.support.waiting import until


def scrape_uncached(scrape: Callable[[], str]) -> str:
    """Return the current figures of a service with one process; ``scrape`` requests them."""
    texts = [scrape()]

    def has_changed() -> bool:
        # Rendered after the call began: each scrape is counted itself, so no two of these texts are the same.
        texts.append(scrape())
        return texts[-1] != texts[0]

    until(has_changed)
    return texts[-1]
