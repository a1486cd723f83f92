"""http_client: requests to the door for operators, whole and in pieces."""

import http.client
import socket

PATIENCE_S = 60


class Reply:
    """Status, headers with names in lower case, body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode()


def request(port, path, method="GET", headers=None, body=None):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=PATIENCE_S)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        reply = connection.getresponse()
        return Reply(reply.status,
                     {name.lower(): value
                      for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), PATIENCE_S)


def read_all(sock):
    """All bytes until the other side closes."""
    parts = []
    try:
        while True:
            part = sock.recv(65536)
            if not part:
                break
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def send(port, data):
    """Bytes as they are, and what comes back until the close."""
    with connect(port) as sock:
        try:
            sock.sendall(data)
        except ConnectionError:
            pass
        return read_all(sock)
