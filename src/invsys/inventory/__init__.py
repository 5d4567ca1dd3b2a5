"""The inventory service: vehicles, and allocations of them for periods of time.

A request goes URL -> ``api`` -> ``schemas`` -> a verb of ``inventory`` or a question of ``lookup`` -> the database,
and its answer back through ``schemas``. Calls only go down; exceptions go up to one place that answers them.
"""
