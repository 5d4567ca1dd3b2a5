"""The proof: random requests under faults, recorded by the callers and checked afterwards.

``python -m proof --help`` describes the command; ``docs/source/proof.rst`` describes what is recorded and checked.
"""
