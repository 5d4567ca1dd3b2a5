"""Steers new connections to some of the sockets that listen on one port (SO_REUSEPORT).

By default, the kernel chooses a socket by a hash of the addresses. Here a program for its packet filter (classic BPF,
SO_ATTACH_REUSEPORT_CBPF in socket(7)) chooses among the sockets whose worker is running. This module belongs to the
supervisor, and therefore imports nothing of the application.
"""

import ctypes
import socket
import struct
from collections.abc import Sequence

_SO_ATTACH_REUSEPORT_CBPF = 51
# Instructions: load a word, modulo, jump if equal, return.
_LOAD, _MODULO, _IF_EQUAL, _RETURN = 0x20, 0x94, 0x15, 0x06
# The address at which the packet filter reads a random number.
_RANDOM = 0xFFFFF000 + 56


def select_sockets(group: Sequence[socket.socket], live: Sequence[int]) -> None:
    """Send new connections only to the sockets at the indexes ``live`` of ``group``; raises OSError.

    If ``live`` is empty or contains every index, the kernel chooses by its hash.
    """
    if 0 < len(live) < len(group):
        instructions = [(_LOAD, 0, 0, _RANDOM), (_MODULO, 0, 0, len(live))]
        for remainder, index in enumerate(live):
            instructions += [(_IF_EQUAL, 0, 1, remainder), (_RETURN, 0, 0, index)]
        instructions += [(_RETURN, 0, 0, live[0])]
    else:
        # For an index without a socket, the kernel uses its hash.
        instructions = [(_RETURN, 0, 0, len(group))]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in instructions))
    option = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(program))
    group[0].setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, option)
