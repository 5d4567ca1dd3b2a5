"""Pairs of periods and whether they overlap: one table for Python, SQL, the constraints of both databases, and the API.

A period is (start, end) in hours of one day; None means infinite.
"""

BASE = (10, 14)

# Compared with [10, 14).
AGAINST_BASE = [
    ("before", (6, 9), False),
    ("ends at its start", (6, 10), False),
    ("overlaps its start", (6, 11), True),
    ("same start, ends inside", (10, 12), True),
    ("same start, ends after", (10, 16), True),
    ("inside", (11, 13), True),
    ("identical", (10, 14), True),
    ("contains it", (9, 15), True),
    ("starts before, same end", (9, 14), True),
    ("starts inside, same end", (12, 14), True),
    ("overlaps its end", (13, 16), True),
    ("starts at its end", (14, 16), False),
    ("after", (15, 16), False),
    ("infinite start, ends before", (None, 9), False),
    ("infinite start, ends at its start", (None, 10), False),
    ("infinite start, ends inside", (None, 11), True),
    ("infinite start, ends after", (None, 16), True),
    ("infinite end, starts after", (15, None), False),
    ("infinite end, starts at its end", (14, None), False),
    ("infinite end, starts inside", (13, None), True),
    ("infinite end, starts before", (6, None), True),
    ("always", (None, None), True),
]

# Compared with infinite periods.
AGAINST_INFINITE = [
    ("infinite start and infinite start", (None, 10), (None, 14), True),
    ("infinite start, the other begins at its end", (None, 10), (10, 14), False),
    ("infinite start, the other begins before its end", (None, 10), (9, 14), True),
    ("infinite start and infinite end that touch", (None, 10), (10, None), False),
    ("infinite start and infinite end that overlap", (None, 11), (10, None), True),
    ("infinite end and infinite end", (10, None), (14, None), True),
    ("infinite end, the other ends at its start", (10, None), (6, 10), False),
    ("infinite end, the other ends after its start", (10, None), (6, 11), True),
    ("always and one hour", (None, None), (10, 11), True),
    ("always and always", (None, None), (None, None), True),
]

# (name, first period, second period, whether they overlap)
CASES = [(name, BASE, other, overlap) for name, other, overlap in AGAINST_BASE] + AGAINST_INFINITE
NAMES = [case[0] for case in CASES]
