"""The service for the tests of its callers: a plugin for pytest, and the process that it starts.

Importing this package and the plugin imports nothing of the service, because pytest loads the plugin in every run.
"""
