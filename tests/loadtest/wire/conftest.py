"""Fixtures of the wire's tests; the servers themselves are in wire_servers.py."""

from tests.loadtest.wire.wire_servers import orthanc, scripted, storescp

__all__ = ["orthanc", "scripted", "storescp"]
