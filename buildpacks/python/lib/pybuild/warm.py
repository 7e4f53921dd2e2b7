"""Which modules of the installed packages go into the snapshot.

A function of the packages alone, so that changing the app's code changes
nothing: the outermost modules, and submodules that apps import by themselves.
"""

# Not imported at build: they are not used inside the sandbox, start something
# when imported, or read the environment then.
LEFT_OUT = set("""
black celery coverage daphne ddtrace debugpy distribute eventlet flake8 gevent granian gunicorn
hypercorn ipdb ipython isort mypy newrelic nose pip pre-commit pylint pytest pytest-cov
pytest-django ruff setuptools tox tzdata uvicorn uvloop virtualenv waitress watchdog wheel
""".split())

SUBMODULES = {
    "alembic": "alembic.command alembic.config alembic.op",
    "babel": "babel.dates babel.numbers babel.support",
    "bs4": "bs4.builder._htmlparser",
    "django": """
        django.conf django.contrib.messages django.contrib.staticfiles.finders
        django.core.cache.backends.locmem django.core.handlers.wsgi django.core.mail
        django.core.management django.core.management.base django.core.paginator
        django.core.signing django.core.validators django.core.wsgi django.db
        django.db.backends.sqlite3.base django.db.migrations django.db.models django.db.utils
        django.forms django.http django.middleware.clickjacking django.middleware.common
        django.middleware.csrf django.middleware.security django.shortcuts
        django.template.backends.django django.template.context_processors
        django.template.defaultfilters django.template.defaulttags
        django.template.loader_tags django.template.loaders.app_directories
        django.template.loaders.cached django.template.loaders.filesystem django.test.signals
        django.urls django.utils.autoreload django.utils.translation.trans_real
        django.views.decorators.csrf django.views.defaults django.views.generic
        django.views.static""",
    "flask": "flask.json.tag flask.views",
    "idna": "idna.idnadata idna.uts46data",
    "itsdangerous": "itsdangerous.url_safe",
    "jinja2": "jinja2.debug jinja2.ext jinja2.sandbox",
    "markdown": """markdown.extensions.codehilite markdown.extensions.extra
        markdown.extensions.fenced_code markdown.extensions.tables markdown.extensions.toc""",
    "mako": "mako.lookup mako.template",
    "pg8000": "pg8000.dbapi pg8000.native",
    "pygments": "pygments.formatters.html pygments.lexers",
    "pymysql": "pymysql.cursors",
    "python-dateutil": "dateutil.parser dateutil.relativedelta dateutil.rrule dateutil.tz",
    "requests": "requests.adapters requests.sessions",
    "rich": "rich.console rich.traceback",
    "sqlalchemy": """
        sqlalchemy.dialects.mysql sqlalchemy.dialects.mysql.pymysql
        sqlalchemy.dialects.postgresql sqlalchemy.dialects.postgresql.pg8000
        sqlalchemy.dialects.sqlite sqlalchemy.ext.associationproxy
        sqlalchemy.ext.declarative sqlalchemy.ext.hybrid sqlalchemy.ext.mutable
        sqlalchemy.orm""",
    "urllib3": "urllib3.contrib urllib3.util.retry",
    "werkzeug": """werkzeug.middleware.proxy_fix werkzeug.middleware.shared_data
        werkzeug.security""",
    "wtforms": "wtforms.fields wtforms.validators wtforms.widgets",
}
NOT_MODULES = {"test", "tests", "testing", "docs", "doc", "examples", "example", "setup",
               "conftest", "benchmarks", "scripts", "tools"}


def modules(packages):
    """The modules to import, in the packages' order."""
    names = []
    for package in packages:
        if package.key in LEFT_OUT or package.key.startswith("types-"):
            continue
        names += [name for name in package.modules() if name.split(".")[-1] not in NOT_MODULES]
        key = "bs4" if package.key == "beautifulsoup4" else package.key
        names += SUBMODULES.get(key, "").split()
    return list(dict.fromkeys(names))
