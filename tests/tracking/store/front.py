"""A front of a server on this machine: it asks for a password, a token or a certificate, and passes on what is let in."""

from __future__ import annotations

import base64
import datetime
import http.client
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def basic(user: str, password: str) -> str:
    """Return the header that RFC 7617 prescribes for a user and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1 that signs itself, so that it is its own authority; and its key."""

    public: Path
    key: Path
    both: Path

    @classmethod
    def make(cls, folder: Path, name: str) -> Certificate:
        """Write a fresh one, valid for a day."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        public = built.public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        made = cls(folder / f"{name}.crt", folder / f"{name}.key", folder / f"{name}.pem")
        for path, content in ((made.public, public), (made.key, private), (made.both, public + private)):
            path.write_bytes(content)
        return made


@contextmanager
def front(
    upstream: int | None = None,
    header: str | None = None,
    certificate: Certificate | None = None,
    client: Certificate | None = None,
    answer: tuple[int, str, bytes] = (200, "application/json", b'{"experiments": []}'),
) -> Iterator[int]:
    """Serve a front while the context lasts, and yield its port.

    Args:
        upstream: the port that requests are passed on to; without one every request gets ``answer``.
        header: what the Authorization header must be; other requests get status 401.
        certificate: of the front itself, which then speaks TLS.
        client: the certificate that whoever connects must show.
        answer: status, kind and content.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if header is not None and self.headers.get("Authorization") != header:
                self.reply(401, "text/plain", b"Who are you?")
            elif upstream is None:
                self.reply(*answer)
            else:
                passed = http.client.HTTPConnection("127.0.0.1", upstream, timeout=30)
                headers = {name: text for name, text in self.headers.items() if name not in ("Host", "Authorization")}
                passed.request(self.command, self.path, sent, headers)
                got = passed.getresponse()
                self.reply(got.status, got.headers.get("Content-Type", "text/plain"), got.read())
                passed.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def reply(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:  # a refused handshake is what some tests are about
            return

    server = Quiet(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.public, certificate.key)
        if client is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client.public)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
