"""The host's side of the Python buildpack.

Owns: detection, the toolchain, installing packages, making components, and the
cache of all that. Runs on any Python from 3.9 and needs nothing beside it.
Not here: what runs inside the sandbox (see `guest/`).
"""
