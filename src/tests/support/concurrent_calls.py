"""Several callers at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def at_once(app, orders):
    """Send each order (the arguments of ``client.open``) from a thread of its own; gives the answers, in that order."""
    barrier = Barrier(len(orders))

    def send(order):
        client = app.test_client()
        barrier.wait()
        return client.open(**order)

    with ThreadPoolExecutor(len(orders)) as pool:
        return list(pool.map(send, orders))


def outcomes(responses):
    """Count the answers by what they say: 201, or the code of the refusal."""
    said = [response.json["code"] if response.status_code >= 400 else response.status_code for response in responses]
    return {outcome: said.count(outcome) for outcome in said}
