"""A clients' file that root makes belongs to whom its folder does, as the service has to read it."""

import os
import stat

from invsys.gateway.auth import client_admin


def test_a_new_file_can_be_read_by_whom_it_is_for(tmp_path):
    owner = (4711, 4712) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(tmp_path, *owner)
    client_admin.add(tmp_path / "clients.ini", "booking", ["resources:read"])
    found = (tmp_path / "clients.ini").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (*owner, 0o600)


def test_the_folder_of_a_new_file_is_created_for_its_owner_only(tmp_path):
    file = tmp_path / "new" / "inner" / "clients.ini"
    client_admin.add(file, "booking", ["resources:read"])
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (file.parent, tmp_path / "new")} == {0o700}


def test_keys_that_have_ended_are_taken_out_with_the_next_one(tmp_path):
    file = tmp_path / "clients.ini"
    client_admin.add(file, "booking", ["resources:read"])
    ended = "key.0a0b0c0d = " + "0" * 64 + ", until 2020-01-01T00:00:00+00:00\n"
    file.write_text(file.read_text() + ended)
    client_admin.rotate(file, "booking", client_admin.timedelta(hours=1))
    assert "0a0b0c0d" not in file.read_text()
    assert file.read_text().count("key.") == 2
