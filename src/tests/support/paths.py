"""Folders of this repository."""

from pathlib import Path

PROJECT = Path(__file__).parents[3]
MANUAL = PROJECT / "docs/source"
SUPPORT = Path(__file__).parent
