"""Reads the command line of a web process: `gunicorn …` or `waitress-serve …`.

What the platform decides itself (ports, workers, timeouts) is accepted and has
no effect; what would change the app's behaviour is honoured or refused.
"""

import ast
import shlex
from dataclasses import dataclass, field

GUNICORN_SHORT = {
    "c": "config", "b": "bind", "w": "workers", "k": "worker-class", "t": "timeout",
    "e": "env", "p": "pid", "u": "user", "g": "group", "m": "umask", "n": "name",
}
GUNICORN_SHORT_FLAGS = {"D": "daemon", "R": "enable-stdio-inheritance", "v": "version", "h": "help"}
GUNICORN_VALUES = set("""
config bind backlog workers worker-class threads worker-connections max-requests
max-requests-jitter timeout graceful-timeout keep-alive limit-request-line
limit-request-fields limit-request-field_size reload-engine reload-extra-file chdir env pid
worker-tmp-dir user group umask forwarded-allow-ips access-logfile access-logformat
error-logfile log-file log-level logger-class log-config log-config-json log-syslog-to
log-syslog-prefix log-syslog-facility statsd-host statsd-prefix dogstatsd-tags name
pythonpath paste paster proxy-allow-from keyfile certfile ssl-version cert-reqs ca-certs
ciphers header-map forwarder-headers enable-backlog-metric
""".split())
GUNICORN_FLAGS = set("""
reload spew check-config print-config preload no-sendfile reuse-port daemon initgroups
enable-stdio-inheritance capture-output log-syslog proxy-protocol suppress-ragged-eofs
do-handshake-on-connect disable-redirect-access-to-syslog strip-header-spaces
permit-obsolete-folding permit-unconventional-http-method
permit-unconventional-http-version casefold-http-method preload-app version help
""".split())
SYNC_WORKERS = {
    "sync", "gthread", "gunicorn.workers.sync.SyncWorker", "gunicorn.workers.gthread.ThreadWorker",
    "egg:gunicorn#sync", "egg:gunicorn#gthread",
}
WAITRESS_FLAGS = set("""
help call expose-tracebacks no-expose-tracebacks ipv4 no-ipv4 ipv6 no-ipv6
asyncore-use-poll no-asyncore-use-poll log-untrusted-proxy-headers
no-log-untrusted-proxy-headers clear-untrusted-proxy-headers
no-clear-untrusted-proxy-headers log-socket-errors no-log-socket-errors
""".split())
WAITRESS_VALUES = set("""
app host port listen unix-socket unix-socket-perms url-scheme url-prefix ident threads
backlog recv-bytes send-bytes outbuf-overflow outbuf-high-watermark inbuf-overflow
connection-limit cleanup-interval channel-timeout max-request-header-size
max-request-body-size channel-request-lookahead trusted-proxy trusted-proxy-count
trusted-proxy-headers
""".split())
DEFAULT_ACCESS_FORMAT = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'


class UsageError(Exception):
    """The command line cannot be honoured."""


@dataclass
class Target:
    """Which object is the app: `module`, then a dotted name, then perhaps a call."""

    module: str
    name: str
    call: bool = False
    arguments: list = field(default_factory=list)
    keywords: dict = field(default_factory=dict)

    def __str__(self):
        return "%s:%s%s" % (self.module, self.name, "()" if self.call else "")


@dataclass
class Settings:
    """What is honoured of a command line."""

    program: str = "gunicorn"
    target: Target = None
    chdir: str = None
    python_path: list = field(default_factory=list)
    environment: dict = field(default_factory=dict)
    access_log: bool = False
    access_format: str = DEFAULT_ACCESS_FORMAT
    log_level: str = "info"
    url_prefix: str = ""
    notices: list = field(default_factory=list)


def parse(words, environ):
    """Turns the words of the process into `Settings`; raises `UsageError`."""
    program = words[0].rsplit("/", 1)[-1] if words else "gunicorn"
    program = program[:-len(".wasm")] if program.endswith(".wasm") else program
    if program == "waitress-serve":
        return _waitress(words[1:])
    settings = Settings()
    _gunicorn_options(settings, shlex.split(environ.get("GUNICORN_CMD_ARGS", "")))
    positional = _gunicorn_options(settings, words[1:])
    if not positional:
        raise UsageError("no application module specified: write `web: gunicorn MODULE:APP`")
    settings.target = parse_target(positional[0])
    return settings


def _gunicorn_options(settings, words):
    """Applies options; returns the words that are not options."""
    rest, positional, doubtful = list(words), [], False
    while rest:
        word = rest.pop(0)
        if word == "--":
            positional += rest
            break
        if word.startswith("--"):
            doubtful = _gunicorn_long(settings, word[2:], rest)
        elif word.startswith("-") and len(word) > 1:
            doubtful = _gunicorn_short(settings, word[1:], rest)
        elif doubtful and ":" not in word and _more_to_come(rest):
            doubtful = False  # the value of an option that is not known here
        else:
            positional.append(word)
    return positional


def _more_to_come(rest):
    return any(not word.startswith("-") for word in rest)


def _gunicorn_long(settings, text, rest):
    name, equals, value = text.partition("=")
    if name in GUNICORN_FLAGS:
        return _ignore_flag(settings, name)
    if name not in GUNICORN_VALUES:
        settings.notices.append("option --%s is not known and is ignored" % name)
        return not equals
    if not equals:
        if not rest:
            raise UsageError("option --%s needs a value" % name)
        value = rest.pop(0)
    _gunicorn_setting(settings, name, value)
    return False


def _gunicorn_short(settings, letters, rest):
    letter, value = letters[0], letters[1:]
    if letter in GUNICORN_SHORT_FLAGS:
        return _ignore_flag(settings, GUNICORN_SHORT_FLAGS[letter])
    if letter not in GUNICORN_SHORT:
        settings.notices.append("option -%s is not known and is ignored" % letter)
        return not value
    if not value:
        if not rest:
            raise UsageError("option -%s needs a value" % letter)
        value = rest.pop(0)
    _gunicorn_setting(settings, GUNICORN_SHORT[letter], value.lstrip("=") if letters[1:] else value)
    return False


def _ignore_flag(settings, name):
    if name in ("version", "help", "check-config", "print-config"):
        raise UsageError("option --%s shows something and serves nothing" % name)
    return False


def _gunicorn_setting(settings, name, value):
    if name == "chdir":
        settings.chdir = value
    elif name == "pythonpath":
        settings.python_path += [entry.strip() for entry in value.split(",") if entry.strip()]
    elif name == "env":
        key, equals, content = value.partition("=")
        if not equals:
            raise UsageError("option --env needs NAME=VALUE, not %r" % value)
        settings.environment[key] = content
    elif name == "access-logfile":
        settings.access_log = value == "-"
        if not settings.access_log:
            settings.notices.append("--access-logfile %s is ignored; `-` logs requests" % value)
    elif name == "access-logformat":
        settings.access_format = value
    elif name == "log-level":
        settings.log_level = value.lower()
    elif name == "worker-class":
        _check_worker(value)
    elif name == "config":
        settings.notices.append(
            "the configuration file %s is ignored; write its settings as options" % value)
    elif name in ("paste", "paster", "logger-class", "log-config", "log-config-json"):
        settings.notices.append("option --%s is ignored" % name)


def _check_worker(name):
    if name in SYNC_WORKERS:
        return
    if "uvicorn" in name or "asgi" in name.lower():
        raise UsageError("worker class %s serves ASGI apps; only WSGI apps can be served" % name)
    raise UsageError(
        "worker class %s needs native code or threads, which the sandbox does not have; "
        "use the default (sync)" % name)


def _waitress(words):
    settings, rest, call, positional = Settings(program="waitress-serve"), list(words), False, []
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            positional.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        if name in WAITRESS_FLAGS:
            call = call or name == "call"
            continue
        if name not in WAITRESS_VALUES:
            settings.notices.append("option --%s is not known and is ignored" % name)
            continue
        if not equals:
            if not rest:
                raise UsageError("option --%s needs a value" % name)
            value = rest.pop(0)
        if name == "app":
            positional.insert(0, value)
        elif name == "url-prefix":
            settings.url_prefix = "/" + value.strip("/") if value.strip("/") else ""
    if not positional:
        raise UsageError("no application specified: write `web: waitress-serve MODULE:APP`")
    settings.target = parse_target(positional[0])
    settings.target.call = settings.target.call or call
    return settings


def parse_target(text):
    """Reads `module`, `module:name`, `module:a.b` or `module:factory("x", key=1)`."""
    module, _, expression = text.partition(":")
    expression = expression.strip() or "application"
    if not module or "/" in module:
        raise UsageError("%r is not MODULE:APP; for app.py write `app:app`" % text)
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError:
        raise UsageError("%r is neither a name nor a call in %r" % (expression, text)) from None
    if not isinstance(tree, ast.Call):
        return Target(module, _dotted(tree, text))
    try:
        arguments = [ast.literal_eval(argument) for argument in tree.args]
        keywords = {word.arg: ast.literal_eval(word.value) for word in tree.keywords}
    except ValueError:
        raise UsageError("the arguments in %r must be literal values" % text) from None
    return Target(module, _dotted(tree.func, text), True, arguments, keywords)


def _dotted(tree, text):
    if isinstance(tree, ast.Name):
        return tree.id
    if isinstance(tree, ast.Attribute):
        return _dotted(tree.value, text) + "." + tree.attr
    raise UsageError("%r does not name an app" % text)
