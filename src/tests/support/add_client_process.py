"""One process of several that add clients to one file at once.

Arguments: the file, and how the clients' names begin. Says ``ready``, reads how many to add, and prints the prefix of
each key.
"""

import sys
from pathlib import Path

from invsys.gateway.auth import client_admin


def main() -> None:
    file, name = Path(sys.argv[1]), sys.argv[2]
    print("ready", flush=True)
    for number in range(int(sys.stdin.readline())):
        key = client_admin.add(file, f"{name}{number}", ["resources:read"])
        print(key.split("_")[1])


main()
