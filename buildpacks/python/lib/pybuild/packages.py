"""Installs an app's packages, and knows what was installed."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
from email.parser import HeaderParser

from . import layout, native
from .output import BuildError, detail

NATIVE = re.compile(r"\.(so|pyd|dylib|dll|a|lib)(\.\d+)*$")
NOISE = re.compile(
    r"^(WARNING: (Target directory|Running pip as|The directory|There was an error checking)|"
    r"\[notice\]|$|DEPRECATION: (--no-binary|Wheel filename))")
CACHE_LIMIT = 300 << 20


class Package:
    """One installed distribution."""

    def __init__(self, info):
        with open(info / "METADATA", encoding="utf-8", errors="replace") as file:
            metadata = HeaderParser().parse(file)
        self.name = metadata.get("Name", info.name.split("-")[0])
        self.key = native.normal(self.name)
        self.version = metadata.get("Version", "")
        self.files = _recorded(info)
        self.native = [name for name in self.files if NATIVE.search(name)]
        self.requires = {native.normal(m.group(0)) for m in (
            re.match(r"[A-Za-z0-9._-]+", line) for line in
            metadata.get_all("Requires-Dist", [])) if m}  # those of its extras, too
        self.scripts = _scripts(info)

    def modules(self):
        """The outermost modules which the package brings."""
        packages = {name[:-len("/__init__.py")] for name in self.files
                    if name.endswith("/__init__.py")}
        packages |= {name.rpartition("/")[0] for name in self.native if "/" in name}
        outer = {name for name in packages
                 if not any(name.startswith(other + "/") for other in packages)}
        outer |= {name.rpartition("/")[2].split(".")[0] for name in self.files
                  if "/" not in name and (name.endswith(".py") or NATIVE.search(name))}
        dotted = (name.replace("/", ".") for name in outer)
        return sorted(n for n in dotted if all(part.isidentifier() for part in n.split(".")))


    def public_modules(self):
        """The outermost modules that are meant to be imported by others."""
        names = self.modules()
        return [name for name in names if not name.startswith("_")] or names


def _recorded(info):
    try:
        lines = (info / "RECORD").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    names = (line.rsplit(",", 2)[0].strip('"') for line in lines if line.count(",") >= 2)
    return [name for name in names if not name.startswith(("..", "/"))]


def _scripts(info):
    """The console programs which the package brings."""
    try:
        text = (info / "entry_points.txt").read_text("utf-8", "replace")
    except OSError:
        return []
    found, inside = [], False
    for line in text.splitlines():
        if line.strip().startswith("["):
            inside = line.strip() == "[console_scripts]"
        elif inside and "=" in line:
            found.append(line.partition("=")[0].strip())
    return found


def install(requirements, app, toolchain, site, cache):
    """Installs into the new folder `site` what `requirements` asks for."""
    site.mkdir(parents=True)
    if requirements.asks_for_packages():
        _install(requirements, app, toolchain, site, cache)
    packages = installed(site)
    _strip(site)
    if not any(package.key == "tzdata" for package in packages):
        for part in toolchain.tzdata.iterdir():
            if part.is_dir():
                shutil.copytree(part, site / part.name)
    return packages


def installed(site):
    """The packages in a folder, by name."""
    infos = sorted(site.glob("*.dist-info"))
    return sorted((Package(info) for info in infos if (info / "METADATA").exists()),
                  key=lambda package: package.key)


def _install(requirements, app, toolchain, site, cache):
    scratch = site.with_name("pip")
    scratch.mkdir()
    wanted = app / "requirements.txt"
    if requirements.source != "requirements.txt" or requirements.own_project:
        wanted = scratch / "requirements.txt"
        wanted.write_text("\n".join(_resolved(requirements, app)) + "\n")
    environment = layout.clean_environment(scratch)
    environment.update(PYTHONPATH=str(toolchain.pip), PIP_CACHE_DIR=str(cache))
    words = [sys.executable, str(layout.BUILDPACK / "lib" / "pybuild" / "guest_pip.py"),
             "install", "--target", str(site), "--no-compile", "--no-input", "--prefer-binary",
             "--no-warn-script-location", "--disable-pip-version-check", "--progress-bar", "off",
             "--root-user-action", "ignore",
             # Never built from source: it would take long and could not run.
             "--only-binary", ",".join(sorted(native.KNOWN)), "-r", str(wanted)]
    lines = []
    with subprocess.Popen(words, cwd=app, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as process:
        for line in process.stdout:
            line = line.rstrip().replace(str(scratch) + os.sep, "").replace(str(app) + os.sep, "")
            lines.append(line)
            if not NOISE.search(line):
                detail(line)
    shutil.rmtree(scratch, ignore_errors=True)
    _bound(cache)
    if process.returncode != 0:
        raise BuildError(*explain(lines))


def _resolved(requirements, app):
    """The lines for a file elsewhere: paths made absolute, files already read left out."""
    for line in requirements.lines:
        if re.match(r"^(-r|--requirement)", line) and "://" not in line:
            continue
        words = line.split(None, 1)
        if words[0].startswith("."):
            line = str(app / words[0]) + line[len(words[0]):]
        elif words[0] in ("-c", "-f", "--constraint", "--find-links") and "://" not in line:
            line = words[0] + " " + str(app / words[1])
        yield line


def explain(lines):
    """Says what pip's last words mean, and what to do."""
    text = "\n".join(lines)
    missing = re.search(r"No matching distribution found for (\S+)", text)
    if missing:
        return _explain_missing(missing.group(1), text)
    failed = (re.search(r"error while generating package metadata\.\n\W*([\w.-]+)", text)
              or re.search(r"Failed building wheel for ([\w.-]+)", text)
              or re.search(r"Failed to build '?([\w.-]+)", text))
    if failed:
        return ("%s has no wheel and could not be built from its source." % failed.group(1),
                native.advice(failed.group(1)))
    if "DO NOT MATCH THE HASHES" in text or "Hashes are required" in text:
        return ("The hashes in requirements.txt do not match what the index has.",
                "Lock the requirements again, with the hashes of every file.")
    if "ResolutionImpossible" in text or "conflicting dependencies" in text:
        return ("The requirements contradict each other; see the lines above.",
                "Loosen one of the versions.")
    errors = [line for line in lines if line.lower().startswith("error")][-3:]
    return ("pip could not install the requirements.", *errors)


def _explain_missing(wanted, text):
    name = re.match(r"[\w.-]*", wanted).group(0)
    if native.is_known(name):
        users = re.search(r"satisfies the requirement [^(]*\(from (?!versions)([\w.-]+)", text)
        return native.refusal(name, required_by=users.group(1) if users else "")
    return ("There is no package that satisfies %s for Python %s." % (wanted, layout.PYTHON),
            "Check its name and version in the requirements.")


def _strip(site):
    """Removes what the guest cannot use: native code, and programs for this machine."""
    for folder, folders, files in os.walk(site):
        for name in files:
            path = pathlib.Path(folder, name)
            if NATIVE.search(name) or path.is_symlink():
                path.unlink()
        for name in list(folders):
            if name == "__pycache__" or (name.endswith(".libs") and folder == str(site)):
                shutil.rmtree(pathlib.Path(folder, name))
                folders.remove(name)
    shutil.rmtree(site / "bin", ignore_errors=True)


def drop_links(site):
    """Removes links, which code that ran during the build may have left."""
    for folder, folders, files in os.walk(site):
        for name in folders + files:
            path = pathlib.Path(folder, name)
            if path.is_symlink():
                path.unlink()


def _bound(cache):
    """Empties pip's cache when it has outgrown its limit."""
    size = sum(path.stat().st_size for path in pathlib.Path(cache).rglob("*") if path.is_file())
    if size > CACHE_LIMIT:
        shutil.rmtree(cache, ignore_errors=True)
