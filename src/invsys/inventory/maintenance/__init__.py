"""The work behind the commands for operators: migrate, back up, check, purge."""
