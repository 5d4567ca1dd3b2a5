"""The supply chain: licences from an SBOM, secrets that are explained, libraries that pip-audit could not check."""

import importlib.util
import json
import re
import subprocess
import sys

import pytest

from tests.support.paths import PROJECT


def load(path):
    """Import a script that is in no package."""
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    # For its dataclasses.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


audit, find_secrets = load(PROJECT / "supply_chain/audit.py"), load(PROJECT / "supply_chain/find_secrets.py")


def test_the_licences_are_those_that_the_libraries_declare(tmp_path):
    declared = {"id": "BSD-3-Clause"}, {"name": "License :: OSI Approved :: BSD License"}
    components = [
        {"name": "psycopg", "version": "3.3.9", "licenses": [{"expression": "LGPL-3.0-only"}]},
        {"name": "Granian", "version": "2.8.7", "licenses": [{"license": licence} for licence in declared]},
        {"name": "tiny", "version": "1", "licenses": []},
        {"name": "bare", "version": "2"},
    ]
    file = tmp_path / "sbom.json"
    file.write_text(json.dumps({"components": components}))
    printed = subprocess.run(
        [sys.executable, PROJECT / "debian/licences.py", file], check=True, capture_output=True, text=True
    ).stdout
    assert printed.splitlines() == [
        "bare 2: not declared",
        "Granian 2.8.7: BSD-3-Clause, BSD License",
        "psycopg 3.3.9: LGPL-3.0-only",
        "tiny 1: not declared",
    ]


FOUND = find_secrets.Found("docs/a.rst", 7, "Secret Keyword", "PASSWORD")


@pytest.mark.parametrize(
    ("path", "value", "explained"),
    [
        ("docs/*.rst", "PASSWORD", True),
        ("*.rst", "[A-Z]+", True),
        ("docs/*.rst", "PASS", False),
        ("src/*", "PASSWORD", False),
    ],
)
def test_a_secret_is_explained_by_its_path_and_its_whole_value(path, value, explained):
    lines = list(find_secrets.faults([FOUND], [find_secrets.Allowed(path, value, "a placeholder")]))
    if explained:
        assert lines == []
    else:
        assert lines == [
            "docs/a.rst:7: Secret Keyword: remove it, or explain it in allowed_secrets.toml",
            f"allowed_secrets.toml: remove the entry for {value} in {path}, which matches nothing",
        ]


def test_a_message_does_not_contain_the_secret():
    assert "PASSWORD" not in " ".join(find_secrets.faults([FOUND], []))


def test_every_explanation_has_a_reason():
    allowed = find_secrets.load((PROJECT / "supply_chain/allowed_secrets.toml").read_text())
    assert allowed != []
    for entry in allowed:
        assert re.compile(entry.value)
        assert len(entry.reason) > 10
    with pytest.raises(TypeError):
        find_secrets.load('[[allowed]]\npath = "*"\nvalue = "x"')


PINS = frozenset({"flask==3.1.3", "typing-extensions==4.16.0"})
CHECKED = [
    {"name": name, "version": version, "vulns": []} for name, version in (pin.split("==") for pin in sorted(PINS))
]
ADVISORY = {"id": "PYSEC-2099-1", "fix_versions": ["3.1.4"], "aliases": [], "description": "..."}


def result_of(dependencies):
    return audit.read(PINS, json.dumps({"dependencies": dependencies, "fixes": []}), "")


def test_all_requirements_files_are_audited():
    files = audit.requirements_files()
    assert {file.name for file in files} >= {
        "requirements.txt",
        "gateway.txt",
        "test.txt",
        "sbom.txt",
        "supply_chain.txt",
    }
    assert all(audit.pinned(file.read_text()) for file in files)


def test_pins_are_read_as_pip_audit_names_them():
    text = "Flask==3.1.3 \\\n    --hash=sha256:0\ntyping_extensions==4.16.0 ; python_version < '3.13'\n# a==1\n"
    assert audit.pinned(text) == PINS


def test_the_status_is_0_if_all_libraries_were_checked():
    result = result_of(CHECKED)
    assert (result.status, str(result)) == (0, "2 libraries checked, 0 advisories")


def test_the_status_is_1_if_there_is_an_advisory():
    result = result_of([{"name": "Flask", "version": "3.1.3", "vulns": [ADVISORY]}])
    assert result.status == 1
    assert str(result).splitlines() == [
        "flask==3.1.3: PYSEC-2099-1, fixed in 3.1.4",
        "1 libraries checked, 1 advisories",
        "NOT CHECKED (1 libraries; no advisories could be read for them): typing-extensions==4.16.0",
    ]


def test_the_status_is_2_and_one_line_names_the_libraries_that_were_not_checked():
    skipped = [{"name": item["name"], "skip_reason": "Dependency not found"} for item in CHECKED]
    for dependencies, unchecked in (([skipped[0], CHECKED[1]], {"flask==3.1.3"}), (skipped, PINS)):
        result = result_of(dependencies)
        assert (result.status, result.unchecked) == (2, unchecked)
        [line] = [line for line in str(result).splitlines() if line.startswith("NOT CHECKED")]
        assert all(pin in line for pin in unchecked)


def test_without_a_connection_no_library_is_checked():
    result = audit.read(PINS, "", "Traceback ...\nrequests.exceptions.ConnectionError: Name or service not known\n")
    assert (result.status, result.checked, result.unchecked) == (2, frozenset(), PINS)
    assert "Name or service not known" in str(result)


def test_a_library_counts_as_checked_if_it_was_checked_in_one_file():
    result = audit.together([audit.read(PINS, "", "no network"), result_of(CHECKED)])
    assert (result.status, result.unchecked, result.reason) == (0, frozenset(), "")
    assert audit.together([]).status == 0


def test_both_packages_and_the_wheelhouse_have_the_sbom():
    rules, makefile = (PROJECT / "debian/rules").read_text(), (PROJECT / "Makefile").read_text()
    assert "cyclonedx-py environment" in rules
    assert "requirements/sbom.txt" in makefile.partition("wheelhouse:")[2].partition("done")[0]
