"""Signals for operators: health, readiness, metrics, logs."""
