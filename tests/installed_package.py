"""The package as pip installs it from its wheel, in an environment of its own.

What else is needed comes from the environment of the tests, by a path file. Python reads no path files in
a folder that it got from one, so the checkout, which the tests' own environment names in one, stays out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


@dataclass(frozen=True)
class Installed:
    """An environment with the package in it."""

    folder: Path

    @property
    def wheel(self) -> Path:
        return next(self.folder.glob("*.whl"))

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def command(self) -> Path:
        return self.folder / "bin" / "outage-analysis"

    @property
    def package(self) -> Path:
        return self.folder / SITE / "outage_analysis"

    def environment(self, **other: str) -> dict[str, str]:
        """The variables of a process that knows this environment alone, whoever started the tests."""
        return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MAKE"))} | other

    def output(self, program: Path | str, *arguments: str, cwd: Path, told: str = "", **other: str) -> str:
        """What a program prints; it fails where the program does, or says anything else on stderr."""
        command, environment = [str(program), *arguments], self.environment(**other)
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert (done.returncode, done.stderr) == (0, told), (command, done.stdout, done.stderr)
        return done.stdout


def install(folder: Path) -> None:
    """Build the wheel and install it into an environment in the folder."""
    made = Installed(folder)

    def do(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True)

    do(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(ROOT))
    do(sys.executable, "-m", "venv", "--without-pip", str(folder))
    do(
        *PIP,
        "--python",
        str(made.python),
        "install",
        "--no-deps",
        "--no-index",
        "--no-compile",
        str(made.wheel),
    )
    for name in ("etc", "share"):  # JupyterLab's pages, the templates of nbconvert
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "jupyter").symlink_to(Path(sys.prefix) / name / "jupyter")
    (folder / SITE / "tests.pth").write_text(sysconfig.get_path("purelib"))
