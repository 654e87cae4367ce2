"""The variables of the firmware: their store, its rules, and the file in which those that last are kept. Plain data.

The file is JSON, so that people can read and edit it:

    {"format": "x86 UEFI variables", "version": 1,
     "variables": [{"name": "BootOrder", "guid": "8be4df61-...", "attributes": 7, "data": "0000"}, ...]}

Source: UEFI 2.10, section 8.2 "Variable Services"; the order of checks and the sizes are those of EDK2's driver.
"""
from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from boot.host_file import read_whole
from boot.uefi import variable_rules
from boot.uefi.definitions import Guid, Status
from boot.uefi.variable_rules import GLOBAL
from x86.faults import ImageError

NON_VOLATILE, BOOTSERVICE_ACCESS, RUNTIME_ACCESS, HARDWARE_ERROR_RECORD = 1, 2, 4, 8
AUTHENTICATED_WRITE, TIME_BASED_AUTHENTICATED_WRITE, APPEND_WRITE = 16, 32, 64
ACCESS = BOOTSERVICE_ACCESS | RUNTIME_ACCESS
KNOWN = 0x7F                            # ENHANCED_AUTHENTICATED_ACCESS is not: EDK2 has none

HEADER = 60                             # bytes of a variable's header in the store
LARGEST = 0x8400                        # bytes of a variable with header and name
CAPACITY = 0x40000 - 72                 # bytes of the store for variables that last
LARGEST_FILE = 64 << 20                  # bytes of the host's file; in hexadecimal, CAPACITY is less than a MB
VOLATILE_CAPACITY = 0x40000             # and for those that are forgotten

FORMAT, VERSION = "x86 UEFI variables", 1


@dataclass
class Variable:
    """attributes, data; read_only: the firmware's own, which nobody else may write."""
    attributes: int
    data: bytes
    read_only: bool = False


@dataclass
class Variables:
    """All variables, in the order in which they came to be.

    values   (name, vendor's GUID) -> Variable
    path     the file for those with NON_VOLATILE, or None; no part of a snapshot
    """
    values: dict[tuple[str, Guid], Variable] = field(default_factory=dict)
    path: str | None = None

    def __getstate__(self):
        return {"values": self.values}

    def visible(self, key: tuple[str, Guid], runtime: bool) -> Variable | None:
        """The variable, unless an operating system asks for one that is only the loaders'."""
        found = self.values.get(key)
        return found if found and (not runtime or found.attributes & RUNTIME_ACCESS) else None

    def after(self, key: tuple[str, Guid] | None, runtime: bool) -> tuple[str, Guid] | None:
        """The key behind `key` (None: the first), or None at the end. KeyError if there is no such variable."""
        keys = [each for each in self.values if self.visible(each, runtime)]
        if key is None:
            return keys[0] if keys else None
        if key not in keys:
            raise KeyError(key)
        place = keys.index(key) + 1
        return keys[place] if place < len(keys) else None

    def provide(self, name: str, data: bytes, attributes: int = ACCESS, guid: Guid = GLOBAL, read_only: bool = False) -> None:
        """A variable of the firmware's own, whatever is there."""
        self.values[name, guid] = Variable(attributes, bytes(data), read_only)

    def set(self, name: str, guid: Guid, attributes: int, data: bytes, runtime: bool) -> Status:
        """SetVariable, its pointers read: a status, and the file written if what lasts has changed."""
        key = name, guid
        status = self._check(key, attributes, data, runtime)
        if status is not None:
            return status
        old = self.values.get(key)
        append = attributes & APPEND_WRITE
        attributes &= ~APPEND_WRITE
        if old is None:
            if append and not data:
                return Status.SUCCESS
            if not attributes & ACCESS or not data:
                return Status.NOT_FOUND
            if runtime and (not attributes & RUNTIME_ACCESS or not attributes & NON_VOLATILE):
                return Status.INVALID_PARAMETER
        else:
            if runtime and not old.attributes & NON_VOLATILE:
                return Status.WRITE_PROTECTED
            if not attributes & ACCESS or not data and not append:
                del self.values[key]
                return self._save(key, old, old)
            if append:
                data = old.data + data
            if old.data == data:
                return Status.SUCCESS
        if len(data) + 2 * (len(name) + 1) + HEADER > LARGEST:
            return Status.INVALID_PARAMETER
        room = CAPACITY - self.used() if attributes & NON_VOLATILE else VOLATILE_CAPACITY - self.used(lasting=False)
        if self._size(key, len(data)) - (self._size(key, len(old.data)) if old else 0) > room:
            return Status.OUT_OF_RESOURCES
        new = Variable(attributes, data)
        self.values[key] = new
        return self._save(key, old, new)

    def _check(self, key, attributes, data, runtime):
        """A status if the request is refused before anybody asks what there is to do, else None."""
        if attributes & ~KNOWN or attributes == NON_VOLATILE:
            return Status.INVALID_PARAMETER
        if attributes & AUTHENTICATED_WRITE:
            return Status.UNSUPPORTED           # deprecated
        if attributes & ACCESS == RUNTIME_ACCESS or attributes & HARDWARE_ERROR_RECORD:
            return Status.INVALID_PARAMETER
        if attributes & TIME_BASED_AUTHENTICATED_WRITE:
            return Status.SECURITY_VIOLATION    # there are no keys here that a signature could be checked with
        old, deletes = self.values.get(key), not attributes & ACCESS or not data and not attributes & APPEND_WRITE
        name, guid = key
        rule = variable_rules.rule(name) if guid == GLOBAL else None
        if old and old.read_only or rule and rule.read_only:
            return Status.WRITE_PROTECTED
        if guid == GLOBAL and not deletes:
            whole = old.data + data if old and attributes & APPEND_WRITE else data
            if not variable_rules.allowed(name, attributes & ~APPEND_WRITE, whole):
                return Status.INVALID_PARAMETER
        if old and runtime and not old.attributes & RUNTIME_ACCESS:
            return Status.WRITE_PROTECTED
        if old and attributes and attributes & ~APPEND_WRITE != old.attributes:
            return Status.INVALID_PARAMETER
        return None

    @staticmethod
    def _size(key, length):
        """Bytes that a variable takes in the store."""
        return HEADER + 2 * (len(key[0]) + 1) + length

    def used(self, lasting: bool = True) -> int:
        """Bytes that the lasting variables take, or the others."""
        return sum(self._size(key, len(each.data)) for key, each in self.values.items()
                   if bool(each.attributes & NON_VOLATILE) == lasting)

    # ---- the file ----------------------------------------------------------------------------------------------------

    def _save(self, key, old, changed):
        """Bring the file up to date: whole, then in place of the old one. If it cannot be, the variable is again what it was."""
        if self.path is None or not changed.attributes & NON_VOLATILE:
            return Status.SUCCESS
        entries = [{"name": name, "guid": str(guid), "attributes": each.attributes, "data": each.data.hex()}
                   for (name, guid), each in self.values.items() if each.attributes & NON_VOLATILE]
        text = json.dumps({"format": FORMAT, "version": VERSION, "variables": entries}, indent=1)
        temporary = f"{self.path}.new"
        try:
            with open(temporary, "w", encoding="utf-8", errors="surrogatepass") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError:
            self.values.pop(key, None)
            if old is not None:
                self.values[key] = old
            return Status.DEVICE_ERROR
        return Status.SUCCESS

    def load(self, path) -> None:
        """Read the file, which need not exist yet, and write to it from now on. ImageError for one that is none.

        Saving puts a new file in its place, so a link stands for what it leads to, and a device is refused."""
        name, self.path = os.fspath(path), os.path.realpath(path)
        if not os.path.exists(self.path):
            if not Path(self.path).parent.is_dir():
                raise ImageError(f"{name}: there is no such directory")
            return
        if not os.path.isfile(self.path):
            raise ImageError(f"{name}: cannot be read: a directory, a device or a pipe, in which no variables can be kept")
        try:
            text = read_whole(self.path, LARGEST_FILE).decode("utf-8", "surrogatepass")
        except UnicodeError:
            raise ImageError(f"{name}: cannot be read: it is no text") from None
        if not text.strip():
            return
        try:
            content = json.loads(text)
            if content["format"] != FORMAT or content["version"] != VERSION:
                raise ValueError(f"it is not of the format {FORMAT!r}, version {VERSION}")
            for entry in content["variables"]:
                key = str(entry["name"]), Guid(entry["guid"])
                if not key[0] or "\0" in key[0]:
                    raise ValueError("a variable has a name that is empty, or has a zero in it")
                self.values[key] = Variable(int(entry["attributes"]) & KNOWN, bytes.fromhex(entry["data"]))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            words = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ImageError(f"{name}: not a file of UEFI variables: {words}") from None
