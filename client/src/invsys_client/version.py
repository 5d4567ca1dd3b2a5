"""The version of the client: that of the HTTP contract, for example 1.1, and a number of its own."""

__version__ = "1.1.0"
