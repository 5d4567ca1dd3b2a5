"""A TCP proxy whose connections can be cut or delayed at a chosen place. It runs in a thread of this process."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self

_CHUNK = 65536


class CutError(Exception):
    """Both sides of the connection are to be closed; ``last`` is still sent to the receiver before."""

    def __init__(self, last: bytes = b"") -> None:
        super().__init__("cut")
        self.last = last


class Direction:
    """What one connection carries in one direction. A protocol overrides ``pass_on``."""

    async def pass_on(self, data: bytes) -> bytes:
        """Return what is sent on of ``data``; raises CutError."""
        return data


class Connection:
    """One connection through the proxy, with what its protocol does in each direction."""

    def __init__(self) -> None:
        self.to_server, self.to_client = Direction(), Direction()


class Proxy:
    """A proxy in front of the port ``target`` of this machine; a context manager. Its own port stays the same."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def new_connection(self) -> Connection:
        """Return the state of a new connection."""
        return Connection()

    def drop_connections(self) -> None:
        """Reset every connection."""
        self._call(self._drop())

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _drop(self) -> None:
        for writer in set(self._writers):
            writer.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        await self._drop()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
            return
        writers = {writer, server_writer}
        self._writers |= writers
        connection = self.new_connection()
        try:
            await asyncio.gather(
                self._pump(reader, server_writer, connection.to_server),
                self._pump(server_reader, writer, connection.to_client),
            )
        # Tasks are cancelled when the proxy is closed.
        except (CutError, OSError, asyncio.CancelledError):
            for each in writers:
                each.transport.abort()
        finally:
            self._writers -= writers
            for each in writers:
                each.close()

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
        try:
            while data := await reader.read(_CHUNK):
                writer.write(await direction.pass_on(data))
                await writer.drain()
        except CutError as cut:
            # The last bytes must leave before the connection is reset.
            writer.write(cut.last)
            with suppress(OSError):
                await asyncio.wait_for(writer.drain(), 1)
            raise
        if writer.can_write_eof():
            writer.write_eof()
