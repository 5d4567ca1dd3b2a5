"""Benchmarks of the service; ``python -m benchmarks`` prints the table of the manual's page "Benchmarks".

Run them in the checkout, on a machine with PostgreSQL's server programs. They are not part of the distribution.
"""
