"""The inventory service: vehicles, and allocations of them for periods of time.

A request goes URL -> ``api`` -> ``schemas`` -> a verb (``fleet``, ``allocating``, ``choosing``, ``changing``,
``deallocating``) or a question (``lookup``, ``availability``, ``events``) -> the database, and its answer back through
``schemas``. Calls only go down; exceptions go up to one place that answers them.
"""
