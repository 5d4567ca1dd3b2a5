"""Settings from INI files and environment variables; the sections that every service has."""
