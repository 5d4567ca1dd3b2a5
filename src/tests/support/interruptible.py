"""The environment of processes that a test interrupts with SIGINT."""

import os


def environment(**variables: str) -> dict[str, str]:
    """Return the environment with more variables, for a process that does not measure its coverage.

    Coverage records a new file while it holds a lock. If KeyboardInterrupt is raised meanwhile, coverage does not
    release the lock, and the process waits for it for ever.
    """
    variables = {**os.environ, **variables}
    return {name: value for name, value in variables.items() if not name.startswith("COVERAGE_PROCESS_")}
