"""Requests to the upstream services: paths, headers, connections, responses."""
