"""The library that every service is built on: settings, problem documents, strict JSON, health, metrics, request log.

It contains nothing about vehicles, and imports no service.
"""
