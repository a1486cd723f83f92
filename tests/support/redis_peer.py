"""redis_peer: a redis-server beside us, for tests that compare.

It listens on loopback, on a free port, in a scratch directory, and is stopped
when the with-block ends.
"""

import subprocess

import riptide_test as rt


class RedisPeer:
    """with RedisPeer() as peer: ... peer.port

    `program` is a redis-server, or another server that takes its options.
    """

    def __init__(self, *args, program="redis-server"):
        self.program = program
        self.args = [str(arg) for arg in args]
        self.port = rt.free_port()

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.program, "--save", "", "--port", str(self.port),
             "--bind", "127.0.0.1", "--dir", rt.scratch_dir()] + self.args,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        rt.wait_until(self.answers, "redis-server to answer")
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()

    def client(self):
        return rt.RespClient("127.0.0.1", self.port)

    def answers(self):
        try:
            with self.client() as client:
                return client.call("PING") == "PONG"
        except OSError:
            return False
