"""A PC in a package: an x86-64 system interpreter with the board around it.

    from x86 import Machine, decode
"""
__version__ = "0.1.0"
__all__ = ["Machine", "Snapshot", "Stop", "decode", "disassemble"]

_HOMES = {"Machine": "x86.machine", "Snapshot": "x86.machine", "Stop": "x86.machine", "decode": "x86._decode",
          "disassemble": "x86.disassembler"}


def __getattr__(name):
    # Imported when asked for: the build step reads x86.isa before anything is compiled
    if name in _HOMES:
        import importlib
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'x86' has no attribute {name!r}")
