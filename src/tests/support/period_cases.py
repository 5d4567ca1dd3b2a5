"""Which periods overlap: one table for Python, SQL, the guards of both databases and the API.

A period is (start, end) in hours of one day; None is infinite.
"""

BASE = (10, 14)

# Against [10, 14).
AGAINST_BASE = [
    ("before", (6, 9), False),
    ("touching its start", (6, 10), False),
    ("over its start", (6, 11), True),
    ("same start, ends inside", (10, 12), True),
    ("same start, ends after", (10, 16), True),
    ("inside", (11, 13), True),
    ("identical", (10, 14), True),
    ("around", (9, 15), True),
    ("starts before, same end", (9, 14), True),
    ("starts inside, same end", (12, 14), True),
    ("over its end", (13, 16), True),
    ("touching its end", (14, 16), False),
    ("after", (15, 16), False),
    ("from ever, ends before", (None, 9), False),
    ("from ever, touching its start", (None, 10), False),
    ("from ever, ends inside", (None, 11), True),
    ("from ever, ends after", (None, 16), True),
    ("for ever, starts after", (15, None), False),
    ("for ever, touching its end", (14, None), False),
    ("for ever, starts inside", (13, None), True),
    ("for ever, starts before", (6, None), True),
    ("always", (None, None), True),
]

# Against periods that are infinite themselves.
AGAINST_INFINITE = [
    ("past and past", (None, 10), (None, 14), True),
    ("past, touched by a later one", (None, 10), (10, 14), False),
    ("past, overlapped by a later one", (None, 10), (9, 14), True),
    ("past and future that touch", (None, 10), (10, None), False),
    ("past and future that overlap", (None, 11), (10, None), True),
    ("future and future", (10, None), (14, None), True),
    ("future, touched by an earlier one", (10, None), (6, 10), False),
    ("future, overlapped by an earlier one", (10, None), (6, 11), True),
    ("always and a moment", (None, None), (10, 11), True),
    ("always and always", (None, None), (None, None), True),
]

# (name, one, other, whether they overlap)
CASES = [(name, BASE, other, overlap) for name, other, overlap in AGAINST_BASE] + AGAINST_INFINITE
NAMES = [case[0] for case in CASES]
