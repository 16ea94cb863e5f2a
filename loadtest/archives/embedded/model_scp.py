"""Mode model: the null sink with a known service law before each answer, so that a measurement can be checked.

Storage waits for one of the law's servers, in order of arrival, and holds it for the law's time. Nothing is kept.
"""

from loadtest.archives.embedded.null_scp import NullPeer
from loadtest.wire import command
from loadtest.wire.command import Command


class ModelPeer(NullPeer):
    """One association of a model archive."""

    def _store(self, context: int, request: Command) -> None:
        size = self._reader.skip(context)
        self._archive.desk.serve(size, int(self._archive.statistics()["instances"] or 0))
        self._archive.swallow(size)

    def _answer(self, context: int, request: Command) -> None:
        if request.field == command.C_STORE_RQ:
            self._store(context, request)
            self._succeed(context, request)
        else:
            super()._answer(context, request)
