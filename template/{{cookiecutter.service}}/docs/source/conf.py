"""Sphinx's settings for the manual."""

project = "Depot"
html_theme = "furo"
html_title = "Depot"
exclude_patterns: list[str] = []
