"""A clients' file that others can write is refused at the start and while the gateway runs."""

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

RIGHT = "invsys_0000000a_secret"
NOBODY, STRANGER = 65534, 4711
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def written(clients_file):
    clients_file.write_text(hand_written())
    return clients_file


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o622, 0o664, 0o666, 0o646])
@pytest.mark.parametrize("command", ["serve", "serve --check", "runserver", "client list", "client rotate booking"])
def test_one_that_others_can_write_is_refused_in_one_line(run, written, command, mode):
    written.chmod(mode)
    before = written.read_bytes()
    told = f"other users can write to it (mode {mode:04o}): run 'chmod go-w {written}'"
    assert run(*command.split()) == (2, "", f"invsys-gateway-manage: {written}: {told}\n")
    assert written.read_bytes() == before


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o644, 0o700])
def test_one_that_others_can_only_read_is_used(run, written, mode):
    written.chmod(mode)
    assert run("client", "list")[0] == 0


@pytest.fixture
def load_as_nobody():
    """Load a file of an owner as an ordinary user does; gives the file and what was read."""
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
def test_one_of_roots_and_one_of_the_services_user_are_used(load_as_nobody, owner):
    assert load_as_nobody(owner).clients


@AS_ROOT
def test_one_of_another_user_is_refused_by_the_users_names(load_as_nobody):
    with pytest.raises(InvalidClientsFile, match=f"its owner is user {STRANGER}, but must be root or nobody"):
        load_as_nobody(STRANGER)


@AS_ROOT
def test_root_can_change_the_file_of_the_services_user(run, written):
    os.chown(written, STRANGER, -1)
    assert run("client", "revoke", "booking")[0] == 0
    assert written.stat().st_uid == STRANGER


def test_while_the_gateway_runs_the_clients_stay_those_that_were_read_last(gateway, written, monkeypatch, caplog):
    caplog.set_level(logging.ERROR)
    monkeypatch.setattr(module, "time", clock := Clock())
    built = gateway("http://127.0.0.1:9")
    assert as_client(built, RIGHT).get("/api/cars").status_code == 502
    written.write_text(hand_written().replace("0000000a", "0000000d"))
    written.chmod(0o660)
    clock.pass_by(1.5)
    assert as_client(built, RIGHT).get("/api/cars").status_code == 502
    assert f"the clients file is not used: {written}: other users can write to it (mode 0660)" in caplog.text
    # A change of the mode alone is noticed, too.
    written.chmod(0o600)
    clock.pass_by(1.5)
    assert as_client(built, RIGHT).get("/api/cars").status_code == 401
