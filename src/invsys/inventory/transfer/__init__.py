"""Import and export of vehicles and allocations, as CSV or JSON Lines."""
