"""InvSys: the inventory of a fleet, and allocations of its vehicles that can never overlap."""

__version__ = "0.1.0"
