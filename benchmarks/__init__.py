"""What the service costs and what it stands, each module with its question; ``python -m benchmarks`` prints the table.

Run from the checkout, on a machine with the PostgreSQL server's binaries. Nothing here is shipped.
"""
