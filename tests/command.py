"""The command `x86` of this tree, as a subprocess."""
from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Done:
    """A finished command."""

    status: int
    out: str
    err: str


def run_command(*arguments, timeout=300, cwd=None, stdin="") -> Done:
    """`x86 ARGUMENTS` of this tree."""
    done = subprocess.run([sys.executable, "-m", "x86.cli", *map(str, arguments)], capture_output=True, input=stdin,
                          text=True, encoding="utf-8", errors="replace", timeout=timeout, cwd=cwd or ROOT,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"})
    return Done(done.returncode, done.stdout, done.stderr)
