"""The app itself: imported at the first request, and again after a failed import."""

import functools
import importlib
import inspect
import os
import sys

from . import boot, paths


class NotAnApp(Exception):
    """The module was imported, but what it should hold is not a WSGI app."""


def prepare(settings):
    """Does what the command line asks for before the app is imported."""
    os.environ.update(settings.environment)
    if settings.chdir:
        os.chdir(os.path.join(paths.APP, settings.chdir))
    roots = [os.getcwd()] if settings.chdir else []
    extra = [os.path.abspath(entry) for entry in settings.python_path]
    sys.path[:] = list(dict.fromkeys(extra + roots + boot.source_roots() + sys.path))


def load(target):
    """Imports the app that `target` names and returns its callable."""
    module = importlib.import_module(target.module)
    app = module
    for name in target.name.split("."):
        app = _attribute(app, name, target, module)
    if target.call:
        app = app(*target.arguments, **target.keywords)
    if not callable(app):
        raise NotAnApp("%s is a %s, not a callable" % (target, type(app).__name__))
    if _is_asynchronous(app):
        raise NotAnApp("%s is an ASGI app; only WSGI apps can be served" % target)
    return app


def _attribute(owner, name, target, module):
    try:
        return getattr(owner, name)
    except AttributeError:
        pass
    hint = ""
    if owner is module:
        known = [n for n in ("app", "application", "create_app", "make_app") if hasattr(module, n)]
        if known:
            hint = "; did you mean %s:%s?" % (target.module, known[0])
    raise NotAnApp("failed to find %r in %s%s" % (name, target.module, hint)) from None


def _is_asynchronous(app):
    app = app.func if isinstance(app, functools.partial) else app
    call = getattr(type(app), "__call__", None)
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(call)


def forget():
    """Drops the app's own modules, so that the next import starts clean."""
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None) or ""
        if origin.startswith(paths.APP + "/") and not origin.startswith(paths.ROOT + "/"):
            del sys.modules[name]
    importlib.invalidate_caches()
