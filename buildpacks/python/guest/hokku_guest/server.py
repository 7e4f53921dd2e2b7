"""The web process: starts at the first request, then answers one at a time."""

import os
import shlex
import sys
import time

from . import access_log, application, boot, paths, server_args, wsgi

LEVELS = ("debug", "info", "warning", "error", "critical")
# For hosts which cannot give an HTTP component any arguments.
COMMAND_VARIABLE = "HOKKU_WEB_COMMAND"


class Server:
    """One instance of a web process: its settings, and its app once that is imported."""

    def __init__(self):
        self._settings = None
        self._app = None

    def handle(self, request, responder):
        """Answers one request, whatever happens."""
        began = time.monotonic()
        app = self._app or self._load()
        prefix = self._settings.url_prefix if self._settings else ""
        environ = wsgi.build_environ(request, prefix)
        exchange = wsgi.call(app, environ, responder)
        if self._settings is not None and self._settings.access_log:
            seconds = time.monotonic() - began
            print(access_log.line(self._settings.access_format, environ, exchange, seconds))
        sys.stdout.flush()
        sys.stderr.flush()

    def _load(self):
        """Gives the app; if it cannot be had, an app which fails, so as to try again."""
        try:
            if self._settings is None:
                self._start()
            began = time.monotonic()
            app = application.load(self._settings.target)
            self._log("debug", "%s imported in %d ms" % (
                self._settings.target, (time.monotonic() - began) * 1000))
            self._app = app
            return app
        except (server_args.UsageError, application.NotAnApp) as error:
            sys.stderr.write("[ERROR] %s\n" % error)
        except BaseException as error:
            wsgi.log_exception("the app could not be imported", error)
        application.forget()
        return _failed

    def _start(self):
        boot.start()
        words = list(sys.argv)
        if len(words) < 2:
            words = shlex.split(os.environ.get(COMMAND_VARIABLE, "gunicorn app:app"))
        settings = server_args.parse(words, os.environ)
        application.prepare(settings)
        sys.argv[:] = [paths.ROOT + "/bin/" + settings.program] + words[1:]
        self._settings = settings
        if os.path.exists("gunicorn.conf.py") and settings.program == "gunicorn":
            settings.notices.append(
                "gunicorn.conf.py is ignored; write its settings as options in the Procfile")
        for notice in settings.notices:
            self._log("warning", notice)

    def _log(self, level, text):
        wanted = self._settings.log_level
        floor = LEVELS.index(wanted) if wanted in LEVELS else 1
        if LEVELS.index(level) >= floor:
            stamp = time.strftime("[%Y-%m-%d %H:%M:%S +0000]", time.gmtime())
            sys.stderr.write("%s [%d] [%s] %s\n" % (stamp, os.getpid(), level.upper(), text))


def _failed(environ, start_response):
    headers = [("Content-Type", "text/html"), ("Content-Length", str(len(wsgi.ERROR_PAGE)))]
    start_response("500 Internal Server Error", headers)
    return [wsgi.ERROR_PAGE]
