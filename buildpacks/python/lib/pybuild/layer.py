"""The layer: everything about an app that depends on its requirements alone.

Kept per app in the cache folder under the requirements' fingerprint, whole or
not at all, so that a change of code installs, imports and compiles nothing.
"""

import json
import os
import pathlib
import shutil
import tempfile

from . import component, layout, native, packages, warm
from .output import BuildError, detail, step, warn

COMPLETE = "layer.json"
KEPT = 2
# Programs of packages that need what the sandbox does not have, or are ours.
NO_PROGRAM = {"python", "python3", "gunicorn", "gunicornc", "waitress-serve", "uvicorn",
              "hypercorn", "daphne", "granian", "pip", "pip3", "wheel", "celery", "uwsgi"}


class Layer:
    """A complete layer on disk."""

    def __init__(self, root):
        self.root = root
        self.site = root / "site-packages"
        self.web = root / "web.wasm"
        self.facts = json.loads((root / COMPLETE).read_text())


def obtain(requirements, app, cache, toolchain):
    """The layer for these requirements: from the cache, or made now."""
    name = layout.fingerprint(
        layout.VERSION, toolchain.name, layout.PYTHON_FULL, requirements.fingerprint(),
        layout.tree_fingerprint(layout.BUILDPACK / "lib"))
    layers = cache / "layers"
    layers.mkdir(parents=True, exist_ok=True)
    for left in layers.glob("new-*"):
        shutil.rmtree(left, ignore_errors=True)
    root = layers / name
    if (root / COMPLETE).exists():
        step("Using cached packages and web component")
        detail("%s has not changed" % requirements.source)
        os.utime(root)
        return Layer(root)
    new = pathlib.Path(tempfile.mkdtemp(prefix="new-", dir=layers))
    try:
        _make(requirements, app, cache, toolchain, new)
        os.utime(new)
        os.replace(new, root)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _discard_old(layers)
    return Layer(root)


def _discard_old(layers):
    """Keeps this layer and the one before, so that going back is quick, too."""
    by_age = sorted(layers.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _make(requirements, app, cache, toolchain, new):
    refuse_known(requirements)
    if requirements.asks_for_packages():
        step("Installing %s with pip" % (
            "requirements" if requirements.source == "requirements.txt" else "dependencies"))
    else:
        step("No packages to install: %s names none" % requirements.source)
    site = new / "site-packages"
    found = packages.install(requirements, app, toolchain, site, cache / "pip")
    refuse_installed(found, requirements)
    step("Building the web component")
    modules = warm.modules(found)
    detail("%d packages go into the snapshot" % len(found))
    report = component.build(toolchain.componentize, "web", "hokku_web", new / "web.wasm",
                             plan={"modules": modules}, zip_file=toolchain.stdlib, site=site)
    packages.drop_links(site)
    judge(found, report["failures"], requirements)
    size = (new / "web.wasm").stat().st_size
    detail("%d modules compiled, %.1f MB" % (report["compiled"], size / 1e6))
    scripts = sorted({name for package in found for name in package.scripts} - NO_PROGRAM)
    facts = {"packages": ["%s %s" % (p.name, p.version) for p in found],
             "failures": report["failures"], "library": report["library"],
             "scripts": [name for name in scripts if name.replace("-", "").replace("_", "")
                         .replace(".", "").isalnum() and not name.startswith(".")]}
    (new / COMPLETE).write_text(json.dumps(facts, indent=1, sort_keys=True))


def refuse_known(requirements):
    """Refuses what is known not to work before anything is downloaded."""
    bad = [name for name in requirements.names() if native.is_known(name)]
    if bad:
        raise BuildError(*[line for name in bad for line in native.refusal(
            name, pinned(requirements, name))])


def pinned(requirements, name):
    """The version which the requirements give for a package, if they name one."""
    for line in requirements.lines:
        head, equals, rest = line.partition("==")
        if equals and native.normal(head.split("[")[0].strip()) == name:
            return rest.split(";")[0].split()[0].split(",")[0]
    return ""


def required_by(package, found):
    """Who asks for a package, if not the app itself."""
    return ", ".join(other.name for other in found if package.key in other.requires)


def refuse_installed(found, requirements):
    """Refuses known packages that others brought along and cannot do without."""
    lines = []
    for package in found:
        if package.key == "pydantic-core":
            lines += native.refusal(package.name, package.version, required_by(package, found))
    if lines:
        raise BuildError(*lines)


def judge(found, failures, requirements):
    """Decides what a failed import means: nothing, a warning, or the end."""
    direct = set(requirements.names())
    broken = {p.key: p for p in found if _fails(p, failures)}
    lines = []
    for package in broken.values():
        users = [p for p in found if package.key in p.requires]
        needed = package.key in direct or not users or any(p.key in broken for p in users)
        if package.native and needed:
            lines += native.refusal(package.name, package.version, required_by(package, found))
        elif package.native:
            warn("%s %s is native and cannot be used; %s can be imported without it." % (
                package.name, package.version, required_by(package, found)))
    if lines:
        raise BuildError(*lines)
    for package in broken.values():
        if not package.native and package.key in direct:
            why = next(failures[n] for n in package.public_modules() if n in failures)
            warn("%s %s could not be imported ahead of time: %s" % (
                package.name, package.version, why))


def _fails(package, failures):
    return any(name in failures for name in package.public_modules())
