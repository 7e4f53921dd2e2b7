"""The web component: `gunicorn` and `waitress-serve`, with the app's packages imported."""

from hokku_guest import boot

boot.replace_stdio()
boot.replace_pid()

from hokku_guest import build, http, server, wsgi  # noqa: E402
from wit_world import exports  # noqa: E402

_server = server.Server()


class IncomingHandler(exports.IncomingHandler):
    """`wasi:http/incoming-handler`."""

    def handle(self, request, response_out):
        incoming, responder = http.Request(request), http.Responder(response_out)
        try:
            _server.handle(incoming, responder)
        except BaseException as error:  # would end the instance
            wsgi.log_exception("Error in the web server", error)
        finally:
            responder.abort()
            incoming.close()


build.snapshot_now()
