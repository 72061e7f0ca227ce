"""TLS by the platform. Pyodide's ssl is a stub, which sends plain text, or takes no part in the decision whom to trust."""

import re
import socket
import ssl
import sys

from pyodide.ffi import run_sync

_start_tls = None  # of the JavaScript half
_ADDRESS = re.compile(r"[\d.]+|.*:.*")

_Context = ssl.SSLContext
_Socket = ssl.SSLSocket


def connect(start_tls):
    """Takes the function of the JavaScript half."""
    global _start_tls
    _start_tls = start_tls


def _refuse(what):
    return ssl.SSLError(ssl.SSL_ERROR_SSL, f"wsgi-edge: {what}")


class Context:
    """Methods of SSLContext."""

    def wrap_socket(
        self,
        sock,
        server_side=False,
        do_handshake_on_connect=True,
        suppress_ragged_eofs=True,
        server_hostname=None,
        session=None,
    ):
        if server_side or self.protocol == ssl.PROTOCOL_TLS_SERVER:
            raise _refuse("Python can't be a server of TLS")
        if self.verify_mode == ssl.CERT_NONE:
            raise _refuse(
                "CERT_NONE is refused, because the platform always verifies the certificate of the server: "
                "use ssl.create_default_context(), or switch TLS off"
            )
        if self.verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN:
            raise _refuse("the platform knows no lists of revoked certificates")
        if self.check_hostname and not server_hostname:
            raise ValueError("check_hostname requires server_hostname")
        return self.sslsocket_class._create(
            sock, do_handshake_on_connect=do_handshake_on_connect, server_hostname=server_hostname, context=self
        )

    def wrap_bio(self, incoming, outgoing, server_side=False, server_hostname=None, session=None):
        raise _refuse("TLS needs a socket (asyncio and TLS within TLS can't have it)")

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        raise _refuse("the platform sends no certificate of a client")

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        if capath is not None:
            raise _refuse("capath can't be used: give the certificates as one file")
        certifi = sys.modules.get("certifi")
        if certifi is not None and cafile == certifi.where():
            self.load_default_certs()
        elif cafile is not None:
            with open(cafile, encoding="ascii", errors="ignore") as file:
                _trust(self, file.read())
        if isinstance(cadata, str):
            _trust(self, cadata)
        elif cadata is not None:
            _trust(self, ssl.DER_cert_to_PEM_cert(cadata))

    def load_default_certs(self, purpose=ssl.Purpose.SERVER_AUTH):
        self._default_certs = True

    def set_default_verify_paths(self):
        self._default_certs = True

    def set_ciphers(self, ciphers):
        if ciphers != ssl._DEFAULT_CIPHERS:
            raise _refuse("the platform chooses the ciphers")


def _trust(context, pem):
    context._trusted = getattr(context, "_trusted", "") + pem + "\n"


def _create(cls, sock, do_handshake_on_connect, server_hostname, context):
    self = cls.__new__(cls)
    timeout = sock.gettimeout()
    # getsockopt() could not tell what kind of socket this is.
    socket.socket.__init__(self, sock.family, sock.type, sock.proto, sock.fileno())
    self.settimeout(timeout)
    sock.detach()
    self._context = context
    self._server_hostname = server_hostname
    self._session = self._sslobj = None  # httpcore looks at _sslobj
    self._handshake_on_connect = do_handshake_on_connect
    try:
        self.getpeername()
    except OSError:
        return self  # the handshake follows connect()
    try:
        if do_handshake_on_connect:
            self.do_handshake()
    except BaseException:
        self.close()
        raise
    return self


def _do_handshake(self, block=False):
    if _start_tls is None:
        raise _refuse("Python has no sockets here")
    context = self._context
    timeout = self.gettimeout()
    trusted = getattr(context, "_trusted", None)
    error = run_sync(
        _start_tls(
            self.fileno(),
            None if timeout is None else timeout * 1000,
            self._server_hostname,
            context.check_hostname,
            trusted,
            trusted is None or getattr(context, "_default_certs", False),
            _version(context.minimum_version),
            _version(context.maximum_version),
        )
    )
    if error is None:
        return
    code, _, reason = error.partition(" ")
    if code == "OTHER_NAME":
        self._other_name = True
        return
    if code == "CERTIFICATE":
        error = ssl.SSLCertVerificationError(
            ssl.SSL_ERROR_SSL, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason}"
        )
        error.reason = "CERTIFICATE_VERIFY_FAILED"
        error.verify_message = reason
        raise error
    if code == "ETIMEDOUT":
        raise TimeoutError("_ssl.c: The handshake operation timed out")
    if code == "ECONNRESET":
        raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, f"EOF occurred in violation of protocol: {reason}")
    raise ssl.SSLError(ssl.SSL_ERROR_SSL, reason)


def _version(version):
    newest = version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED)
    return "TLSv1.3" if newest else "TLSv1.2"


def _connect(self, address):
    socket.socket.connect(self, address)
    if self._handshake_on_connect:
        self.do_handshake()


def _getpeercert(self, binary_form=False):
    """The name that the platform has verified, and nothing else. boto3 compares it, because it sets check_hostname to False."""
    if binary_form or self._server_hostname is None:
        raise _refuse("the platform does not show the certificate of the server")
    if getattr(self, "_other_name", False):
        return {"subject": (), "subjectAltName": ()}
    kind = "IP Address" if _ADDRESS.fullmatch(self._server_hostname) else "DNS"
    return {"subject": (), "subjectAltName": ((kind, self._server_hostname),)}


def _unwrap(self):
    raise _refuse("TLS can't be ended before the connection")


for name in Context.__dict__:
    if not name.startswith("_"):
        setattr(_Context, name, Context.__dict__[name])
# Methods of the stub that do nothing.
for name in (
    "accept",
    "connect_ex",
    "recvfrom",
    "recvfrom_into",
    "sendfile",
    "sendto",
    "shutdown",
):
    delattr(_Socket, name)
_Socket._create = classmethod(_create)
_Socket.do_handshake = _do_handshake
_Socket.connect = _connect
_Socket.pending = lambda self: 0
_Socket.getpeercert = _getpeercert
_Socket.unwrap = _unwrap
# smtplib and others use it when they are given no context. CPython does not verify then.
ssl._create_stdlib_context = ssl._create_default_https_context = ssl.create_default_context
# Otherwise urllib3 compares the name of the host itself, with the certificate.
ssl.HAS_NEVER_CHECK_COMMON_NAME = True
