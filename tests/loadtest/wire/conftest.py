"""Fixtures of the wire's tests; the servers themselves are in wire_servers.py."""

from wire_servers import orthanc, scripted, storescp

__all__ = ["orthanc", "scripted", "storescp"]
