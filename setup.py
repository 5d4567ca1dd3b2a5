"""One call; the facts stand in setup.cfg."""

from setuptools import setup

setup()
