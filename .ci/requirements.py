"""Print what pyproject.toml asks for, a requirement a line: to build, to run, and for each extra named.

    python .ci/requirements.py test check
"""
import sys
from pathlib import Path

try:
    import tomllib
except ImportError:                     # Python 3.10: pip carries the same parser
    from pip._vendor import tomli as tomllib

settings = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
wanted = settings["build-system"]["requires"] + settings["project"]["dependencies"]
for extra in sys.argv[1:]:
    wanted += settings["project"]["optional-dependencies"][extra]
print("\n".join(wanted))
