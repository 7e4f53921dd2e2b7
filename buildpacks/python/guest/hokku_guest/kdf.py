"""Key derivation that CPython takes from OpenSSL, which the sandbox does not have.

PBKDF2 is done with the interpreter's own HMAC, about a microsecond per round.
scrypt would take minutes, so asking for it says so.
"""

import _hmac
import hashlib

_ONE_SHOT = {
    "md5": _hmac.compute_md5,
    "sha1": _hmac.compute_sha1,
    "sha224": _hmac.compute_sha224,
    "sha256": _hmac.compute_sha256,
    "sha384": _hmac.compute_sha384,
    "sha512": _hmac.compute_sha512,
}


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """PKCS#5 password-based key derivation, as `hashlib.pbkdf2_hmac`."""
    name = hash_name.lower().replace("-", "")
    if name not in _ONE_SHOT:
        raise ValueError("unsupported hash type " + hash_name)
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    mac = _ONE_SHOT[name]
    size = hashlib.new(name).digest_size
    if hashlib.new(name).block_size < len(password):
        password = hashlib.new(name, password).digest()
    password, salt = bytes(password), bytes(salt)
    wanted = size if dklen is None else dklen
    if wanted < 1:
        raise ValueError("key length must be greater than 0.")
    derived = b""
    block = 0
    while len(derived) < wanted:
        block += 1
        last = mac(password, salt + block.to_bytes(4, "big"))
        total = int.from_bytes(last, "big")
        for _ in range(iterations - 1):
            last = mac(password, last)
            total ^= int.from_bytes(last, "big")
        derived += total.to_bytes(size, "big")
    return derived[:wanted]


def scrypt(password, *, salt, n, r, p, maxmem=0, dklen=64):
    """Always refuses: memory-hard hashing needs native code."""
    raise RuntimeError(
        "hashlib.scrypt needs OpenSSL, which the sandbox does not have; use PBKDF2 instead, "
        "for example generate_password_hash(password, method='pbkdf2:sha256')"
    )


def install():
    """Adds what is missing to `hashlib`."""
    for function in (pbkdf2_hmac, scrypt):
        if not hasattr(hashlib, function.__name__):
            setattr(hashlib, function.__name__, function)
