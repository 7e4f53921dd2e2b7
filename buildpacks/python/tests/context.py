"""Lets the tests import the buildpack's two halves."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
for half in ("lib", "guest"):
    if str(ROOT / half) not in sys.path:
        sys.path.insert(0, str(ROOT / half))
