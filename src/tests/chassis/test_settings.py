"""Settings: the order of the sources, the origin of each value, and the messages about invalid settings."""

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
    """A schema in which one section name is a prefix of another, and one section accepts any key."""

    server = fields.Nested(Server, required=True)
    server_log = fields.Nested(ServerLog, required=True)
    names = fields.Nested(Names, required=True)


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    return tmp_path / "service.ini"


@pytest.fixture
def default(tmp_path: Path) -> Path:
    file = tmp_path / "default_config.ini"
    file.write_text(DEFAULT, "utf-8")
    return file


class Loader:
    """Loads the settings of a service that has no file in /etc."""

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


def values_and_origins(loaded: Settings) -> dict[str, tuple[str, str]]:
    return {f"{section}.{key}": (value, origin) for section, key, value, origin in loaded.entries()}


def test_the_defaults_apply_if_nothing_else_is_set(load: Loader) -> None:
    loaded = load()
    assert loaded["server"] == {"host": "127.0.0.1", "port": 5000}
    assert values_and_origins(loaded)["server.port"] == ("5000", "default")


def test_the_file_overrides_the_defaults_and_the_environment_overrides_both(load: Loader, ini: Path) -> None:
    loaded = load("[server]\nport = 1\nhost = file\n", INVSYS_SERVER_PORT="2")
    assert loaded["server"] == {"host": "file", "port": 2}
    assert values_and_origins(loaded) == {
        "server.host": ("file", str(ini)),
        "server.port": ("2", "INVSYS_SERVER_PORT"),
        "server_log.level": ("info", "default"),
        "names.a": ("A", "default"),
    }


def test_a_file_adds_keys_to_a_section_with_any_key(load: Loader) -> None:
    assert load("[names]\nb = B\n", INVSYS_NAMES_C_D="CD")["names"] == {"a": "A", "b": "B", "c_d": "CD"}


def test_the_environment_sets_the_file_unless_the_option_does(load: Loader, default: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.ini"
    other.write_text("[server]\nport = 7\nhost = other\n", "utf-8")
    assert load(INVSYS_CONFIG=str(other))["server"] == {"host": "other", "port": 7}
    assert load("[server]\nport = 8\n", INVSYS_CONFIG=str(other))["server"] == {"host": "127.0.0.1", "port": 8}
    assert load(INVSYS_CONFIG="")["server"]["port"] == 5000


def test_a_variable_belongs_to_the_section_with_the_longest_matching_name(load: Loader) -> None:
    assert load(INVSYS_SERVER_LOG_LEVEL="debug")["server_log"] == {"level": "debug"}


def test_other_variables_are_ignored(load: Loader) -> None:
    assert load(PATH="/bin", INVSYSX="1", XINVSYS_SERVER_PORT="x")["server"]["port"] == 5000


@pytest.mark.parametrize("value", ["p%40ss", "%(port)s", "100%", "%%", "$HOME", "a;b", "a # b", "a = b", "ä", "[x]"])
def test_a_value_is_not_interpreted(load: Loader, value: str) -> None:
    assert load(f"[server]\nhost = {value}\n")["server"]["host"] == value
    assert load(INVSYS_SERVER_HOST=value)["server"]["host"] == value


@pytest.mark.parametrize(
    ("text", "setting"),
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
def test_an_invalid_setting_in_the_file_is_reported_with_its_name_and_file(
    load: Loader, ini: Path, text: str, setting: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(text)
    assert setting in str(caught.value)
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
def test_a_misspelt_name_in_the_file_is_reported_with_the_valid_names(
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
def test_a_misspelt_variable_is_reported_with_the_valid_names(load: Loader, variable: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**{variable: "1"})
    assert str(caught.value) == message


def test_a_section_with_any_key_has_no_misspelt_keys(load: Loader) -> None:
    assert load("[names]\nb = B\n")["names"] == {"a": "A", "b": "B"}


@pytest.mark.parametrize(
    "variable",
    ["INVSYS_SERVER_PORT", "INVSYS_SERVER_PROT", "INVSYS_SERVER_", "INVSYS_SERVER", "INVSYS_SEVER_PORT", "INVSYS_"],
)
def test_an_invalid_variable_is_reported_with_its_name(load: Loader, variable: str) -> None:
    with pytest.raises(SettingsError, match=rf"\b{variable}\b"):
        load(**{variable: "x"})


def test_only_the_effective_source_is_reported(load: Loader, ini: Path) -> None:
    assert load("[server]\nport = x\n", INVSYS_SERVER_PORT="1")["server"]["port"] == 1
    with pytest.raises(SettingsError) as caught:
        load("[server]\nport = 1\n", INVSYS_SERVER_PORT="x")
    assert str(ini) not in str(caught.value)


def test_all_errors_are_reported_together(load: Loader) -> None:
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
def test_an_invalid_ini_file_is_reported_with_its_name(load: Loader, ini: Path, content: bytes) -> None:
    with pytest.raises(SettingsError) as caught:
        load(content)
    assert str(ini) in str(caught.value)


def test_an_indented_key_is_refused_and_not_part_of_the_previous_value(load: Loader) -> None:
    with pytest.raises(SettingsError, match="host"):
        load("[server]\nhost = x\n  port = 1\n")


@pytest.mark.parametrize("name", ["missing.ini", "", "service.ini/below"])
def test_an_unreadable_file_is_reported_with_its_name(load: Loader, ini: Path, name: str) -> None:
    ini.write_text("", "utf-8")
    path = str(ini.parent / name)
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        load(INVSYS_CONFIG=path)
    assert path in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("root:secret\n[server]\n", "line 1: a section such as [server] is missing"),
        ("[server]\nport = 1\nsecret\n", "line 3: neither [section] nor key = value"),
        ("[server]\nport = 1\nport = 2\n", "port"),
        ("\ufeff[server]\nport = 1\n", "begins with a byte order mark"),
    ],
)
def test_the_message_about_an_invalid_ini_file_does_not_quote_it(
    load: Loader, ini: Path, text: str, fault: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(text)
    message = str(refused.value)
    assert message.startswith(f"{ini}: ")
    assert fault in message
    assert "secret" not in message
    assert "\n" not in message


def test_or_exit_ends_the_process_with_the_message() -> None:
    def build() -> Flask:
        raise SettingsError("[server] port (from a.ini): Not a valid integer.")

    with pytest.raises(SystemExit) as ended:
        settings.build_or_exit(build)
    assert ended.value.code == "settings: [server] port (from a.ini): Not a valid integer."
    app = Flask("tiny")
    assert settings.build_or_exit(lambda: app) is app
