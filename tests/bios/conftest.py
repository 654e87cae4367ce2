"""Fixtures for calling the BIOS from a guest (bios_guest.py)."""
import pytest
from bios_guest import FLOPPY, HARD_DISK, Guest, machine_with


@pytest.fixture(scope="session")
def booted():
    return Guest(machine_with(disk=HARD_DISK, floppy=FLOPPY, drives=[HARD_DISK[:512 * 1008]], boot_order=["disk"]))


@pytest.fixture
def guest(booted):
    """A guest with diskette A and hard disks 80h (4/16/63) and 81h (1/16/63), just booted from 80h."""
    return booted.again()
