"""Records what `feast permissions ...` prints about ../repo with permissions.py.

Usage: python record.py     (in an environment with Feast 0.67)

Writes registry.db as Feast wrote it, and transcript.txt with colours removed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRATCH = Path("/tmp/feast_vectors/permissions")
COMMANDS = [
    "permissions list",
    "permissions list -v",
    "permissions list --tags kind:team",
    "permissions list -v --tags kind:team",
    "permissions check",
    "permissions list-roles",
    "permissions list-roles -v",
]


def feast(command):
    program = Path(sys.executable).with_name("feast")
    environment = dict(os.environ, TZ="UTC", PYTHONWARNINGS="ignore", FEAST_USAGE="False")
    result = subprocess.run(
        [program, *command.split()], cwd=SCRATCH, env=environment, capture_output=True, text=True
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    return f"$ feast {command}\n[exit {result.returncode}]\n{text}"


def main():
    shutil.rmtree(SCRATCH, ignore_errors=True)
    shutil.copytree(HERE.parent / "repo", SCRATCH)
    shutil.copytree(HERE.parent / "inputs", SCRATCH / "data")
    shutil.copy(HERE / "permissions.py", SCRATCH)
    print(feast("apply"))
    (HERE / "transcript.txt").write_text("\n".join(feast(command) for command in COMMANDS))
    shutil.copy(SCRATCH / "data" / "registry.db", HERE)


if __name__ == "__main__":
    main()
