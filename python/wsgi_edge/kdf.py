"""hashlib.pbkdf2_hmac and hashlib.scrypt, which Pyodide lacks. node:crypto computes them, on platforms that have it."""

import hashlib

from pyodide.ffi import to_js


def _derive(*arguments):
    from . import bridge

    result = bridge._gateway.kdf(*arguments)
    if isinstance(result, str):
        raise ValueError(result)
    return result.to_bytes()


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    if dklen is None:
        dklen = hashlib.new(hash_name).digest_size
    if dklen < 1:
        raise ValueError("key length must be greater than 0.")
    return _derive("pbkdf2", to_js(bytes(password)), to_js(bytes(salt)), dklen, hash_name, iterations)


def scrypt(password, *, salt, n, r, p, maxmem=0, dklen=64):
    # As in OpenSSL, 0 means 32 MiB.
    return _derive("scrypt", to_js(bytes(password)), to_js(bytes(salt)), dklen, n, r, p, maxmem or 32 * 1024 * 1024)


if not hasattr(hashlib, "pbkdf2_hmac"):
    hashlib.pbkdf2_hmac = pbkdf2_hmac
if not hasattr(hashlib, "scrypt"):
    hashlib.scrypt = scrypt
