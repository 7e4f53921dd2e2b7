"""The start of a process: what a snapshot cannot know is set here, once."""

import io
import os
import sys

from . import paths, snapshot

_pid = 1


def replace_stdio():
    """Gives text streams that write whole lines; done before anything is imported."""
    sys.stdout = _writer(1, "<stdout>", "strict")
    sys.stderr = _writer(2, "<stderr>", "backslashreplace")
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr


def _writer(descriptor, name, errors):
    raw = io.FileIO(descriptor, "wb", closefd=False)
    raw.name = name
    return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", errors, "\n", line_buffering=True)


def replace_pid():
    """Lets `os.getpid` differ between processes; the sandbox answers 42 to all."""
    os.getpid = _getpid


def _getpid():
    return _pid


def start(first=()):
    """Makes the snapshot this process's own; `first` leads the module search path."""
    global _pid
    _pid = 2 + int.from_bytes(os.urandom(2), "little") % 32000
    snapshot.reseed()
    logging = sys.modules.get("logging")
    if logging is not None and hasattr(logging, "_startTime"):
        import time

        logging._startTime = time.time_ns()
    _enter(os.environ.get("PWD") or paths.APP)
    sys.path[:] = search_path(first, os.environ.get("PYTHONPATH", ""))
    sys.path_importer_cache.clear()
    _honour_path_files()
    sys.executable = sys._base_executable = paths.ROOT + "/bin/python"
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        sys.dont_write_bytecode = True
    zone = os.environ.get("TZ", "")
    if zone not in ("", "UTC", "Etc/UTC", "GMT", "UTC0"):
        print("hokku: local time is UTC here, TZ=%s has no effect; "
              "use zoneinfo.ZoneInfo(%r)" % (zone, zone), file=sys.stderr)


def search_path(first, pythonpath):
    """The module search path, in CPython's order and without repeats."""
    entries = list(first)
    entries += [entry for entry in pythonpath.split(":") if entry]
    entries += [paths.STDLIB, paths.SITE]
    return list(dict.fromkeys(entries))


def source_roots():
    """Where an app's own modules are: `/app`, and `/app/src` if it keeps them there."""
    source = paths.APP + "/src"
    has_source = os.path.isdir(source) and not os.path.exists(source + "/__init__.py")
    return [paths.APP, source] if has_source else [paths.APP]


def _enter(folder):
    for candidate in (folder, paths.APP):
        try:
            return os.chdir(candidate)
        except OSError:
            continue


def _honour_path_files():
    try:
        names = os.listdir(paths.SITE)
    except OSError:
        return
    if any(name.endswith(".pth") for name in names):
        import site

        site.addsitedir(paths.SITE)
