"""Files of clients as operators write them by hand, and what is wrong with those that cannot be used."""

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

# Nobody knows who this is.
[zz-old]
scopes = events:read
"""


def kept(text):
    """Give what is kept of a key."""
    return hashlib.sha256(text.encode()).hexdigest()


def hand_written():
    """Give such a file, in which ``invsys_0000000a_secret`` is a key of booking."""
    return HAND_WRITTEN.format(**{letter: kept(f"invsys_0000000{letter}_secret") for letter in "abc"})


_DIGEST = kept("any")

UNUSABLE = {
    "no section": "scopes = resources:read\n",
    "no INI": "clients: [booking]\n",
    "half a header": "[booking\nscopes = resources:read\n",
    "a line without a value": "[booking]\nscopes\n",
    "a client twice": "[booking]\n[booking]\n",
    "an option twice": "[booking]\nscopes = resources:read\nscopes = events:read\n",
    "no such option": "[booking]\nscope = resources:read\n",
    "no scope": "[booking]\nscopes = everything\n",
    "a scope with a comma": "[booking]\nscopes = resources:read, events:read\n",
    "no rate": "[booking]\nrate = fast\n",
    "no rate of writes": "[booking]\nwrite_rate = 0/second\n",
    "no number": "[booking]\nconcurrent = many\n",
    "none at once": "[booking]\nconcurrent = 0\n",
    "a name with a blank": "[the booking]\n",
    "a name that is not ASCII": "[caf\u00e9]\n",
    "a key in the clear": "[booking]\nkey.0000000a = invsys_0000000a_secret\n",
    "half a hash": f"[booking]\nkey.0000000a = {_DIGEST[:40]}\n",
    "no hash": "[booking]\nkey.0000000a =\n",
    "an odd prefix": f"[booking]\nkey.x = {_DIGEST}\n",
    "no instant": f"[booking]\nkey.0000000a = {_DIGEST}, until Christmas\n",
    "no such day": f"[booking]\nkey.0000000a = {_DIGEST}, until 2026-02-30T00:00:00+00:00\n",
    "one prefix for two": f"[one]\nkey.0000000a = {_DIGEST}\n[two]\nkey.0000000a = {_DIGEST}\n",
    "a key twice": f"[one]\nkey.0000000a = {_DIGEST}\nkey.0000000a = {_DIGEST}\n",
    "bytes that are no UTF-8": b"[booking]\n# \xff\n",
    "NUL": b"\0\0\0\0",
}
