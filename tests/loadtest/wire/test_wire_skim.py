"""Data sets that are thrown away in the kernel: counted to the byte, and nothing else is lost with them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.wire import ProtocolError, TcpProfile, Timeouts, command, pdu
from loadtest.wire.channel import Channel
from loadtest.wire.dimse import PeerReleased, Reader, Skimmer
from loadtest.wire.pdu import Buffer
from tests.loadtest.wire.wire_servers import CT

BOUNDS = Timeouts(2.0, 2.0, 5.0)
MAX_PDU = 16384


@contextmanager
def hearing(stream: bytes, reader: type[Reader] = Skimmer) -> Iterator[Reader]:
    """A reader at the other end of a TCP connection that a thread sends `stream` over; socket pairs drop nothing."""
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()) as talk:
        there, _ = door.accept()
        with there:
            sender = Thread(target=talk.sendall, args=(stream,))
            sender.start()
            yield reader(Channel(there, TcpProfile.TUNED, BOUNDS, MAX_PDU))
            sender.join(2)


def message(number: int, parts: list[Buffer], max_pdu: int) -> bytes:
    return b"".join(pdu.p_data(1, command.store_rq(CT, f"1.2.{number}", number), parts, max_pdu))


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(0, 40_000), min_size=1, max_size=6), max_pdu=st.sampled_from([40, 600, 5000, 16384]))
def test_each_data_set_is_counted_and_the_next_command_is_whole(sizes: list[int], max_pdu: int) -> None:
    stream = b"".join(message(n + 1, [bytes(size)], max_pdu) for n, size in enumerate(sizes))
    with hearing(stream + pdu.release_rq()) as reader:
        assert isinstance(reader, Skimmer)
        for number, size in enumerate(sizes):
            context, request = reader.command()
            assert (context, request.message_id, request.sop_instance) == (1, number + 1, f"1.2.{number + 1}")
            assert reader.skip(context) == size
        with pytest.raises(PeerReleased):
            reader.command()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x04\0\0\0\0\x0c\0\0\0\x0b\x01\x02", "PDV claims 11 bytes where 8 remain"),
        (b"\x04\0\0\0\0\x0c\0\0\0\x01\x01\x02", "PDV claims 1 bytes"),
        (b"\x04\0\0\0\0\x03\0\0\0", "PDV claims 0 bytes where 0 remain"),
        (b"\x04\0\0\0\0\x08\0\0\0\x04\x01\x01\0\0", "a command fragment, or another context"),
        (b"\x04\0\0\0\0\x08\0\0\0\x04\x03\x02\0\0", "a command fragment, or another context"),
        (b"\x04\0\0\0\x40\x01", "claims 16385 bytes; at most 16384"),
        (b"\x09\0\0\0\0\0", "none of 01H to 07H"),
    ],
)
def test_lies_about_lengths_end_as_with_the_reader(data: bytes, words: str) -> None:
    whole = message(1, [], MAX_PDU) + data + bytes(12)
    for reader in (Skimmer, Reader):
        with hearing(whole, reader) as found:
            context, _ = found.command()
            with pytest.raises(ProtocolError, match=words):
                found.skip(context) if isinstance(found, Skimmer) else found.data(context, len)
