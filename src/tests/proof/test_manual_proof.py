"""The manual lists every rule and every mutant, and each mutant names rules, faults and patches that exist."""

import pytest
from proof.checker.rules import RULES
from proof.faults.kinds import KINDS
from proof.mutants import patches
from proof.mutants.catalogue import MUTANTS

from tests.support.paths import MANUAL

NAMES = {rule.__name__ for rule in RULES}


def test_the_manual_describes_every_rule():
    page = (MANUAL / "proof.rst").read_text()
    assert [name for name in NAMES if f"\n``{name}``" not in page] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_names_what_exists(mutant):
    page = " ".join((MANUAL / "proof.rst").read_text().split())
    assert mutant.name in page
    assert mutant.rules
    assert set(mutant.rules) <= NAMES
    assert set(mutant.faults) <= {kind.name for kind in KINDS}
    assert all(hasattr(patches, name) for name in (mutant.patch, mutant.gateway_patch) if name)
    assert mutant.sql.keys() <= set(mutant.engines)
