"""Commands: the changes of vehicles and allocations, one module for each."""
