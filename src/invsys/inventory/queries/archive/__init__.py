"""Queries for archived allocations: those that ``invsys-manage archive`` has moved to a table of their own."""
