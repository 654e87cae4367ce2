"""The store of the firmware's variables: its rules against a model, and its file."""
from __future__ import annotations

import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.uefi.definitions import Guid, Status
from boot.uefi.variables import (ACCESS, APPEND_WRITE, BOOTSERVICE_ACCESS, GLOBAL, LARGEST, NON_VOLATILE, RUNTIME_ACCESS,
                                 Variables)
from x86.faults import ImageError

VENDOR = Guid("11111111-2222-3333-4444-555555555555")
LASTING = NON_VOLATILE | ACCESS


def test_what_lasts_is_in_the_file_and_comes_back(tmp_path):
    path = tmp_path / "nvram.json"
    store = Variables()
    store.load(path)
    assert store.set("Lasting \N{EURO SIGN}", VENDOR, LASTING, b"\x01\x02", False) == Status.SUCCESS
    assert store.set("Gone", VENDOR, ACCESS, b"\x03", False) == Status.SUCCESS
    again = Variables()
    again.load(path)
    assert {key[0]: each.data for key, each in again.values.items()} == {"Lasting \N{EURO SIGN}": b"\x01\x02"}
    assert again.set("Lasting \N{EURO SIGN}", VENDOR, 0, b"", False) == Status.SUCCESS
    assert json.loads(path.read_text())["variables"] == []


@pytest.mark.parametrize("text, words", [
    ("{", "not a file of UEFI variables"),
    ('{"format": "other", "version": 1}', "it is not of the format"),
    ('{"format": "x86 UEFI variables", "version": 1}', "'variables' is missing"),
    ('{"format": "x86 UEFI variables", "version": 1, "variables": [{"name": "a", "guid": "x", "attributes": 7, "data": ""}]}',
     "not a file of UEFI variables"),
    ('{"format": "x86 UEFI variables", "version": 1, "variables": [{"name": "", "guid": "' + str(VENDOR) + '", "attributes": 7, '
     '"data": ""}]}', "a variable has a name that is empty"),
])
def test_a_file_that_is_none_is_refused_in_words(tmp_path, text, words):
    path = tmp_path / "nvram.json"
    path.write_text(text)
    with pytest.raises(ImageError, match=words):
        Variables().load(path)
    assert path.read_text() == text


def test_an_operating_system_sees_only_what_is_its_own():
    store = Variables()
    store.set("Loader", VENDOR, NON_VOLATILE | BOOTSERVICE_ACCESS, b"1", False)
    store.set("System", VENDOR, LASTING, b"2", False)
    store.set("Volatile", VENDOR, ACCESS, b"3", False)
    assert store.visible(("Loader", VENDOR), True) is None
    assert store.after(None, True) == ("System", VENDOR)
    assert store.after(("System", VENDOR), True) == ("Volatile", VENDOR)
    assert store.set("Loader", VENDOR, LASTING, b"4", True) == Status.WRITE_PROTECTED
    assert store.set("Volatile", VENDOR, ACCESS, b"4", True) == Status.WRITE_PROTECTED
    assert store.set("New", VENDOR, ACCESS, b"4", True) == Status.INVALID_PARAMETER
    assert store.set("New", VENDOR, LASTING, b"4", True) == Status.SUCCESS


def test_attributes_have_rules():
    store = Variables()
    assert store.set("A", VENDOR, RUNTIME_ACCESS, b"1", False) == Status.INVALID_PARAMETER
    assert store.set("A", VENDOR, 0x100 | ACCESS, b"1", False) == Status.INVALID_PARAMETER
    assert store.set("A", VENDOR, LASTING, bytes(LARGEST), False) == Status.INVALID_PARAMETER
    assert store.set("A", VENDOR, LASTING, b"1", False) == Status.SUCCESS
    assert store.set("A", VENDOR, ACCESS, b"1", False) == Status.INVALID_PARAMETER
    store.provide("Fixed", b"1", read_only=True)
    assert store.set("Fixed", store.after(("A", VENDOR), False)[1], ACCESS, b"2", False) == Status.WRITE_PROTECTED


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.binary(max_size=3))))
def test_writes_appends_and_deletions_are_those_of_a_dictionary(steps):
    store, model = Variables(), {}
    for name, append, data in steps:
        status = store.set(name, VENDOR, LASTING | (APPEND_WRITE if append else 0), data, False)
        if append:
            if data:
                model[name] = model.get(name, b"") + data
            assert status == Status.SUCCESS
        elif data:
            model[name] = data
        else:
            assert status == (Status.SUCCESS if model.pop(name, None) is not None else Status.NOT_FOUND)
        assert {key[0]: each.data for key, each in store.values.items()} == model


@pytest.mark.parametrize("name, attributes, data, status", [
    ("BootOrder", LASTING, b"\0\0\1\0", Status.SUCCESS), ("BootOrder", LASTING, b"\0", Status.INVALID_PARAMETER),
    ("Timeout", LASTING, b"\5\0", Status.SUCCESS), ("Timeout", ACCESS, b"\5\0", Status.INVALID_PARAMETER),
    ("ConOut", LASTING, b"\x7f\xff\4\0", Status.SUCCESS), ("ConOut", LASTING, b"\x7f\xff\4", Status.INVALID_PARAMETER),
    ("SetupMode", ACCESS, b"\0", Status.WRITE_PROTECTED), ("Elsewhere", ACCESS, b"\0", Status.INVALID_PARAMETER),
    ("Boot0001", LASTING, b"\1\0\0\0\4\0x\0\0\0\x7f\xff\4\0data", Status.SUCCESS),
    ("Boot0001", LASTING, b"\1\0\0\0\5\0x\0\0\0\x7f\xff\4\0d", Status.INVALID_PARAMETER),
    ("Boot0001", LASTING, b"\1\0\0\0\4\0xyz", Status.INVALID_PARAMETER),
    ("Boot000a", LASTING, b"\1\0\0\0\4\0x\0\0\0\x7f\xff\4\0", Status.INVALID_PARAMETER),
])
def test_the_specifications_own_variables_are_what_it_says(name, attributes, data, status):
    assert Variables().set(name, GLOBAL, attributes, data, False) == status


@given(st.binary(max_size=40), st.sampled_from(["Boot0000", "ConIn", "BootOrder", "PlatformLang"]))
def test_no_contents_upset_the_checks(data, name):
    store = Variables()
    if store.set(name, GLOBAL, LASTING, data, False) == Status.SUCCESS:
        assert store.values[name, GLOBAL].data == data


def test_the_store_has_an_end():
    store = Variables()
    statuses = [store.set(f"V{number}", VENDOR, LASTING, bytes(30000), False) for number in range(10)]
    assert statuses == [Status.SUCCESS] * 8 + [Status.OUT_OF_RESOURCES] * 2
    assert store.set("V0", VENDOR, LASTING, bytes(29000), False) == Status.SUCCESS
    assert store.set("Volatile", VENDOR, ACCESS, bytes(30000), False) == Status.SUCCESS


def test_a_file_that_cannot_be_written_is_a_device_error_and_nothing_has_changed(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    store = Variables()
    store.load(home / "nvram.json")
    assert store.set("A", VENDOR, LASTING, b"1", False) == Status.SUCCESS
    (home / "nvram.json").unlink()
    home.rmdir()
    for data in (b"2", b""):
        assert store.set("A", VENDOR, LASTING, data, False) == Status.DEVICE_ERROR
        assert store.values["A", VENDOR].data == b"1"
    assert store.set("B", VENDOR, LASTING, b"2", False) == Status.DEVICE_ERROR
    assert ("B", VENDOR) not in store.values
    with pytest.raises(ImageError, match="there is no such directory"):
        Variables().load(home / "nvram.json")


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "7", '{"format": "x86 UEFI variables", "version": 1, "variables": 5}',
                                  *('{"format": "x86 UEFI variables", "version": 1, "variables": [%s]}' % entry for entry in (
                                      "5", "[]", '{"name": "a", "guid": 7, "attributes": 7, "data": ""}',
                                      '{"name": "a", "guid": "%s", "attributes": 1e999, "data": ""}' % VENDOR,
                                      '{"name": "a", "guid": "%s", "attributes": 7, "data": 7}' % VENDOR,
                                      '{"name": "a", "guid": "%s", "attributes": 7, "data": "0"}' % VENDOR))])
def test_no_file_upsets_the_reader(tmp_path, text):
    path = tmp_path / "nvram.json"
    path.write_text(text)
    with pytest.raises(ImageError, match="not a file of UEFI variables"):
        Variables().load(path)


def test_a_link_to_the_file_stays_a_link(tmp_path):
    link, file = tmp_path / "link.json", tmp_path / "nvram.json"
    link.symlink_to(file)
    for data in (b"first", b"second"):
        store = Variables()
        store.load(link)
        assert store.set("X", VENDOR, LASTING, data, False) == Status.SUCCESS
    assert link.is_symlink() and b"second".hex() in file.read_text()


def test_a_device_is_never_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ImageError, match="a device or a pipe, in which no variables can be kept"):
        Variables().load(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
