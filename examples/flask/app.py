"""A guestbook: an ordinary Flask app, nothing in it knows where it runs."""

import hashlib
import logging
import os
import secrets
import time

from flask import (
    Flask,
    Response,
    abort,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

import guestbook

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY", "for development only")
app.config["MAX_CONTENT_LENGTH"] = 32 * 1024 * 1024
app.logger.setLevel(logging.INFO)

GREETING = os.environ.get("GREETING", "Hello")
INSTANCE = secrets.token_hex(4)
requests_here = 0


@app.before_request
def count():
    global requests_here
    requests_here += 1


@app.get("/")
def index():
    session["visits"] = session.get("visits", 0) + 1
    return render_template(
        "index.html",
        greeting=GREETING,
        entries=guestbook.latest(),
        visits=session["visits"],
    )


@app.post("/entries")
def sign():
    name = request.form.get("name", "").strip()[:80]
    message = request.form.get("message", "").strip()[:500]
    if not name or not message:
        flash("Please give a name and a message.", "error")
    else:
        guestbook.add(name, message)
        app.logger.info("%s signed the guestbook", name)
        flash(f"Thank you, {name}!", "success")
    return redirect(url_for("index"))


@app.get("/api/entries")
def api_list():
    return jsonify(entries=guestbook.latest())


@app.post("/api/entries")
def api_add():
    entry = request.get_json()
    if not isinstance(entry, dict) or not entry.get("name") or not entry.get("message"):
        return jsonify(error="name and message are needed"), 422
    guestbook.add(str(entry["name"])[:80], str(entry["message"])[:500])
    return jsonify(entry=guestbook.latest(1)[0]), 201


@app.post("/upload")
def upload():
    file = request.files.get("file")
    if file is None:
        abort(400, "send a form with a file named `file`")
    digest, size = hashlib.sha256(), 0
    while chunk := file.stream.read(65536):
        digest.update(chunk)
        size += len(chunk)
    return jsonify(name=file.filename, size=size, sha256=digest.hexdigest())


@app.get("/stream")
def stream():
    lines = min(request.args.get("lines", 5, type=int), 100)
    pause = min(request.args.get("pause", 0.2, type=float), 10.0)

    def produce():
        for number in range(1, lines + 1):
            yield f"line {number} of {lines}\n"
            time.sleep(pause)

    return Response(produce(), mimetype="text/plain")


@app.get("/slow")
def slow():
    seconds = min(request.args.get("seconds", 1.0, type=float), 25.0)
    time.sleep(seconds)
    return jsonify(slept=seconds, instance=INSTANCE)


@app.get("/instance")
def instance():
    return jsonify(instance=INSTANCE, requests=requests_here, dyno=os.environ.get("DYNO"))


@app.get("/boom")
def boom():
    raise RuntimeError("boom, as asked for")
