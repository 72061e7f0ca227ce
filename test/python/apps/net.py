"""What Python's socket and ssl modules do: each view gets a port, and tells its result or its exception."""

import json
import os
import select
import smtplib
import socket
import ssl

HOST = "127.0.0.1"
kept = []


def echo(port):
    with socket.create_connection((HOST, port), timeout=20) as sock:
        data = bytes(range(256)) * 2000
        sock.sendall(data)
        received = b""
        while len(received) < len(data):
            received += sock.recv(65_536)
        sock.shutdown(socket.SHUT_WR)
        return [received == data, sock.recv(1).decode(), sock.getpeername()]


def reads(port):
    with socket.create_connection((HOST, port)) as sock, sock.makefile() as file:
        return file.read()


def refused(port):
    socket.create_connection((HOST, 1))


def refused_with_timeout(port):
    socket.create_connection((HOST, 1), timeout=5)


def unknown(port):
    socket.create_connection(("nowhere.invalid", 80), timeout=20)


def reset(port):
    with socket.create_connection((HOST, port)) as sock:
        sock.sendall(b"reset")
        sock.recv(1)


def timeout(port):
    with socket.create_connection((HOST, port), timeout=0.05) as sock:
        sock.recv(1)


def hangs(port):
    with socket.create_connection((HOST, port)) as sock:
        kept.append(sock.fileno())
        sock.recv(1)


def leaks(port):
    kept.append(socket.create_connection((HOST, port)))
    kept[-1].recv(1)


def leaked(port):
    sock = kept[-1]
    assert select.select([sock], [], [], 0)[0] == [sock]
    sock.sendall(b"x")


def keeps(port):
    kept.append(socket.create_connection((HOST, port)))
    kept[-1].sendall(b"a")
    return kept[-1].recv(1).decode()


def polled(port):
    return select.select(kept[-1:], [], [], 0)[0] == kept[-1:]


def reuses(port):
    kept[-1].sendall(b"b")
    return kept[-1].recv(1).decode()


def names(port):
    return len({socket.gethostbyname(f"host{i}.example") for i in range(600)})


def listens(port):
    with socket.socket() as sock:
        sock.bind((HOST, 0))


def datagram(port):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def private(port):
    socket.create_connection(("10.0.0.1", 80))


def tls(port, context=None, name="localhost"):
    context = context or ssl.create_default_context()
    with socket.create_connection(("localhost", port), timeout=20) as sock:
        with context.wrap_socket(sock, server_hostname=name) as secure:
            secure.sendall(b"secret")
            return secure.recv(100).decode()


def tls_first(port):
    context = ssl.create_default_context()
    with context.wrap_socket(socket.socket(), server_hostname="localhost") as secure:
        secure.connect(("localhost", port))
        secure.sendall(b"secret")
        return secure.recv(100).decode()


def tls_timeout(port):
    context = ssl.create_default_context()
    with socket.create_connection(("localhost", port), timeout=20) as sock:
        with context.wrap_socket(sock, server_hostname="localhost") as secure:
            secure.settimeout(0.05)
            secure.recv(1)


def handshake_timeout(port):
    context = ssl.create_default_context()
    with socket.create_connection((HOST, port), timeout=0.05) as sock:
        context.wrap_socket(sock, server_hostname="localhost")


def plain(port):
    """TLS to a server that has none."""
    return tls(port)


def starttls(port):
    with socket.create_connection(("localhost", port), timeout=20) as sock:
        sock.sendall(b"STARTTLS\n")
        received = b""
        while b"ready" not in received:
            received += sock.recv(100)
        with ssl.create_default_context().wrap_socket(sock, server_hostname="localhost") as secure:
            secure.sendall(b"secret")
            return secure.recv(100).decode()


def stdlib(port):
    return tls(port, ssl._create_stdlib_context())


def cert_none(port):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    tls(port, context)


def no_hostname(port):
    context = ssl.create_default_context()
    context.check_hostname = False
    return tls(port, context)


def verified_names(port):
    context = ssl.create_default_context()
    context.check_hostname = False
    with socket.create_connection(("localhost", port), timeout=20) as sock:
        with context.wrap_socket(sock, server_hostname="localhost") as secure:
            return secure.getpeercert()["subjectAltName"]


def other_name(port):
    return tls(port, name="other.example")


def client_certificate(port):
    ssl.create_default_context().load_cert_chain("cert.pem")


def custom_ca(port):
    return tls(port, ssl.create_default_context(cadata=os.environ["TEST_CA"]))


def only_new(port):
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return tls(port, context)


def bio(port):
    ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())


def smtp(port):
    with smtplib.SMTP("localhost", port, timeout=20) as server:
        server.starttls()
        return server.ehlo()[0]


def fine(port):
    return "fine"


def app(environ, start_response):
    try:
        result = globals()[environ["PATH_INFO"][1:]](int(environ["QUERY_STRING"] or 0))
    except Exception as error:
        result = {"error": [type(error).__name__, str(error)]}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(result).encode()]
