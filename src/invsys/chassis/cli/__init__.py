"""Command line programs: entry point, arguments, Flask-Script, common commands."""
