"""`pip install .` into an empty virtual environment gives a working command, away from this directory."""
from __future__ import annotations

import shutil
import subprocess
import sys
import venv

import pytest
from command import ROOT

KEPT_OUT = shutil.ignore_patterns("*.so", "_*.c", "__pycache__", "build", ".git", ".venv", ".hypothesis", "*.egg-info")


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=1500, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.mark.deep
def test_install_into_an_empty_environment(tmp_path):
    source, place = tmp_path / "source", tmp_path / "environment"
    shutil.copytree(ROOT, source, ignore=KEPT_OUT)
    for generated in (source / "x86" / "execute").glob("_*.pyx"):
        generated.unlink()
    venv.create(place, with_pip=True)
    run(place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", source)
    shutil.rmtree(source)
    said = run(place / "bin" / "x86", "run", cwd=tmp_path)
    assert "64-bit code" in said and "F000:FFF0" in said
    assert "Hello from a kernel" in run(place / "bin" / "x86", "run", "--uefi", cwd=tmp_path)
    run(place / "bin" / "x86", "doctor", cwd=tmp_path)
    names = run(place / "bin" / "python", "-m", "pip", "list", "--format=freeze", cwd=tmp_path).lower()
    assert "cython" not in names and "pytest" not in names          # what it needs to run is little


@pytest.mark.deep
def test_source_distribution_has_everything(tmp_path):
    """Every file that a build or a test reads is in the archive that `python -m build --sdist` would make."""
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=KEPT_OUT)
    run(sys.executable, "setup.py", "--quiet", "sdist", "--formats=gztar", cwd=source)
    archive, = (source / "dist").glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "unpacked")
    unpacked, = (tmp_path / "unpacked").iterdir()
    for room in ("x86", "boot", "tests", "benchmarks"):
        for path in (ROOT / room).rglob("*"):
            name = path.relative_to(ROOT)
            if path.is_file() and path.suffix in (".py", ".pyx", ".pxd", ".pxi", ".h", ".asm", ".inc", ".img", ".ins"):
                if path.parent.name == "execute" and path.name.startswith("_") and path.suffix == ".pyx":
                    continue
                assert (unpacked / name).exists(), f"{name} is not in the archive"
