"""Packages whose native code cannot run in the sandbox, and what to use instead."""

import re

ADVICE = {
    "psycopg2": "Use pg8000, a PostgreSQL driver in pure Python "
                "(SQLAlchemy: postgresql+pg8000://…).",
    "mysqlclient": "Use PyMySQL (SQLAlchemy: mysql+pymysql://…; Django: "
                   "pymysql.install_as_MySQLdb()).",
    "pydantic-core": "Use pydantic 1, which also works without native code: pydantic<2.",
    "cryptography": "Use hashlib, hmac and secrets, or `itsdangerous` and `PyJWT` with HS256.",
    "bcrypt": "Use werkzeug.security with method='pbkdf2:sha256', or passlib's pbkdf2_sha256.",
    "argon2-cffi-bindings": "Use werkzeug.security with method='pbkdf2:sha256', or passlib's "
                            "pbkdf2_sha256.",
    "numpy": "Do the work in plain Python (array, statistics, fractions), or in another service.",
    "pandas": "Read tables with csv or sqlite3, or do the work in another service.",
    "scipy": "Do the work in another service.",
    "lxml": "Use xml.etree.ElementTree, or BeautifulSoup with 'html.parser'.",
    "pillow": "Do image work in another service, or before deploying.",
    "orjson": "Use the standard json module.",
    "ujson": "Use the standard json module.",
    "rpds-py": "Use jsonschema<4.18, which is pure Python.",
    "greenlet": "Leave it out: gevent-style workers are not needed here.",
    "gevent": "Leave it out and use `gunicorn MODULE:APP` with its default worker.",
    "eventlet": "Leave it out and use `gunicorn MODULE:APP` with its default worker.",
    "uvloop": "Leave it out: the standard event loop is used.",
    "httptools": "Leave it out: the platform parses HTTP.",
    "grpcio": "Talk JSON over HTTP instead.",
    "pyzmq": "Use Redis or HTTP instead.",
    "cffi": "Look for a pure-Python package that does the same.",
    "uwsgi": "Use `web: gunicorn MODULE:APP`; nothing needs to be installed for it.",
    "hiredis": "Leave it out: redis works without it.",
    "tiktoken": "Do the work in another service.",
    "pynacl": "Use hashlib, hmac and secrets.",
    "pymssql": "Use python-tds, a driver in pure Python.",
    "pyodbc": "Use pg8000, PyMySQL or python-tds, drivers in pure Python.",
    "asyncpg": "Use pg8000, a PostgreSQL driver in pure Python.",
    "scikit-learn": "Do the work in another service.",
    "matplotlib": "Draw in the browser, or do the work in another service.",
    "opencv-python": "Do the work in another service.",
    "torch": "Do the work in another service.",
    "tensorflow": "Do the work in another service.",
    "m2crypto": "Use hashlib, hmac and secrets.",
    "pycryptodome": "Use hashlib, hmac and secrets.",
    "python-ldap": "Use ldap3, which is pure Python.",
    "watchfiles": "Leave it out: the platform restarts the app.",
    "psutil": "Leave it out: a dyno has one process.",
}
SAME_AS = {
    "psycopg2-binary": "psycopg2", "psycopg": "psycopg2", "psycopg-binary": "psycopg2",
    "psycopg-c": "psycopg2", "argon2-cffi": "argon2-cffi-bindings",
    "opencv-python-headless": "opencv-python", "pycryptodomex": "pycryptodome",
    "tensorflow-cpu": "tensorflow",
}
# Not worth a download: none of their versions has ever run without native code.
KNOWN = (set(ADVICE) | set(SAME_AS)) - {"hiredis"}
GENERAL = "Look for a pure-Python package that does the same, or an older pure-Python version."


def normal(name):
    """The one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def advice(name):
    """What to do instead of using the package."""
    key = normal(name)
    return ADVICE.get(SAME_AS.get(key, key), GENERAL)


def is_known(name):
    return normal(name) in KNOWN


def refusal(name, version="", required_by=""):
    """The lines which refuse one package."""
    label = (name + " " + version).strip()
    if required_by:
        label += " (required by %s)" % required_by
    return (label + " needs native code that cannot run in the WebAssembly sandbox.",
            advice(name))
