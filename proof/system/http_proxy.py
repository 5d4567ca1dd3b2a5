"""A proxy for HTTP whose responses can be cut: the service has acted, and the caller does not learn it."""

from proof.system.tcp_proxy import Connection, CutError, Direction, Proxy


class HttpProxy(Proxy):
    """A proxy that cuts the next ``cuts`` responses: all of each, or all but its first bytes."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self.cuts, self.cut_bytes = 0, 0

    def cut(self, responses: int, after_bytes: int = 0) -> None:
        """Cut the next responses after so many bytes."""
        self.cut_bytes, self.cuts = after_bytes, responses

    def new_connection(self) -> Connection:
        """Return a connection whose responses this proxy may cut."""
        connection = Connection()
        connection.to_client = _Responses(self)
        return connection


class _Responses(Direction):
    def __init__(self, proxy: HttpProxy) -> None:
        self._proxy = proxy

    async def pass_on(self, data: bytes) -> bytes:
        if self._proxy.cuts > 0:
            self._proxy.cuts -= 1
            raise CutError(data[: min(self._proxy.cut_bytes, len(data) - 1)])
        return data
