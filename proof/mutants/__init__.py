"""Defects that are built into the service, to show that the checker finds them."""
