"""Writes: one module for each command."""
