"""The licences of what a slug carries of the runtime."""

import pathlib
import shutil

from . import layout


def collect(stdlib, componentize, target):
    """Gathers every licence of the interpreter and its runtime into `target`."""
    target = pathlib.Path(target)
    target.mkdir()
    shutil.copyfile(stdlib / "LICENSE.txt", target / "CPython.txt")
    for info in pathlib.Path(componentize).glob("componentize_py-*.dist-info"):
        for text in sorted((info / "licenses").glob("*")):
            shutil.copyfile(text, target / ("componentize-py-" + text.name + ".txt"))
        for bill in sorted((info / "sboms").glob("*.json")):
            shutil.copyfile(bill, target / bill.name)
    for text in sorted((layout.BUILDPACK / "licences").iterdir()):
        shutil.copyfile(text, target / text.name)
    shutil.copyfile(layout.BUILDPACK / "wit" / "LICENSE", target / "WASI.txt")
