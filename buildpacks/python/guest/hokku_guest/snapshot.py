"""The snapshot: what is imported at build time, and how it is moved to the dyno.

A build imports modules from directories that no dyno has (`/python`, `/0`, `/1`,
…). Before the memory is saved, every path that Python remembers is rewritten to
where the same file is in a dyno: modules, loaders, code objects, and the index
of the standard library's archive. What was drawn by lot or read from a clock is
noted, so that each process can draw again.
"""

import _imp
import gc
import importlib.machinery
import os
import pathlib
import random
import sys
import types
import zipimport

from . import paths

_seeded_by_chance = []


class Moves:
    """Rewrites paths of the build to paths of a dyno."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __call__(self, path):
        for old, new in self.pairs:
            if path == old:
                return new
            if path.startswith(old + "/"):
                return new + path[len(old):]
        return path


def import_modules(names):
    """Imports each module; returns {name: why it failed}."""
    failures = {}
    record, random.Random.seed = random.Random.seed, _recording_seed
    try:
        for name in names:
            try:
                importlib.import_module(name)
            except BaseException as error:  # a package may raise anything, SystemExit too
                failures[name] = "%s: %s" % (type(error).__name__, str(error)[:300])
    finally:
        random.Random.seed = record
    return failures


_original_seed = random.Random.seed


def _recording_seed(self, a=None, version=2):
    if a is None:
        _seeded_by_chance.append(self)
    return _original_seed(self, a, version)


def reseed():
    """Draws new state for every generator that nobody seeded on purpose."""
    random.seed()
    for generator in _seeded_by_chance:
        generator.seed()


def move(moves, archive):
    """Rewrites what Python remembers of build-time paths; `archive` is the library's zip."""
    _index_archive(archive)
    for module in list(sys.modules.values()):
        _move_module(module, moves)
    _move_code(moves)
    sys.path[:] = [entry for entry in sys.path if moves(entry) == entry]
    sys.path_importer_cache.clear()
    _forget_sources()


def freeze():
    """Puts everything imported so far out of the garbage collector's sight."""
    gc.collect()
    gc.freeze()


def _index_archive(archive):
    """Reads the zip's directory now, under the name it has in a dyno."""
    if archive is None:
        return
    index = {}
    for name, entry in zipimport._read_directory(archive).items():
        if entry is not None:  # None stands for a folder
            entry = (paths.STDLIB + entry[0][len(archive):],) + tuple(entry[1:])
        index[name] = entry
    zipimport._zip_directory_cache[paths.STDLIB] = index


def _move_module(module, moves):
    names = getattr(module, "__dict__", {})
    for key, value in list(names.items()):
        # Not only __file__: modules keep paths made from it, as logging does.
        if type(value) is str and moves(value) != value:
            names[key] = moves(value)
        elif issubclass(type(value), pathlib.PurePath) and moves(str(value)) != str(value):
            names[key] = type(value)(moves(str(value)))  # isinstance would wake lazy objects
    _move_package_path(names.get("__path__"), moves)
    spec = names.get("__spec__")
    if type(spec) is not importlib.machinery.ModuleSpec:
        return
    if isinstance(spec.origin, str):
        spec.origin = moves(spec.origin)
    if isinstance(spec.cached, str):
        spec.cached = moves(spec.cached)
    _move_package_path(spec.submodule_search_locations, moves)
    _move_loader(module, spec, moves)


def _move_package_path(locations, moves):
    entries = getattr(locations, "_path", locations)  # a namespace package keeps a list inside
    if isinstance(entries, list):
        entries[:] = [moves(entry) for entry in entries]


def _move_loader(module, spec, moves):
    loader = spec.loader
    path = getattr(loader, "path", None)
    if not isinstance(path, str):
        return
    moved = moves(path)
    if moved.startswith(paths.STDLIB + "/"):
        folder = os.path.dirname(moved)
        if os.path.basename(moved) == "__init__.py":
            folder = os.path.dirname(folder)  # a package is found in its parent's folder
        spec.loader = module.__loader__ = _zip_loader(folder)
    else:
        loader.path = moved


_zip_loaders = {}


def _zip_loader(folder):
    """A loader for one folder of the archive, made without touching the disk."""
    loader = _zip_loaders.get(folder)
    if loader is None:
        loader = zipimport.zipimporter.__new__(zipimport.zipimporter)
        loader.archive = paths.STDLIB
        inside = folder[len(paths.STDLIB) + 1:]
        loader.prefix = inside + "/" if inside else ""
        _zip_loaders[folder] = loader
    return loader


def _move_code(moves):
    for thing in gc.get_objects():
        code = thing.__code__ if type(thing) is types.FunctionType else None
        if code is not None:
            moved = moves(code.co_filename)
            if moved != code.co_filename:
                _imp._fix_co_filename(code, moved)


def _forget_sources():
    import linecache
    import tempfile

    linecache.cache.clear()
    tempfile.tempdir = tempfile._name_sequence = None
