"""Flask-Script 2.0.6 (2017) on today's Flask and Python, and a bridge from it to click's commands.

Its import needs names that Flask no longer has; they are lent to it and taken away again.
"""

import inspect
import warnings
from types import ModuleType
from typing import Any
from unittest.mock import patch

import flask
from click import Group
from flask.cli import ScriptInfo


def _cured() -> ModuleType:
    """Import flask_script with what it misses, and leave ``flask`` and ``inspect`` as they were."""
    compat = ModuleType("flask._compat")
    compat.text_type = str  # type: ignore[attr-defined]
    with (
        patch.dict("sys.modules", {"flask._compat": compat}),
        patch.object(flask, "_request_ctx_stack", None, create=True),
        warnings.catch_warnings(),
    ):
        # Its source has escapes such as "\\d" in plain strings.
        warnings.simplefilter("ignore")
        import flask_script
        import flask_script.commands
    # inspect.getargspec went in Python 3.11; the commands module alone gets a stand-in for the module.
    stand_in = ModuleType("inspect")
    stand_in.__dict__.update(vars(inspect), getargspec=lambda f: inspect.getfullargspec(f)[:4])
    flask_script.commands.inspect = stand_in
    return flask_script  # type: ignore[no-any-return]


_flask_script = _cured()

Command = _flask_script.Command
Option = _flask_script.Option
Server = _flask_script.Server
Shell = _flask_script.Shell
ShowUrls = _flask_script.commands.ShowUrls
