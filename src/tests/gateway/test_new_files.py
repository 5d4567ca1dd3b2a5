"""A clients' file that is made anew belongs to whom its folder does: the service has to read what root has made."""

import os
import stat

import pytest

from invsys.gateway import administration


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_root_makes_belongs_to_whom_the_folder_does(tmp_path):
    os.chown(tmp_path, 4711, 4712)
    administration.add(tmp_path / "clients.ini", "booking", ["resources:read"])
    found = (tmp_path / "clients.ini").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (4711, 4712, 0o600)


def test_keys_that_have_ended_are_taken_out_with_the_next_one(tmp_path):
    file = tmp_path / "clients.ini"
    administration.add(file, "booking", ["resources:read"])
    ended = "key.0a0b0c0d = " + "0" * 64 + ", until 2020-01-01T00:00:00+00:00\n"
    file.write_text(file.read_text() + ended)
    administration.rotate(file, "booking", administration.timedelta(hours=1))
    assert "0a0b0c0d" not in file.read_text()
    assert file.read_text().count("key.") == 2
