"""Clients files: a hand-written one, and invalid ones."""

import hashlib

HAND_WRITTEN = """\
# The clients of the Leeds depot. Ask Ann before you change anything here!

; bookings, day and night
[booking]
scopes = resources:read   allocations:own
# doubled for Christmas
rate=50/second
write_rate=20/second; 500/minute
key.0000000a = {a}

[page:staff]
; several lines
scopes =
    resources:read
    allocations:read@cars
concurrent: 4
key.0000000b: {b}
key.0000000c = {c}, until 2999-12-31T00:00:00+00:00

# TODO: find out who uses this.
[zz-old]
scopes = events:read
"""


def stored_digest(text):
    """Return the digest of a key in the form that a clients file contains."""
    return hashlib.sha256(text.encode()).hexdigest()


def hand_written():
    """Return the text of a clients file in which ``invsys_0000000a_secret`` is a key of the client ``booking``."""
    return HAND_WRITTEN.format(**{letter: stored_digest(f"invsys_0000000{letter}_secret") for letter in "abc"})


_DIGEST = stored_digest("any")

INVALID_FILES = {
    "options outside a section": "scopes = resources:read\n",
    "not an INI file": "clients: [booking]\n",
    "an incomplete section header": "[booking\nscopes = resources:read\n",
    "a line without a value": "[booking]\nscopes\n",
    "a duplicate client": "[booking]\n[booking]\n",
    "a duplicate option": "[booking]\nscopes = resources:read\nscopes = events:read\n",
    "an unknown option": "[booking]\nscope = resources:read\n",
    "an invalid scope": "[booking]\nscopes = everything\n",
    "a scope with a comma": "[booking]\nscopes = resources:read, events:read\n",
    "an invalid rate": "[booking]\nrate = fast\n",
    "a write rate of 0": "[booking]\nwrite_rate = 0/second\n",
    "an invalid number": "[booking]\nconcurrent = many\n",
    "no concurrent requests": "[booking]\nconcurrent = 0\n",
    "a name with a space": "[the booking]\n",
    "a name that is not ASCII": "[caf\u00e9]\n",
    "a key instead of a digest": "[booking]\nkey.0000000a = invsys_0000000a_secret\n",
    "a short digest": f"[booking]\nkey.0000000a = {_DIGEST[:40]}\n",
    "an empty digest": "[booking]\nkey.0000000a =\n",
    "an invalid prefix": f"[booking]\nkey.x = {_DIGEST}\n",
    "an invalid time": f"[booking]\nkey.0000000a = {_DIGEST}, until Christmas\n",
    "a date that does not exist": f"[booking]\nkey.0000000a = {_DIGEST}, until 2026-02-30T00:00:00+00:00\n",
    "a prefix used by two clients": f"[one]\nkey.0000000a = {_DIGEST}\n[two]\nkey.0000000a = {_DIGEST}\n",
    "a duplicate key": f"[one]\nkey.0000000a = {_DIGEST}\nkey.0000000a = {_DIGEST}\n",
    "bytes that are not UTF-8": b"[booking]\n# \xff\n",
    "NUL": b"\0\0\0\0",
}
