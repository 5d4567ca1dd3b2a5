"""The proof in a short form: callers in processes load the service under a few faults, and the checker finds nothing.

``make prove`` runs it for minutes and with every fault; ``docs/source/proof.rst`` describes it.
"""

import subprocess
import sys

from tests.support.effort import rounds
from tests.support.paths import PROJECT

# Of each of the four callers.
OPERATIONS = rounds(100, 1000)


def test_the_history_of_callers_under_faults_violates_no_rule(engine):
    command = [sys.executable, "-m", "proof", "--short", str(OPERATIONS), "--engine", engine, "--seed", "1"]
    done = subprocess.run(command, check=False, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line]
    rules = lines.index(["rule", "violations"]) + 1
    assert len(lines[rules:]) > 10
    assert {count for _, count in lines[rules:]} == {"0"}
    (total,) = (int(words[1].replace(",", "")) for words in lines if words[0] == "all" and len(words) == 2)
    assert total > 2 * OPERATIONS
