"""Where things are: in the buildpack, in a toolchain, and in a build."""

import hashlib
import os
import pathlib

BUILDPACK = pathlib.Path(__file__).resolve().parents[2]
VERSION = "0.1.0"
PYTHON = "3.14"
PYTHON_FULL = "3.14.0"
STDLIB_ZIP = "python314.zip"
GUEST_ROOT = ".python"


def fingerprint(*parts):
    """A short name for content: equal parts, equal name."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:24]


def tree_fingerprint(root):
    """A short name for the files below `root`: their names and contents."""
    parts = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", ".git"))
        for name in sorted(files):
            path = pathlib.Path(folder, name)
            if path.is_symlink() or not path.is_file():
                continue
            parts += [str(path.relative_to(root)), path.read_bytes()]
    return fingerprint(*parts)


def clean_environment(home):
    """What a tool we start may see: nothing of ours but the way to the network."""
    kept = ("PATH", "LANG", "TMPDIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY",
            "HTTPS_PROXY", "NO_PROXY", "all_proxy", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
            "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment.update({k: v for k, v in os.environ.items() if k.startswith("PIP_")})
    environment.update(HOME=str(home), PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    return environment
