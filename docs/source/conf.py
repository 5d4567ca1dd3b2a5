"""Sphinx's settings for the manual."""

project = "InvSys"
author = "The InvSys authors"
html_theme = "furo"
html_title = "InvSys"
exclude_patterns: list[str] = []
