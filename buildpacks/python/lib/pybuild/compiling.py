"""bin/compile: from an app's source to what its slug needs beside it."""

import os
import pathlib
import re
import shutil
import sys

from . import layer, layout, requirements, toolchain
from .output import BuildError, step, warn

WEB_PROGRAMS = ("gunicorn", "waitress-serve")
PYTHON_PROGRAMS = ("python", "python3")


def build(app, cache, toolchain_folder):
    """Fills `.python` in the app's folder."""
    app, cache = pathlib.Path(app).resolve(), pathlib.Path(cache).resolve()
    tools = toolchain.find(toolchain_folder)
    step("Using Python %s" % layout.PYTHON_FULL)
    check_version(app)
    wanted = requirements.read(app, _toml_parser(tools))
    made = layer.obtain(wanted, app, cache, tools)
    target = app / layout.GUEST_ROOT
    if target.is_symlink() or target.exists():
        raise BuildError("The app has a file or folder named .python, which the build needs.",
                         "Remove it from the app.")
    try:
        _fill(target, made, tools)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _fill(target, made, tools):
    (target / "lib").mkdir(parents=True)
    (target / "bin").mkdir()
    shutil.copytree(made.site, target / "site-packages", symlinks=True)
    shutil.copytree(tools.licences, target / "LICENSES")
    shutil.copyfile(tools.stdlib, target / "lib" / layout.STDLIB_ZIP)
    _programs(target / "bin", made.web, WEB_PROGRAMS)
    _programs(target / "bin", tools.python, PYTHON_PROGRAMS + tuple(made.facts["scripts"]))


def _programs(folder, source, names):
    """One copy under the first name, links to it under the others."""
    first = folder / (names[0] + ".wasm")
    shutil.copyfile(source, first)
    for name in names[1:]:
        try:
            os.link(first, folder / (name + ".wasm"))
        except OSError:
            shutil.copyfile(source, folder / (name + ".wasm"))


def check_version(app):
    """Warns when the app asks for another Python than the one there is."""
    for name, pattern in ((".python-version", r"^\s*(?:cpython-)?(3\.\d+)"),
                          ("runtime.txt", r"^\s*python-(3\.\d+)")):
        path = app / name
        if not path.is_file():
            continue
        found = re.search(pattern, path.read_text("utf-8", "replace"), re.MULTILINE)
        if found and found.group(1) != layout.PYTHON:
            warn("%s asks for Python %s; this stack runs Python %s." % (
                name, found.group(1), layout.PYTHON_FULL))


def _toml_parser(tools):
    try:
        import tomllib
        return tomllib.loads
    except ImportError:
        sys.path.append(str(tools.pip))
        from pip._vendor import tomli
        return tomli.loads
