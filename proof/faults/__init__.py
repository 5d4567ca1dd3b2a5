"""The faults, and the runner that injects them one after another while callers use the system.

``run`` is all that the command needs. A fault is a function in one of the modules; ``kinds.KINDS`` lists them all.
"""

from proof.faults.runner import run
from proof.faults.summary import Summary

__all__ = ["Summary", "run"]
