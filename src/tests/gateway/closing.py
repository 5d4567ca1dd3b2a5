"""The end of a gateway that a test has built: a process that ends closes its connections, here it goes on."""

from flask import Flask

from invsys.gateway.door import Door


def close_idle(app: Flask) -> None:
    """Close the connections that a gateway keeps."""
    [door] = [
        each.__self__ for each in app.before_request_funcs[None] if isinstance(getattr(each, "__self__", None), Door)
    ]
    for service in door._forwarding._services.values():
        for host in service._hosts:
            while host.connections._idle:
                host.connections._idle.pop().close()
