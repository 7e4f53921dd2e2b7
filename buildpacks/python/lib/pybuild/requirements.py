"""What an app asks for: requirements.txt, or the dependencies in pyproject.toml."""

import os
import pathlib
import re

from . import layout, native
from .output import BuildError

INCLUDES = re.compile(r"^(?:-r|-c|--requirement|--constraint)(?:\s*=?\s*)(.+)$")
EDITABLE = re.compile(r"^(?:-e|--editable)(?:\s*=?\s*)(.+)$")
FOLDERS = re.compile(r"^(?:-f|--find-links)(?:\s*=?\s*)(.+)$")
NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:$|[<>=!~;@(#\s])")
URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
MARKER_FOR_OTHERS = re.compile(
    r"""(?:sys_platform|platform_system)\s*==\s*['"](?:win32|darwin|linux|Windows|Darwin|Linux)""")
DEPTH = 8


class Requirements:
    """Everything that decides which packages an app gets."""

    def __init__(self, source):
        self.source = source
        self.files = []      # pairs (path below the app, text), in order of reading
        self.lines = []      # what they say, joined and without comments
        self.folders = []    # local packages and wheels that the lines name
        self.own_project = False

    def names(self):
        """The normal names of what is asked for directly."""
        found = []
        for line in self.lines:
            match = NAME.match(line)
            if match and not MARKER_FOR_OTHERS.search(line):
                found.append(native.normal(match.group(1)))
        return found

    def asks_for_packages(self):
        """Whether there is anything to install."""
        return any(not line.startswith("-") for line in self.lines)

    def fingerprint(self):
        """Equal for equal requirements; comments and blank lines do not count."""
        local = [layout.tree_fingerprint(path) if path.is_dir() else
                 layout.fingerprint(path.read_bytes()) for path in self.folders]
        return layout.fingerprint(self.source, *(self.lines + local))


def read(app, parse_toml=None):
    """The requirements of the app in the folder `app`."""
    app = pathlib.Path(app).resolve()
    if (app / "requirements.txt").is_file():
        requirements = Requirements("requirements.txt")
        _read_file(requirements, app, app / "requirements.txt", 0)
    else:
        requirements = Requirements("pyproject.toml")
        _read_project(requirements, app, parse_toml)
    if requirements.own_project and requirements.source == "requirements.txt":
        _read_project(requirements, app, parse_toml)
    return requirements


def logical_lines(text):
    """Joins continued lines; drops comments and blank lines, as pip does."""
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def _read_file(requirements, app, path, depth):
    if depth > DEPTH:
        raise BuildError("requirements.txt includes files more than %d levels deep." % DEPTH)
    path = _inside(app, path.parent, path.name, path.name)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError("%s cannot be read: %s." % (
            path.relative_to(app), getattr(error, "strerror", None) or "not UTF-8"),
            "Save it as UTF-8 text, and push it with the app.") from None
    requirements.files.append((str(path.relative_to(app)), text))
    for line in logical_lines(text):
        _read_line(requirements, app, path.parent, line, depth)


def _read_line(requirements, app, folder, line, depth):
    include = INCLUDES.match(line)
    if include:
        name = include.group(1).strip().strip("'\"")
        requirements.lines.append(line)
        if not URL.match(name):
            _read_file(requirements, app, _inside(app, folder, name, line), depth + 1)
        return
    editable = EDITABLE.match(line)
    place = editable.group(1).strip().strip("'\"") if editable else line.split(";")[0].strip()
    place = re.sub(r"\[[^\]]*\]$", "", place)
    if place.startswith("file:"):
        raise BuildError("%r is a path of one machine." % line, "Write a path inside the app.")
    local = not URL.match(place) and (place.startswith((".", "/", "~")) or (
        editable and "+" not in place.partition(":")[0]))
    if local and _inside(app, app, place, line) == app:
        requirements.own_project = True
        return
    if editable and not local:
        raise BuildError("%r asks for an editable install, which a slug cannot hold." % line,
                         "Leave out -e.")
    links = FOLDERS.match(line)
    if local:
        requirements.folders.append(_inside(app, app, place, line))
    elif links and not URL.match(links.group(1)):
        requirements.folders.append(_inside(app, app, links.group(1).strip(), line))
    requirements.lines.append(line)


def _inside(app, folder, name, line):
    """The path that `name` means, which must be inside the app."""
    path = pathlib.Path(os.path.realpath(os.path.join(folder, name)))
    if path != app and app not in path.parents:
        raise BuildError("%r leads out of the app." % line, "Write a path inside the app.")
    if not path.exists():
        raise BuildError("%r names a file that is not there." % line,
                         "Push the file with the app, or leave the line out.")
    return path


def _read_project(requirements, app, parse_toml):
    path = app / "pyproject.toml"
    if not path.is_file():
        raise BuildError("The app has neither requirements.txt nor pyproject.toml.",
                         "Write what it needs, one package a line, into requirements.txt.")
    path = _inside(app, app, path.name, path.name)
    try:
        project = parse_toml(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise BuildError("pyproject.toml cannot be read: %s." % error) from None
    if "project" not in project:
        if "poetry" in project.get("tool", {}):
            raise BuildError("pyproject.toml has its dependencies for Poetry only.",
                             "Write them as [project] dependencies, or run "
                             "`poetry export -o requirements.txt`.")
        return
    table = project["project"]
    if "dependencies" in table.get("dynamic", ()):
        raise BuildError("pyproject.toml says that its dependencies are dynamic.",
                         "Write them as [project] dependencies, or into requirements.txt.")
    lines = table.get("dependencies", [])
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise BuildError("[project] dependencies in pyproject.toml must be a list of strings.")
    for line in lines:
        line = " ".join(line.split())
        if not NAME.match(line):
            raise BuildError("%r in pyproject.toml does not name a package." % line)
        requirements.lines.append(line)
