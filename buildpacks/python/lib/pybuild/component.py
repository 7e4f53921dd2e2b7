"""Makes WebAssembly components with componentize-py."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from . import layout
from .output import BuildError

TIME_LIMIT = 600  # seconds for one component; ten to twenty are usual
REPORT_LIMIT = 4 << 20
RUN = "from componentize_py import script; script()"


def build(tool, world, module, out, plan=None, zip_file=None, site=None):
    """Makes the component `out` from a guest module; returns the guest's report.

    `tool` is where componentize-py is installed; `site` holds packages to be
    imported, and gets bytecode. The guest sees copies of everything else.
    """
    with tempfile.TemporaryDirectory(prefix="hokku-python-") as scratch:
        scratch = pathlib.Path(scratch)
        guest, exchange = scratch / "guest", scratch / "exchange"
        shutil.copytree(layout.BUILDPACK / "guest", guest,
                        ignore=shutil.ignore_patterns("__pycache__"))
        exchange.mkdir()
        (scratch / "home").mkdir()
        if plan is None:
            (exchange / "hokku-out").touch()
        else:
            plan = dict(plan, guest="/0", site="/2" if site else None)
            (exchange / "hokku-plan.json").write_text(json.dumps(plan))
            shutil.copyfile(zip_file, exchange / layout.STDLIB_ZIP)
        _run(tool, world, module, scratch, [guest, exchange] + ([site] if site else []))
        _keep(scratch, exchange, out)
        return _report(exchange / "hokku-report.json") if plan is not None else {}


def _run(tool, world, module, scratch, folders):
    # An empty virtual environment keeps the host's own packages out of the guest.
    empty = scratch / "venv" / "lib" / "python3" / "site-packages"
    empty.mkdir(parents=True)
    environment = layout.clean_environment(scratch / "home")
    environment.update(VIRTUAL_ENV=str(scratch / "venv"), PYTHONPATH=str(tool))
    words = [sys.executable, "-c", RUN, "-q", "-d", str(layout.BUILDPACK / "wit"),
             "-w", "hokku:python/" + world, "componentize"]
    for folder in folders:
        words += ["-p", str(folder)]
    words += [module, "-o", str(scratch / "out.wasm")]
    try:
        done = subprocess.run(words, cwd=scratch, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        raise BuildError(
            "Importing the app's packages took longer than %d seconds." % TIME_LIMIT,
            "One of them does not come to an end when imported in the sandbox.") from None
    if done.returncode != 0:
        raise BuildError("componentize-py failed:", *_readable(done.stdout))


def _report(path):
    """What the guest wrote; packages ran beside it, so nothing in it is believed."""
    try:
        if path.is_symlink() or path.stat().st_size > REPORT_LIMIT:
            raise ValueError
        found = json.loads(path.read_text("utf-8"))
        texts = {part: {str(k): str(v) for k, v in found[part].items()}
                 for part in ("failures", "library")}
        return dict(texts, compiled=int(found["compiled"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BuildError("A package damaged the build's own files while it was imported.") from None


def _readable(output):
    """The lines of a failure up to componentize-py's own stack."""
    lines = output.decode("utf-8", "replace").splitlines()
    for at, line in enumerate(lines):
        if line.startswith(("Caused by", "Stack backtrace")):
            lines = lines[:at]
            break
    return [line for line in lines if line.strip()][-30:]


def _keep(scratch, exchange, out):
    out = pathlib.Path(out)
    if (exchange / "stdlib").exists():
        shutil.copytree(exchange, out, dirs_exist_ok=True)
        return
    beside = out.with_name(out.name + ".new")
    shutil.copyfile(scratch / "out.wasm", beside)
    os.replace(beside, out)
