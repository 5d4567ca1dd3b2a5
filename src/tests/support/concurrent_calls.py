"""Concurrent requests from several threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def send_concurrently(app, requests):
    """Send requests at the same time, each in its own thread; return the responses in the order of the requests.

    A request is a dictionary of arguments for ``client.open``.
    """
    barrier = Barrier(len(requests))

    def send(request):
        client = app.test_client()
        barrier.wait()
        return client.open(**request)

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def count_outcomes(responses):
    """Return the number of responses for each outcome: the status of a success, or the code of an error."""
    results = [response.json["code"] if response.status_code >= 400 else response.status_code for response in responses]
    return {result: results.count(result) for result in results}
