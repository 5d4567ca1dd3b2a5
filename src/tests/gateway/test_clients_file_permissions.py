"""A clients file that other users can write is rejected, by the commands and by a running gateway."""

import logging
import os
import tempfile
from pathlib import Path

import pytest

from invsys.gateway.auth import clients_file as module
from invsys.gateway.auth.clients_file import InvalidClientsFile
from tests.gateway.conftest import as_client
from tests.support.client_files import hand_written
from tests.support.fake_clock import Clock
from tests.support.tables import table_driven

KEY = "invsys_0000000a_secret"
NOBODY, OTHER_USER = 65534, 4711
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def written_file(clients_file):
    clients_file.write_text(hand_written())
    return clients_file


@table_driven("mode", [0o620, 0o602, 0o622, 0o664, 0o666, 0o646])
@table_driven("command", ["serve", "serve --check", "runserver", "client list", "client rotate booking"])
def test_a_file_that_others_can_write_is_rejected_in_one_line(run_command, written_file, command, mode):
    written_file.chmod(mode)
    before = written_file.read_bytes()
    message = f"other users can write to it (mode {mode:04o}): run 'chmod go-w {written_file}'"
    assert run_command(*command.split()) == (2, "", f"invsys-gateway-manage: {written_file}: {message}\n")
    assert written_file.read_bytes() == before


@table_driven("mode", [0o400, 0o600, 0o640, 0o644, 0o700])
def test_a_file_that_others_can_only_read_is_accepted(run_command, written_file, mode):
    written_file.chmod(mode)
    assert run_command("client", "list")[0] == 0


@pytest.fixture
def load_as_nobody():
    """Return a function that loads, as an ordinary user, a clients file with the given owner."""
    with tempfile.TemporaryDirectory(prefix="invsys-clients-") as folder:
        file = Path(folder, "clients.ini")
        file.write_text(hand_written())
        file.chmod(0o644)
        file.parent.chmod(0o755)

        def load(owner):
            os.chown(file, owner, -1)
            os.seteuid(NOBODY)
            try:
                return module.load(file)
            finally:
                os.seteuid(0)

        yield load


@AS_ROOT
@pytest.mark.parametrize("owner", [0, NOBODY])
def test_files_of_root_and_of_the_services_user_are_accepted(load_as_nobody, owner):
    assert load_as_nobody(owner).clients


@AS_ROOT
def test_a_file_of_another_user_is_rejected_and_the_message_names_the_users(load_as_nobody):
    with pytest.raises(InvalidClientsFile, match=f"its owner is user {OTHER_USER}, but must be root or nobody"):
        load_as_nobody(OTHER_USER)


@AS_ROOT
def test_root_can_change_the_file_of_the_services_user(run_command, written_file):
    os.chown(written_file, OTHER_USER, -1)
    assert run_command("client", "revoke", "booking")[0] == 0
    assert written_file.stat().st_uid == OTHER_USER


def test_a_running_gateway_keeps_the_clients_that_were_read_last(build_gateway, written_file, monkeypatch, caplog):
    caplog.set_level(logging.ERROR)
    monkeypatch.setattr(module, "time", clock := Clock())
    app = build_gateway("http://127.0.0.1:9")
    assert as_client(app, KEY).get("/api/cars").status_code == 502
    written_file.write_text(hand_written().replace("0000000a", "0000000d"))
    written_file.chmod(0o660)
    clock.advance(1.5)
    assert as_client(app, KEY).get("/api/cars").status_code == 502
    assert f"the clients file is not used: {written_file}: other users can write to it (mode 0660)" in caplog.text
    # A change of the mode alone is noticed, too.
    written_file.chmod(0o600)
    clock.advance(1.5)
    assert as_client(app, KEY).get("/api/cars").status_code == 401
