"""Commands: everything that changes vehicles, allocations and events, one module for each subject."""
