"""tls_files: certificates that live as long as a test, made by openssl(1), and
a RESP client that speaks TLS."""

import os
import ssl
import subprocess

import riptide_test as rt

NAMES = "IP:127.0.0.1,IP:::1,DNS:localhost"


def _openssl(*args):
    subprocess.run(("openssl",) + args, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   timeout=rt.PATIENCE_S)


class Authority:
    """One that vouches for others: ca, a file; issue() makes what it signs."""

    def __init__(self, name, directory=None):
        self.dir = directory or rt.scratch_dir()
        self.name = name
        self.ca = self._path("crt")
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                 "/CN=" + name, "-keyout", self._path("key"), "-out", self.ca)

    def _path(self, kind, who=""):
        return os.path.join(self.dir, self.name + who + "." + kind)

    def issue(self, who, days=2, password=None, names=NAMES):
        """(certificate, key), files; good for 127.0.0.1 and localhost, or for
        other names. days -1: it has ended. password: the key is encrypted."""
        who = "-" + who
        key, request = self._path("key", who), self._path("csr", who)
        extensions = self._path("ext", who)
        crt = self._path("crt", who)
        hide = ("-passout", "pass:" + password) if password else ("-nodes",)
        with open(extensions, "w", encoding="ascii") as file:
            file.write("subjectAltName=%s\n" % names)
        _openssl("req", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", *hide, "-subj", "/CN=" + who,
                 "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey",
                 self._path("key"), "-CAcreateserial", "-days", str(days),
                 "-extfile", extensions, "-out", crt)
        return crt, key


def context(authority, pair=None, version=None):
    """What a client wants to know: whom it trusts, what it shows."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(authority.ca)
    if pair is not None:
        made.load_cert_chain(*pair)
    if version is not None:
        made.minimum_version = made.maximum_version = version
    return made


class TlsClient(rt.RespClient):
    """A RespClient behind a handshake. An end without a goodbye is an error
    in recv, not an end."""

    def __init__(self, port, tls, host="127.0.0.1", session=None,
                 timeout=rt.PATIENCE_S):
        super().__init__(host, port, timeout=timeout)
        try:
            self.sock = tls.wrap_socket(self.sock, server_hostname=host,
                                        suppress_ragged_eofs=False,
                                        session=session)
        except (OSError, ValueError):
            self.sock.close()
            raise
