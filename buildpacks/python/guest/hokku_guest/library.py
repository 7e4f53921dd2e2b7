"""Which modules of the standard library the snapshots hold."""

WARM = """
abc argparse array ast asyncio atexit base64 binascii bisect calendar cmath code codecs
codeop collections concurrent.futures configparser contextlib contextvars copy copyreg csv
dataclasses datetime decimal difflib dis email email.charset email.encoders email.errors
email.generator email.header email.headerregistry email.message email.mime.application
email.mime.base email.mime.image email.mime.multipart email.mime.text email.parser
email.policy email.utils encodings.aliases encodings.ascii encodings.cp1252 encodings.cp437
encodings.idna encodings.latin_1 encodings.punycode encodings.raw_unicode_escape
encodings.unicode_escape encodings.utf_16 encodings.utf_16_le encodings.utf_32
encodings.utf_8_sig enum errno fileinput fnmatch fractions functools getopt getpass gettext
glob graphlib gzip hashlib heapq hmac html html.entities html.parser http http.client
http.cookiejar http.cookies http.server importlib.metadata importlib.resources inspect io
ipaddress itertools json keyword linecache locale logging logging.config logging.handlers
marshal math mimetypes numbers operator optparse os pathlib pickle pkgutil platform pprint
queue quopri random re reprlib runpy sched secrets select selectors shelve shlex shutil
signal site smtplib socket socketserver sqlite3 ssl stat statistics string string.templatelib
struct subprocess sysconfig tarfile tempfile textwrap threading time timeit tokenize tomllib
traceback types typing unicodedata unittest unittest.mock urllib.error urllib.parse
urllib.request urllib.response urllib.robotparser uuid warnings weakref wsgiref.headers
wsgiref.simple_server wsgiref.util xml.dom.minidom xml.etree.ElementTree xml.sax
xml.sax.saxutils xmlrpc.client zipfile zipimport zlib zoneinfo _strptime
concurrent.futures.thread
""".split()

# What no app needs, or cannot work without native modules.
LEFT_OUT = {
    "__phello__", "config-3.14-wasm32-wasi", "ensurepip", "idlelib", "lib2to3", "pydoc_data",
    "site-packages", "test", "tests", "tkinter", "turtledemo", "venv", "__pycache__",
    "turtle.py", "antigravity.py", "_aix_support.py", "_android_support.py",
    "_apple_support.py", "_ios_support.py", "_osx_support.py",
}
