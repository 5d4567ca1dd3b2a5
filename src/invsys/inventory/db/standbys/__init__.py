"""Standbys of PostgreSQL that answer reads: which of them can be used, and how old their answers are.

Background threads note positions in the primary's write-ahead log, with the time (``positions``, ``monitor``). A
standby that has replayed such a position has everything that was committed by then (``standby``). ``reads`` chooses one
for a request.
"""
