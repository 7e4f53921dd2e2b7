"""Compiles source files to bytecode with the guest's own compiler.

The bytecode is marked "unchecked": the import system trusts it without
comparing times, which no archive of a slug keeps.
"""

import importlib.util
import marshal
import os
import sys
import warnings

UNCHECKED_HASH = (0b01).to_bytes(4, "little")


def compile_file(source, target, shown_as):
    """Writes `target` from `source`; a file that does not compile is left out."""
    try:
        with open(source, "rb") as file:
            text = file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(text, shown_as, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, OSError):
        return False
    data = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH
    data += importlib.util.source_hash(text) + marshal.dumps(code)
    with open(target, "wb") as file:
        file.write(data)
    return True


def cached_name(name):
    return name[:-3] + "." + sys.implementation.cache_tag + ".pyc"


def compile_tree(root, shown_root):
    """Fills `__pycache__` everywhere below `root`; returns how many files it wrote."""
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        sources = [name for name in sorted(files) if name.endswith(".py")]
        if not sources:
            continue
        cache = folder + "/__pycache__"
        os.makedirs(cache, exist_ok=True)
        shown = shown_root + folder[len(root):]
        for name in sources:
            target = cache + "/" + cached_name(name)
            count += compile_file(folder + "/" + name, target, shown + "/" + name)
    return count
