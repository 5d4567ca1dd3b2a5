"""Clients generated from the OpenAPI document, with the commands of the manual, can play the examples of the manual."""

import re
import textwrap

import pytest

from tests.support.paths import PROJECT

MANUAL = (PROJECT / "docs/source/generated.rst").read_text()
SECTIONS = dict(re.findall(r"^(\S[^\n]+)\n-{3,}\n(.*?)(?=^\S[^\n]+\n-{3,}\n|\Z)", MANUAL, re.MULTILINE | re.DOTALL))
# The output of every example.
[OUTPUT] = re.findall(r"output is the same::\n\n(.*?)\n\n", MANUAL, re.DOTALL)

pytestmark = pytest.mark.through_gateway


def blocks(section, language):
    """Return the code blocks of a section in a language."""
    form = rf"^\.\. code-block:: {language}\n\n(.*?)(?=^\S|\Z)"
    return [textwrap.dedent(block).strip() + "\n" for block in re.findall(form, section, re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_a_generated_client_plays_its_example(section, run, folder, address, key):
    [commands] = blocks(section, "shell")
    for command in commands.splitlines():
        # The environment of the tests has the packages already.
        if not command.startswith(("pip install", "npm install")):
            run(command)
    [(language, example)] = [(name, block) for name in ("python", "typescript") for block in blocks(section, name)]
    example = example.replace("http://127.0.0.1:5001", address).replace("invsys_...", key)
    (folder / "example.mts" if language == "typescript" else folder / "example.py").write_text(example)
    if language == "typescript":
        run("npx tsc --noEmit --strict --target es2023 --module nodenext --allowImportingTsExtensions example.mts")
    output = run("node example.mts" if language == "typescript" else "python example.py")
    assert output == f"{textwrap.dedent(OUTPUT)}\n"


def test_linters_find_no_errors_in_the_document(run, folder):
    (folder / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    run("npx redocly lint openapi.json")
    run("npx spectral lint --fail-severity error openapi.json")
