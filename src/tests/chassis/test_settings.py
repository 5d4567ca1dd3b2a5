"""Settings: which layer wins, where a value came from, and what is refused in whose name."""

from pathlib import Path

import pytest
from flask import Flask
from marshmallow import INCLUDE, Schema, fields, validate

from invsys.chassis.config import settings
from invsys.chassis.config.settings import Settings, SettingsError

DEFAULT = """
[server]
host = 127.0.0.1
port = 5000
[server_log]
level = info
[names]
a = A
"""


class Server(Schema):
    host = fields.String(required=True)
    port = fields.Integer(required=True, validate=validate.Range(1, 65535))


class ServerLog(Schema):
    level = fields.String(required=True)


class Names(Schema):
    class Meta:
        unknown = INCLUDE


class All(Schema):
    """One section's name begins another's, and one has free keys."""

    server = fields.Nested(Server, required=True)
    server_log = fields.Nested(ServerLog, required=True)
    names = fields.Nested(Names, required=True)


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    return tmp_path / "service.ini"


@pytest.fixture
def default(tmp_path: Path) -> Path:
    written = tmp_path / "default_config.ini"
    written.write_text(DEFAULT, "utf-8")
    return written


class Loader:
    """Loads with a service's name that no machine has settings for."""

    def __init__(self, default: Path, ini: Path) -> None:
        self.default = default
        self.ini = ini

    def __call__(self, text: str | bytes | None = None, /, **environ: str) -> Settings:
        if text is not None:
            self.ini.write_bytes(text if isinstance(text, bytes) else text.encode())
        file = None if text is None else str(self.ini)
        return settings.load(All(), self.default, "no-such-service", environ, file)


@pytest.fixture
def load(default: Path, ini: Path) -> Loader:
    return Loader(default, ini)


def shown(loaded: Settings) -> dict[str, tuple[str, str]]:
    return {f"{section}.{key}": (value, origin) for section, key, value, origin in loaded.entries()}


def test_without_anything_else_the_defaults_hold(load: Loader) -> None:
    loaded = load()
    assert loaded["server"] == {"host": "127.0.0.1", "port": 5000}
    assert shown(loaded)["server.port"] == ("5000", "default")


def test_the_file_lies_over_the_defaults_and_the_environment_over_both(load: Loader, ini: Path) -> None:
    loaded = load("[server]\nport = 1\nhost = file\n", INVSYS_SERVER_PORT="2")
    assert loaded["server"] == {"host": "file", "port": 2}
    assert shown(loaded) == {
        "server.host": ("file", str(ini)),
        "server.port": ("2", "INVSYS_SERVER_PORT"),
        "server_log.level": ("info", "default"),
        "names.a": ("A", "default"),
    }


def test_a_file_adds_free_keys_beside_the_defaults(load: Loader) -> None:
    assert load("[names]\nb = B\n", INVSYS_NAMES_C_D="CD")["names"] == {"a": "A", "b": "B", "c_d": "CD"}


def test_the_environment_names_the_file_unless_the_operator_does(load: Loader, default: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.ini"
    other.write_text("[server]\nport = 7\nhost = other\n", "utf-8")
    assert load(INVSYS_CONFIG=str(other))["server"] == {"host": "other", "port": 7}
    assert load("[server]\nport = 8\n", INVSYS_CONFIG=str(other))["server"] == {"host": "127.0.0.1", "port": 8}
    assert load(INVSYS_CONFIG="")["server"]["port"] == 5000


def test_a_variable_belongs_to_the_longest_section_that_it_names(load: Loader) -> None:
    assert load(INVSYS_SERVER_LOG_LEVEL="debug")["server_log"] == {"level": "debug"}


def test_variables_of_others_are_left_alone(load: Loader) -> None:
    assert load(PATH="/bin", INVSYSX="1", XINVSYS_SERVER_PORT="x")["server"]["port"] == 5000


@pytest.mark.parametrize("value", ["p%40ss", "%(port)s", "100%", "%%", "$HOME", "a;b", "a # b", "a = b", "ä", "[x]"])
def test_a_value_is_taken_as_it_is_written(load: Loader, value: str) -> None:
    assert load(f"[server]\nhost = {value}\n")["server"]["host"] == value
    assert load(INVSYS_SERVER_HOST=value)["server"]["host"] == value


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[server]\nport = x\n", "[server] port"),
        ("[server]\nport = 0\n", "[server] port"),
        ("[server]\nport =\n", "[server] port"),
        ("[server]\nprot = 1\n", "[server] prot"),
        ("[server_log]\nport = 1\n", "[server_log] port"),
        ("[sever]\nport = 1\n", "[sever]"),
        ("[Server]\nport = 1\n", "[Server]"),
        ("[DEFAULT]\nport = 1\n", "[DEFAULT]"),
        ("[default]\nlevel = debug\n", "[default]"),
    ],
)
def test_a_setting_in_the_file_that_cannot_be_used_is_refused_by_name_and_file(
    load: Loader, ini: Path, text: str, named: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(text)
    assert named in str(caught.value)
    assert str(ini) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nprot = 1\n", "[server] prot (from {ini}): No such setting (did you mean port?)."),
        ("[server]\nx = 1\n", "[server] x (from {ini}): No such setting; the settings of [server] are host, port."),
        ("[sever]\nport = 1\n", "[sever] (from {ini}): No such section (did you mean server?)."),
        ("[x]\ny = 1\n", "[x] (from {ini}): No such section; the sections are names, server, server_log."),
    ],
)
def test_a_misspelt_name_in_the_file_is_answered_by_the_valid_ones(
    load: Loader, ini: Path, text: str, message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(text)
    assert str(caught.value) == message.format(ini=ini)


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("INVSYS_SERVER_PROT", "[server] prot (from INVSYS_SERVER_PROT): No such setting (did you mean port?)."),
        ("INVSYS_SEVER_PORT", "INVSYS_SEVER_PORT: no such setting (did you mean INVSYS_SERVER_PORT?)"),
        ("INVSYS_SERVERPORT", "INVSYS_SERVERPORT: no such setting (did you mean INVSYS_SERVER_PORT?)"),
        ("INVSYS_CONFG", "INVSYS_CONFG: no such setting (did you mean INVSYS_CONFIG?)"),
        ("INVSYS_WWWWWWWWWWWW", "INVSYS_WWWWWWWWWWWW: no such setting; the sections are names, server, server_log"),
    ],
)
def test_a_misspelt_variable_is_answered_by_the_valid_ones(load: Loader, variable: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**{variable: "1"})
    assert str(caught.value) == message


def test_a_free_key_is_never_misspelt(load: Loader) -> None:
    assert load("[names]\nb = B\n")["names"] == {"a": "A", "b": "B"}


@pytest.mark.parametrize(
    "variable",
    ["INVSYS_SERVER_PORT", "INVSYS_SERVER_PROT", "INVSYS_SERVER_", "INVSYS_SERVER", "INVSYS_SEVER_PORT", "INVSYS_"],
)
def test_a_variable_that_cannot_be_used_is_refused_by_name(load: Loader, variable: str) -> None:
    with pytest.raises(SettingsError, match=rf"\b{variable}\b"):
        load(**{variable: "x"})


def test_the_layer_that_wins_is_blamed_and_not_the_one_beneath(load: Loader, ini: Path) -> None:
    assert load("[server]\nport = x\n", INVSYS_SERVER_PORT="1")["server"]["port"] == 1
    with pytest.raises(SettingsError) as caught:
        load("[server]\nport = 1\n", INVSYS_SERVER_PORT="x")
    assert str(ini) not in str(caught.value)


def test_all_faults_are_told_at_once(load: Loader) -> None:
    with pytest.raises(SettingsError) as caught:
        load("[server]\nport = x\nprot = 1\n[sever]\na = b\n", INVSYS_SERVER_LOG_LEVLE="x")
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert all(any(name in line for line in lines) for name in ("port", "prot", "[sever]", "levle"))


@pytest.mark.parametrize(
    "content",
    [
        b"port = 1\n",
        b"[server\nport = 1\n",
        b"[server]\nport\n",
        b"[server]\n= 1\n",
        b"[]\nport = 1\n",
        b"[server]\nport = 1\nport = 1\n",
        b"[server]\nport = 1\nPORT = 2\n",
        b"[server]\nport = 1\n[server]\nhost = x\n",
        b"[server]\nhost = \xe9\n",
        "[server]\nport = 1\n".encode("utf-16"),
        b"\xef\xbb\xbf[server]\nport = 1\n",
    ],
)
def test_a_file_that_is_not_one_ini_file_in_utf_8_is_refused_by_its_name(
    load: Loader, ini: Path, content: bytes
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(content)
    assert str(ini) in str(caught.value)


def test_a_key_that_stands_indented_is_not_swallowed_by_the_value_above_it(load: Loader) -> None:
    with pytest.raises(SettingsError, match="host"):
        load("[server]\nhost = x\n  port = 1\n")


@pytest.mark.parametrize("name", ["missing.ini", "", "service.ini/below"])
def test_a_chosen_file_that_cannot_be_read_is_refused_by_its_name(load: Loader, ini: Path, name: str) -> None:
    ini.write_text("", "utf-8")
    chosen = str(ini.parent / name)
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        load(INVSYS_CONFIG=chosen)
    assert chosen in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("root:secret\n[server]\n", "line 1: a section such as [server] is missing"),
        ("[server]\nport = 1\nsecret\n", "line 3: neither [section] nor key = value"),
        ("[server]\nport = 1\nport = 2\n", "port"),
        ("\ufeff[server]\nport = 1\n", "begins with a byte order mark"),
    ],
)
def test_a_file_that_is_no_ini_is_refused_in_one_line_that_does_not_quote_it(
    load: Loader, ini: Path, text: str, fault: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(text)
    message = str(refused.value)
    assert message.startswith(f"{ini}: ")
    assert fault in message
    assert "secret" not in message
    assert "\n" not in message


def test_a_worker_ends_with_one_line_where_a_setting_cannot_be_used() -> None:
    def build() -> Flask:
        raise SettingsError("[server] port (from a.ini): Not a valid integer.")

    with pytest.raises(SystemExit) as ended:
        settings.or_exit(build)
    assert ended.value.code == "settings: [server] port (from a.ini): Not a valid integer."
    app = Flask("tiny")
    assert settings.or_exit(lambda: app) is app
