"""Data formats: strict JSON and XML."""
