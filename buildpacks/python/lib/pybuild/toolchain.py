"""The shared toolchain: what every build uses and no build may change.

A toolchain lives in a folder named for everything it is made from, so that an
older one stays whole while builds use it.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from . import component, layout, licences, stdlib
from .output import BuildError, detail, step

# Name, pinned requirement with the hashes of its wheels, folder in the toolchain.
TOOLS = (
    ("componentize-py", "componentize-py==0.25.1", "componentize", (
        "8623cd8cab8453cb0cd8bf03f3c7103420d06f2f3d360186a280a70a1ca5e89f",
        "7b6a87c520358166843af0daa86d2312d7af4cbcbbf1e598951085cf7f2991ca",
        "a556991534cc496207a9d2ca733c4b0f17ed38ef56a8d6b5f1847fdf1225dd1b",
        "65fbc4a94df1de8acf7da50a1f5ed1711230188844e53e6332d99029be4e0afa")),
    ("pip", "pip==25.3", "pip", (
        "9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd",)),
    ("tzdata", "tzdata==2026.6", "tzdata", (
        "0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec",)),
)
COMPLETE = "complete"
KEPT = 3


class Toolchain:
    """A complete toolchain on disk."""

    def __init__(self, root):
        self.root = root
        self.name = root.name
        self.componentize = root / "componentize"
        self.pip = root / "pip"
        self.tzdata = root / "tzdata"
        self.stdlib = root / layout.STDLIB_ZIP
        self.python = root / "python.wasm"
        self.licences = root / "LICENSES"


def name():
    """The name of the toolchain which this version of the buildpack uses."""
    pins = [pin for _, pin, _, hashes in TOOLS for pin in (pin,) + hashes]
    return layout.fingerprint(
        layout.VERSION, *pins, layout.tree_fingerprint(layout.BUILDPACK / "guest"),
        layout.tree_fingerprint(layout.BUILDPACK / "wit"),
        layout.tree_fingerprint(layout.BUILDPACK / "licences"))


def find(folder):
    """The toolchain in `folder`; it must have been installed."""
    root = pathlib.Path(folder) / name()
    if not (root / COMPLETE).exists():
        raise BuildError("The Python toolchain is not installed in %s." % folder,
                         "Run bin/toolchain of this buildpack first.")
    return Toolchain(root)


def install(folder):
    """Installs the toolchain into `folder`, unless it is there."""
    folder = pathlib.Path(folder)
    root = folder / name()
    if (root / COMPLETE).exists():
        return Toolchain(root)
    folder.mkdir(parents=True, exist_ok=True)
    _discard_halves(folder)
    step("Installing the Python toolchain (once)")
    new = pathlib.Path(tempfile.mkdtemp(prefix="new-", dir=folder))
    try:
        _fill(new)
        (new / COMPLETE).touch()
        new.chmod(0o755)
        shutil.rmtree(root, ignore_errors=True)
        os.replace(new, root)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _discard_old(folder, root)
    return Toolchain(root)


def _fill(new):
    for label, pin, target, hashes in TOOLS:
        detail("Installing " + pin.replace("==", " "))
        _pip(label, pin, hashes, new / target)
    detail("Unpacking the standard library")
    with tempfile.TemporaryDirectory(prefix="stdlib-", dir=new) as scratch:
        component.build(new / "componentize", "command", "hokku_stdlib", scratch)
        found = pathlib.Path(scratch, "hokku-version").read_text()
        if found != layout.PYTHON_FULL:
            raise BuildError("The toolchain brings Python %s, not %s." % (
                found, layout.PYTHON_FULL))
        licences.collect(pathlib.Path(scratch, "stdlib"), new / "componentize", new / "LICENSES")
        stdlib.pack(pathlib.Path(scratch, "stdlib"), new / layout.STDLIB_ZIP)
    detail("Making the python program")
    component.build(new / "componentize", "command", "hokku_command", new / "python.wasm",
                    plan={}, zip_file=new / layout.STDLIB_ZIP)


def _pip(label, pin, hashes, target):
    home = target.with_name("home")
    home.mkdir(exist_ok=True)
    wanted = home / "requirements.txt"
    wanted.write_text(pin + "".join(" --hash=sha256:" + value for value in hashes) + "\n")
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile",
             "--no-input", "--disable-pip-version-check", "--only-binary=:all:",
             "--require-hashes", "--no-cache-dir", "--target", str(target), "-r", str(wanted)]
    done = subprocess.run(words, env=layout.clean_environment(home), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    shutil.rmtree(home)
    if done.returncode == 0:
        return
    if "No module named pip" in done.stdout:
        raise BuildError("The build machine's Python (%s) has no pip." % sys.executable,
                         "Install it, for example with `apt-get install python3-pip`.")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("WARNING")]
    raise BuildError("Installing %s failed:" % label, *lines[-10:])


def _discard_halves(folder):
    for left in folder.glob("new-*"):
        shutil.rmtree(left, ignore_errors=True)


def _discard_old(folder, current):
    others = [path for path in folder.iterdir() if path != current and (path / COMPLETE).exists()]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT - 1:]:
        shutil.rmtree(path, ignore_errors=True)
