"""Requests with retries, the same for synchronous and asynchronous clients.

``call`` turns the description of a call, a generator of requests, into methods of both clients. ``retries`` decides
what is sent again, and ``connection`` sends.
"""
