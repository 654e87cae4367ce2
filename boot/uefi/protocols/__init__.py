"""Protocols, one a file: see boot/uefi/protocol.py for how one is written."""
