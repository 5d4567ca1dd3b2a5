"""Command lines: entry points, arguments, Flask-Script."""
