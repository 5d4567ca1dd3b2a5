"""Benchmarks of the services; ``python -m benchmarks`` prints the table on the manual's page "Benchmarks".

Run them in a checkout, on a machine on which the PostgreSQL server is installed. They are not part of the distribution.
"""
