"""The program ``invsys-manage``; it handles Ctrl-C from the start, also while the modules of a command are imported."""

from invsys.chassis.cli import entry_point


def main() -> None:
    """Run the command given on the command line."""
    entry_point.run("invsys-manage", "invsys.inventory.manage")


if __name__ == "__main__":
    main()
