"""Ids: the bits that RFC 9562 prescribes, and the time in ids of version 7."""

import os
import time
import uuid

import pytest

from invsys.chassis import identifiers


@pytest.mark.parametrize(("create", "version"), [(identifiers.new, 4), (identifiers.new_ordered, 7)])
def test_ids_have_their_version_and_the_variant_of_the_rfc_and_differ(create, version):
    ids = {create() for _ in range(10_000)}
    assert len(ids) == 10_000
    assert {(item.version, item.variant) for item in ids} == {(version, uuid.RFC_4122)}


def test_ids_of_version_7_begin_with_the_time_in_milliseconds_and_the_rest_differs():
    before = time.time_ns() // 1_000_000
    ids = [identifiers.new_ordered() for _ in range(1_000)]
    after = time.time_ns() // 1_000_000
    assert before <= ids[0].int >> 80 <= ids[-1].int >> 80 <= after
    assert len({item.int & (1 << 62) - 1 for item in ids}) == len({item.bytes[-6:] for item in ids}) == 1_000


@pytest.mark.parametrize("create", [identifiers.new, identifiers.new_ordered])
def test_a_forked_process_does_not_repeat_the_ids_of_its_parent(create):
    create()
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.write(writer, create().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    in_child = os.read(reader, 16)
    os.close(reader)
    os.close(writer)
    assert in_child[-8:] != create().bytes[-8:]
