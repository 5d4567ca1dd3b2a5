"""A script that adds clients to a clients file while other processes do the same.

Arguments: the file, and the prefix of the clients' names. It prints ``ready``, reads the number of clients to add from
standard input, and prints the prefix of each new key.
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
