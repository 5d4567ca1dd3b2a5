"""``invsys-gateway-manage``: starts the commands of ``manage`` in a way that also handles Ctrl-C while they load."""

from invsys.chassis.cli import entry_point


def main() -> None:
    """Run the command that the command line names."""
    entry_point.run("invsys-gateway-manage", "invsys.gateway.manage")


if __name__ == "__main__":
    main()
