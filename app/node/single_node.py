"""The node of one bank on one channel: its API and page at the listener's own root."""

from collections.abc import Callable

from app.node.application import bank_application
from app.node.channel import Channel
from app.node.serving import address_of, listen, serve


class SingleNode:
    """Runs a channel until the process is told to end. `serve` blocks."""

    def __init__(self, channel: Channel, host: str, port: int) -> None:
        self._channel = channel
        self._address = (host, port)
        self.stuck = False
        """Whether a job was still at work when `serve` ended; the process need not wait for it."""

    def serve(self, ready: Callable[[str], None]) -> None:
        """Listen, call `ready` with the page's address, and work.

        Raises ConfigFault when the address is taken.
        """
        listener = listen(*self._address)
        app = bank_application(self._channel.context)
        self._channel.start()
        try:
            ready(address_of(listener))
            serve(app, listener, self._channel.notifier.close)
        finally:
            self.stuck = not self._channel.stop()
