"""The multi-channel node: one listener, one process, and nothing else in common."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from sqlalchemy import Engine

from app.config import NodeConfig
from app.db import engine as db
from app.db.probe import identity
from app.http.channels import ChannelAggregator, NodeContext
from app.node.application import channels_application
from app.node.channel_supervisor import ChannelSupervisor
from app.node.isolation import DatabaseOwners, check_isolation
from app.node.serving import address_of, listen, serve


class MultiChannelNode:
    """Runs the channels until the process is told to end. `serve` blocks."""

    def __init__(self, config: NodeConfig) -> None:
        """Raises ConfigFault where channels share what each must have alone."""
        check_isolation(config)
        self._config = config
        self._databases = DatabaseOwners()
        self._supervisors = {name: self._supervise(name) for name in config.channels}
        self.stuck = False
        """Whether a job was still at work when `serve` ended; the process need not wait for it."""

    def serve(self, ready: Callable[[str], None]) -> None:
        """Listen, call `ready` with the page's address, and work. Channels open meanwhile.

        Raises ConfigFault when the address is taken, StorageFault when the node's own database
        cannot be used.
        """
        banks = [one.name for one in self._config.channels.values()]
        engine = db.create(self._config.database_url)
        with closing(listen(self._config.api.host, self._config.api.port)) as listener:
            db.upgrade(engine)
            app = channels_application(
                NodeContext(
                    engine=engine,
                    bank=", ".join(dict.fromkeys(banks)),
                    channels=ChannelAggregator(
                        {name: one.state for name, one in self._supervisors.items()}
                    ),
                    development=all(one.development for one in self._config.channels.values()),
                )
            )
            try:
                for supervisor in self._supervisors.values():
                    supervisor.start()
                ready(address_of(listener))
                serve(app, listener, self._end_streams)
            finally:
                self._stop()
                engine.dispose()

    def _supervise(self, name: str) -> ChannelSupervisor:
        def admit(engine: Engine) -> None:
            self._databases.claim(identity(engine), name)

        return ChannelSupervisor(
            name, self._config.channels[name], lambda: check_isolation(self._config), admit
        )

    def _end_streams(self) -> None:
        for supervisor in self._supervisors.values():
            supervisor.end_streams()

    def _stop(self) -> None:
        # Beside each other: one that hangs must not take the others' time to end in order.
        with ThreadPoolExecutor(len(self._supervisors)) as together:
            ended = list(together.map(ChannelSupervisor.stop, self._supervisors.values()))
        self.stuck = not all(ended)
