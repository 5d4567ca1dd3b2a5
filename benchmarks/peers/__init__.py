"""Other ways to write a create, compared with InvSys on the same server and the same database engine.

``python -m benchmarks.peers`` measures them all in one run.
"""
