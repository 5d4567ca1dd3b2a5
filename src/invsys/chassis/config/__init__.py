"""Settings from INI files and environment variables."""
