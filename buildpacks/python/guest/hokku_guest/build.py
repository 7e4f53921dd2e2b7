"""Build-time only: makes the snapshot that a component starts from.

The builder leaves a plan beside the modules: which of them to import and where
things are. What could not be imported goes into a report for the builder.
"""

import importlib.util
import json
import os
import sys

from . import bytecode, kdf, library, paths, snapshot

PLAN = "hokku-plan.json"
REPORT = "hokku-report.json"


def _plan_folder():
    for entry in sys.path:
        if os.path.exists(entry + "/" + PLAN):
            return entry
    raise RuntimeError("the builder left no " + PLAN)


def snapshot_now():
    """Imports, moves and freezes everything; to be called as the last thing at build."""
    folder = _plan_folder()
    with open(folder + "/" + PLAN) as file:
        plan = json.load(file)
    ours, site = plan["guest"], plan.get("site")
    _install_tls(ours)
    kdf.install()
    compiled = bytecode.compile_tree(site, paths.SITE) if site else 0
    failures = snapshot.import_modules(library.WARM)
    broken_library = dict(failures)
    failures = snapshot.import_modules(plan.get("modules", []))
    report = {"failures": failures, "library": broken_library, "compiled": compiled}
    with open(folder + "/" + REPORT, "w") as file:
        json.dump(report, file)
    importlib.invalidate_caches()
    snapshot.move(_moves(ours, site), folder + "/python314.zip")
    snapshot.freeze()


def _install_tls(ours):
    """Puts the stand-in for `ssl` in place; the library's own cannot be imported."""
    spec = importlib.util.spec_from_file_location("ssl", ours + "/hokku_guest/tls.py")
    sys.modules["ssl"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def _moves(ours, site):
    pairs = [(ours, "hokku")]
    if site:
        pairs.append((site, paths.SITE))
    pairs.append((paths.BUILD_STDLIB + "/lib/python3.14", paths.STDLIB))
    pairs.append((paths.BUILD_STDLIB, paths.STDLIB))
    return snapshot.Moves(pairs)
