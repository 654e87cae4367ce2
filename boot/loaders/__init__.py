"""Bytes into memory: what a file says about where it belongs. What a kernel expects at entry is boot.protocols'."""
