"""InvSys: an inventory of vehicles and their allocations; the database refuses allocations that overlap."""

__version__ = "0.1.0"
