"""What every service here stands on: settings, problem answers, strict JSON, health, metrics, the request log.

The chassis knows nothing of vehicles, and imports no service.
"""
