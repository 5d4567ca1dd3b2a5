"""Queries: everything that reads vehicles, allocations and events."""
