#!/usr/bin/env python3
"""Check that prose and names are easy to read: ``tox run -e words``.

Reads the docstrings and comments of the Python files and the pages of the manual, and counts in each group of files:

* marked words and phrases: those that mostly occur in sentences that have to be read twice;
* docstrings that begin with "Give" instead of "Return";
* variables and parameters that are named with a participle instead of after the value that they hold.

Prints the counts. If one is above its limit, also prints every place as ``FILE:LINE: WORD`` and exits with status 1.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Limits: marked words in 1,000 words of prose, participles in 1,000 lines of code.
MAX_MARKED, MAX_PARTICIPLES = 3, 1

BAKED = "template/{{cookiecutter.service}}"
PYTHON = {
    "code": (
        *(
            "src/invsys/**/*.py",
            "client/src/**/*.py",
            "benchmarks/**/*.py",
            "proof/**/*.py",
            "docs/**/*.py",
            "debian/**/*.py",
            "docker/**/*.py",
        ),
        *("template/hooks/*.py", f"{BAKED}/src/{{{{cookiecutter.service}}}}/**/*.py"),
    ),
    "tests": ("src/tests/**/*.py", "template/tests/*.py", f"{BAKED}/src/tests/*.py"),
}
MANUAL = ("*.rst", "client/*.rst", "docs/source/*.rst", "debian/*.rst", "template/**/*.rst")

# A space in a phrase also stands for the end of a line.
PHRASES = """
    whoever, whatever, whichever, somebody, nobody, everybody, anew, beside, stand, stands, told, tell, tells, say,
    says, said, nought, meanwhile, lest, in force, by itself, at hand, once more, so many, that there are, is none,
    of its own, of theirs, go on, goes on, gone on, in the way, passed by, passes by, looked for, is looked, are looked
"""
PARTICIPLES = """
    made told said found given sought wanted known shown kept named each taken written passed asked held chosen left
    looked_at opened lent usual of own
"""
# The promise of the project in its own words.
EXEMPT = "whatever the load, the fault or the caller"


def _pattern(phrases: list[str]) -> re.Pattern[str]:
    """Return a pattern that matches each phrase, also with a capital first letter, but not Python's ``is None``."""
    spelled = [*phrases, *(phrase.capitalize() for phrase in phrases)]
    spaced = (r"(?: +| *\n *)".join(phrase.split()) for phrase in spelled)
    return re.compile(rf"\b(?:{'|'.join(spaced)})\b")


_MARKED = _pattern([phrase.strip() for phrase in PHRASES.split(",")])
_PARTICIPLES = frozenset(PARTICIPLES.split())
_EXEMPT = _pattern([EXEMPT])
_INLINE_LITERAL = re.compile(r"``[^`]+``")
# The indentation of a line, including the bullet of a list item.
_MARGIN = re.compile(r"^\s*(?:[*-] )?")
_LITERAL_BLOCK = re.compile(r"^\s*\.\. (?:code-block|svgbob|toctree)::|^(?!\s*\.\. ).*::$")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Group:
    """The counts of a group of files, and where each counted word occurs."""

    name: str
    words: int = 0
    lines: int = 0
    marked: list[str] = field(default_factory=list)
    give: list[str] = field(default_factory=list)
    participles: list[str] = field(default_factory=list)

    def read_prose(self, path: Path, prose: str) -> None:
        """Count the words of a text and record its marked phrases; the text has the line numbers of the file."""
        prose = _blank(_EXEMPT, _blank(_INLINE_LITERAL, prose))
        self.words += len(re.findall(r"\S*\w\S*", prose))
        for match in _MARKED.finditer(prose):
            line = prose.count("\n", 0, match.start()) + 1
            self.marked.append(f"{path}:{line}: {' '.join(match[0].split())}")

    def read_python(self, path: Path) -> None:
        """Count the prose and the names of a Python file."""
        source = path.read_text("utf-8")
        tree = ast.parse(source)
        self.lines += source.count("\n")
        self.read_prose(path, _prose(source, tree))
        self.give += [f"{path}:{node.lineno}: Give" for node in _docstrings(tree) if _begins_with_give(node)]
        self.participles += [f"{path}:{line}: {name}" for line, name in _names(tree) if name in _PARTICIPLES]

    def places(self) -> list[str]:
        """Return the places of each kind whose limit is exceeded."""
        return [
            *(self.marked if 1000 * len(self.marked) > MAX_MARKED * self.words else []),
            *self.give,
            *(self.participles if 1000 * len(self.participles) > MAX_PARTICIPLES * self.lines else []),
        ]

    def __str__(self) -> str:
        """Return the counts in one line."""
        marked = 1000 * len(self.marked) / max(self.words, 1)
        counts = f"{self.name}: {self.words} words, {marked:.1f} marked in 1,000"
        if not self.lines:
            return counts
        participles = 1000 * len(self.participles) / self.lines
        return f"{counts}; {len(self.give)} docstrings begin with Give; {participles:.1f} participles in 1,000 lines"


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace each match with a character that is not a word; line numbers stay the same."""
    return pattern.sub(lambda match: f"`{match[0].count(chr(10)) * chr(10)}`", text)


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            statement = node.body[0]
            assert isinstance(statement, ast.Expr)
            assert isinstance(statement.value, ast.Constant)
            yield statement.value


def _begins_with_give(docstring: ast.Constant) -> bool:
    return re.match(r"\s*Gives?\b", str(docstring.value)) is not None


def _prose(source: str, tree: ast.Module) -> str:
    """Return the docstrings and comments of a file, each on its own lines; all other lines are empty."""
    lines = source.splitlines()
    prose = [""] * len(lines)
    for node in _docstrings(tree):
        prose[node.lineno - 1 : node.end_lineno] = lines[node.lineno - 1 : node.end_lineno]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            prose[token.start[0] - 1] = token.string.lstrip("#")
    return "\n".join(prose)


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every variable that is assigned, and of every parameter."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def _page_prose(page: str) -> str:
    """Return a page of reStructuredText with empty lines for its literal blocks."""
    prose = []
    indent = None
    for line in page.splitlines():
        depth = len(line) - len(_MARGIN.sub("", line))
        if indent is not None and line.strip() and depth <= indent:
            indent = None
        prose.append("" if indent is not None else line)
        if indent is None and _LITERAL_BLOCK.search(line):
            indent = depth
    return "\n".join(prose)


def _files(patterns: tuple[str, ...]) -> list[Path]:
    """Return the matching files under the current folder, without symbolic links, whose targets would be read twice."""
    return sorted({path for pattern in patterns for path in Path().glob(pattern) if not path.is_symlink()})


def groups() -> list[Group]:
    """Return the counts of every group of files under the current folder."""
    counted = []
    for name, patterns in PYTHON.items():
        counted.append(Group(name))
        for path in _files(patterns):
            counted[-1].read_python(path)
    counted.append(Group("manual"))
    for path in _files(MANUAL):
        counted[-1].read_prose(path, _page_prose(path.read_text("utf-8")))
    return counted


def main() -> int:
    """Print the counts, and the places if a limit is exceeded; return the exit status."""
    counted = groups()
    places = [place for group in counted for place in group.places()]
    print(*places, *counted, sep="\n")
    return 1 if places else 0


if __name__ == "__main__":
    sys.exit(main())
