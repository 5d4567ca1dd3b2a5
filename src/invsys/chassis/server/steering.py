"""Which of several sockets that listen on one port (SO_REUSEPORT) get the new connections.

By default, the kernel chooses by a hash of the addresses. A program for its packet filter (classic BPF,
SO_ATTACH_REUSEPORT_CBPF in socket(7)) chooses among the sockets whose worker runs. This module is part of the
supervisor, and like it imports nothing of the application.
"""

import ctypes
import socket
import struct
from collections.abc import Sequence

_SO_ATTACH_REUSEPORT_CBPF = 51
# Instructions: load a word, modulo, jump if equal, return.
_LOAD, _MODULO, _IF_EQUAL, _RETURN = 0x20, 0x94, 0x15, 0x06
# The address that the packet filter reads a random number from.
_RANDOM = 0xFFFFF000 + 56


def steer(group: Sequence[socket.socket], live: Sequence[int]) -> None:
    """Let only the sockets with these numbers (their places in ``group``) get new connections; raises OSError."""
    if 0 < len(live) < len(group):
        choices = [(_IF_EQUAL, 0, 1, turn, _RETURN, 0, 0, number) for turn, number in enumerate(live)]
        steps = [(_LOAD, 0, 0, _RANDOM), (_MODULO, 0, 0, len(live))]
        steps += [step for choice in choices for step in (choice[:4], choice[4:])]
        steps += [(_RETURN, 0, 0, live[0])]
    else:
        # A number that no socket has: the kernel uses its hash.
        steps = [(_RETURN, 0, 0, len(group))]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    option = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program))
    group[0].setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, option)
