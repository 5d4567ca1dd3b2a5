"""Entry point of ``invsys-manage``: handles Ctrl-C even while the command modules are still being imported."""

from invsys.chassis.cli import entry_point


def main() -> None:
    """Run the command given on the command line."""
    entry_point.run("invsys-manage", "invsys.inventory.manage")


if __name__ == "__main__":
    main()
