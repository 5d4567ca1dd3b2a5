"""The descriptions of all calls: which requests each one sends, and what it returns."""
