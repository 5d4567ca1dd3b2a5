"""The depot service: pallets, registered and found again.

A request goes URL -> ``api`` -> ``schemas`` -> a verb or a question (``pallets``) -> the database, and its
answer back through ``schemas``. Calls only go down; exceptions go up to one place that answers them. What every
service stands on is in ``chassis``.
"""

__version__ = "0.1.0"
