"""Ports for servers that go and come back where they were."""

import contextlib
import random
import socket


def free_port() -> int:
    """Below those that the system gives to clients: one that comes back and back might be given the server's own."""
    ports = list(range(20_000, 32_000))
    random.shuffle(ports)
    for port in ports:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")
