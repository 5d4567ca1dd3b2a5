"""File permissions that apply to root as well."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

# linux/capability.h: the version of the structures, and the capabilities that let a process ignore permissions.
_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1 << 1
_CAP_DAC_READ_SEARCH = 1 << 2

_libc = ctypes.CDLL(None, use_errno=True)
_Header = ctypes.c_uint32 * 2
# Effective, permitted and inheritable capabilities 0 to 31, then those from 32 on.
_Capabilities = ctypes.c_uint32 * 6


@contextmanager
def enforced_permissions() -> Iterator[None]:
    """Apply file permissions to this thread within the block, also if it runs as root.

    Root stays the owner of its files, so a checkout that only root can read remains readable.
    """
    header, capabilities = _Header(_VERSION_3, 0), _Capabilities()
    _check(_libc.capget(header, capabilities))
    reduced = _Capabilities(*capabilities)
    reduced[0] &= ~(_CAP_DAC_OVERRIDE | _CAP_DAC_READ_SEARCH)
    _check(_libc.capset(header, reduced))
    try:
        yield
    finally:
        _check(_libc.capset(header, capabilities))


def _check(status: int) -> None:
    if status != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
