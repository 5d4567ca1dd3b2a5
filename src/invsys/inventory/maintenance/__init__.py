"""Commands for operators: migrate, back up, check, purge."""
