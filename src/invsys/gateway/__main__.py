"""Entry point of ``invsys-gateway-manage``: handles Ctrl-C even while the command modules are still being imported."""

from invsys.chassis.cli import entry_point


def main() -> None:
    """Run the command named on the command line."""
    entry_point.run("invsys-gateway-manage", "invsys.gateway.manage")


if __name__ == "__main__":
    main()
