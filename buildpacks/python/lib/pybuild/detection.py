"""What an app is, found out by reading it and never by running it."""

import ast
import pathlib
import re

ENTRY_FILES = ("app.py", "wsgi.py", "main.py")
APP_NAMES = ("app", "application")


def is_python(app):
    """Whether this buildpack can install what the app needs."""
    app = pathlib.Path(app)
    return (app / "requirements.txt").is_file() or (app / "pyproject.toml").is_file()


def default_web(app):
    """The command for `web` when there is no Procfile, or None."""
    app = pathlib.Path(app)
    for folder in (app, app / "src"):
        for name in ENTRY_FILES:
            found = app_name(folder / name)
            if found:
                return "gunicorn %s:%s" % (name[:-len(".py")], found)
    return _django(app)


def _django(app):
    """A Django project says where its app is: the one folder with a wsgi.py."""
    if not (app / "manage.py").is_file():
        return None
    found = [path for path in sorted(app.glob("*/wsgi.py")) if app_name(path) == "application"]
    if len(found) != 1 or not found[0].parent.name.isidentifier():
        return None
    return "gunicorn %s.wsgi" % found[0].parent.name


def app_name(path):
    """Which of the usual names a file gives to its app at the top level."""
    try:
        source = path.read_bytes()
    except OSError:
        return None
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        # Half typed, or newer than this machine's Python: the app's own Python will tell.
        found = {name.decode() for name in re.findall(rb"(?m)^(%s)\s*[:=]" % "|".join(APP_NAMES).encode(), source)}
        return next((name for name in APP_NAMES if name in found), None)
    defined = set()
    for statement in tree.body:
        defined |= _names(statement)
    return next((name for name in APP_NAMES if name in defined), None)


def _names(statement):
    if isinstance(statement, ast.Assign):
        return {t.id for t in statement.targets if isinstance(t, ast.Name)}
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return {statement.target.id} if isinstance(statement.target, ast.Name) else set()
    if isinstance(statement, (ast.ImportFrom, ast.Import)):
        return {alias.asname or alias.name for alias in statement.names}
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.If, ast.Try, ast.With)):
        inner = list(statement.body) + list(getattr(statement, "orelse", []))
        return set().union(*[_names(one) for one in inner]) if inner else set()
    return set()
