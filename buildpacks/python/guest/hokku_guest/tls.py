"""Stands in for the standard library's `ssl`, which needs OpenSSL.

Importing it works, so that packages which merely know about TLS load. Making a
connection with it does not: the sandbox has no TLS of its own yet.
"""

import enum
import socket


class SSLError(OSError):
    """A TLS operation failed."""


class SSLZeroReturnError(SSLError):
    pass


class SSLWantReadError(SSLError):
    pass


class SSLWantWriteError(SSLError):
    pass


class SSLSyscallError(SSLError):
    pass


class SSLEOFError(SSLError):
    pass


class SSLCertVerificationError(SSLError, ValueError):
    verify_code = 0
    verify_message = ""


CertificateError = SSLCertVerificationError
socket_error = OSError


class VerifyMode(enum.IntEnum):
    CERT_NONE = 0
    CERT_OPTIONAL = 1
    CERT_REQUIRED = 2


class VerifyFlags(enum.IntFlag):
    VERIFY_DEFAULT = 0
    VERIFY_CRL_CHECK_LEAF = 4
    VERIFY_CRL_CHECK_CHAIN = 12
    VERIFY_X509_STRICT = 32
    VERIFY_ALLOW_PROXY_CERTS = 64
    VERIFY_X509_TRUSTED_FIRST = 32768
    VERIFY_X509_PARTIAL_CHAIN = 524288


class Options(enum.IntFlag):
    OP_NO_EXTENDED_MASTER_SECRET = 1
    OP_IGNORE_UNEXPECTED_EOF = 128
    OP_NO_TICKET = 16384
    OP_NO_COMPRESSION = 131072
    OP_ENABLE_MIDDLEBOX_COMPAT = 1048576
    OP_CIPHER_SERVER_PREFERENCE = 4194304
    OP_NO_SSLv3 = 33554432
    OP_NO_TLSv1 = 67108864
    OP_NO_TLSv1_2 = 134217728
    OP_NO_TLSv1_1 = 268435456
    OP_NO_TLSv1_3 = 536870912
    OP_NO_RENEGOTIATION = 1073741824
    OP_ALL = 2147483728
    OP_NO_SSLv2 = 0
    OP_SINGLE_DH_USE = 0
    OP_SINGLE_ECDH_USE = 0


class TLSVersion(enum.IntEnum):
    MINIMUM_SUPPORTED = -2
    MAXIMUM_SUPPORTED = -1
    SSLv3 = 768
    TLSv1 = 769
    TLSv1_1 = 770
    TLSv1_2 = 771
    TLSv1_3 = 772


class _SSLMethod(enum.IntEnum):
    PROTOCOL_TLS = 2
    PROTOCOL_SSLv23 = 2
    PROTOCOL_TLSv1 = 3
    PROTOCOL_TLSv1_1 = 4
    PROTOCOL_TLSv1_2 = 5
    PROTOCOL_TLS_CLIENT = 16
    PROTOCOL_TLS_SERVER = 17


class SSLErrorNumber(enum.IntEnum):
    SSL_ERROR_SSL = 1
    SSL_ERROR_WANT_READ = 2
    SSL_ERROR_WANT_WRITE = 3
    SSL_ERROR_WANT_X509_LOOKUP = 4
    SSL_ERROR_SYSCALL = 5
    SSL_ERROR_ZERO_RETURN = 6
    SSL_ERROR_WANT_CONNECT = 7
    SSL_ERROR_EOF = 8
    SSL_ERROR_INVALID_ERROR_CODE = 10


class AlertDescription(enum.IntEnum):
    ALERT_DESCRIPTION_CLOSE_NOTIFY = 0
    ALERT_DESCRIPTION_HANDSHAKE_FAILURE = 40
    ALERT_DESCRIPTION_INTERNAL_ERROR = 80


class Purpose(enum.Enum):
    SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


for _family in (VerifyMode, VerifyFlags, Options, _SSLMethod, SSLErrorNumber, AlertDescription):
    globals().update(_family.__members__)

HAS_SNI = HAS_ALPN = HAS_ECDH = HAS_TLSv1_2 = HAS_TLSv1_3 = True
HAS_NEVER_CHECK_COMMON_NAME = True
HAS_NPN = HAS_SSLv2 = HAS_SSLv3 = HAS_TLSv1 = HAS_TLSv1_1 = HAS_PSK = False
OPENSSL_VERSION = "OpenSSL 3.0.0 (a stand-in: the sandbox has no TLS)"
OPENSSL_VERSION_INFO = (3, 0, 0, 0, 0)
OPENSSL_VERSION_NUMBER = 0x30000000
CHANNEL_BINDING_TYPES = []
PEM_HEADER = "-----BEGIN CERTIFICATE-----"
PEM_FOOTER = "-----END CERTIFICATE-----"


def _refuse(*args, **options):
    raise SSLError(
        "TLS connections are not possible from this sandbox; "
        "connect without TLS, for example inside the platform's own network"
    )


def _accept(*args, **options):
    return None


class SSLContext:
    """Holds settings like the real one; refuses when a connection is to be made."""

    sslsocket_class = None
    sslobject_class = None

    def __init__(self, protocol=_SSLMethod.PROTOCOL_TLS, *args, **options):
        self.protocol = protocol
        self.verify_mode = VerifyMode.CERT_REQUIRED
        self.check_hostname = protocol != _SSLMethod.PROTOCOL_TLS_SERVER
        self.hostname_checks_common_name = False
        self.options = Options.OP_ALL
        self.verify_flags = VerifyFlags.VERIFY_DEFAULT
        self.minimum_version = TLSVersion.MINIMUM_SUPPORTED
        self.maximum_version = TLSVersion.MAXIMUM_SUPPORTED
        self.post_handshake_auth = False
        self.keylog_filename = None
        self.sni_callback = None

    wrap_socket = wrap_bio = _refuse
    load_cert_chain = load_verify_locations = load_default_certs = _accept
    load_dh_params = set_default_verify_paths = set_ciphers = _accept
    set_alpn_protocols = set_npn_protocols = set_ecdh_curve = _accept
    set_servername_callback = _accept

    def get_ca_certs(self, binary_form=False):
        return []

    def get_ciphers(self):
        return []

    def cert_store_stats(self):
        return {"x509": 0, "crl": 0, "x509_ca": 0}


class SSLSocket(socket.socket):
    __init__ = _refuse


class SSLObject:
    __init__ = _refuse


class SSLSession:
    pass


class MemoryBIO:
    __init__ = _refuse


def create_default_context(purpose=Purpose.SERVER_AUTH, **options):
    client = purpose is Purpose.SERVER_AUTH
    return SSLContext(_SSLMethod.PROTOCOL_TLS_CLIENT if client else _SSLMethod.PROTOCOL_TLS_SERVER)


def _create_unverified_context(*args, **options):
    context = SSLContext(_SSLMethod.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = VerifyMode.CERT_NONE
    return context


_create_stdlib_context = _create_unverified_context
_create_default_https_context = create_default_context
get_server_certificate = RAND_add = _refuse


def RAND_bytes(count):
    import os

    return os.urandom(count)


def RAND_status():
    return True


def get_default_verify_paths():
    from collections import namedtuple

    names = ("cafile", "capath", "openssl_cafile_env", "openssl_cafile", "openssl_capath_env",
             "openssl_capath")
    values = (None, None, "SSL_CERT_FILE", "", "SSL_CERT_DIR", "")
    return namedtuple("DefaultVerifyPaths", names)(*values)


def DER_cert_to_PEM_cert(data):
    import base64

    text = base64.standard_b64encode(data).decode("ascii")
    lines = [text[at:at + 64] for at in range(0, len(text), 64)]
    return "\n".join([PEM_HEADER] + lines + [PEM_FOOTER]) + "\n"


def PEM_cert_to_DER_cert(text):
    import base64

    body = text.strip()
    if not (body.startswith(PEM_HEADER) and body.endswith(PEM_FOOTER)):
        raise ValueError("Invalid PEM encoding; must start with " + PEM_HEADER)
    return base64.decodebytes(body[len(PEM_HEADER):-len(PEM_FOOTER)].encode("ascii"))


def get_protocol_name(protocol):
    return getattr(protocol, "name", "<unknown>")
