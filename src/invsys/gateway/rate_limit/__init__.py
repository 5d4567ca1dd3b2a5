"""Limits on the rate and the concurrency of requests, per client and per address."""
