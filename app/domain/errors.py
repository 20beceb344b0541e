"""Every error that a person or another system can meet.

    TallyError                  what was wrong, where, and what to do about it
    ├── InputFault              what was given cannot be used (the commands exit with 2)
    │   ├── UsageFault          an argument, an option, or a sender that may not send
    │   ├── ConfigFault         a configuration file or setting
    │   ├── FacilityFault       the facility file
    │   └── FeedFault           a feed that is unusable as a whole (single rows are quarantined)
    ├── EventConflict           an event_id that was accepted before with other content (REST 409)
    ├── StorageFault            the database (the commands exit with 3)
    │   ├── DatabaseBusy        locked by another writer for too long
    │   ├── DiskFull            no room left where the database lies
    │   ├── DatabaseUnreachable cannot be opened or connected to
    │   └── SchemaFault         made by another version of Tallystick
    └── ChainFault              the chain (the commands exit with 3)
        ├── ChainUnreachable    down or too slow to answer
        └── WrongChain          another chain, or another contract version

Faults of a single row are no exceptions: they are `domain.events.Quarantined`.
"""


class TallyError(Exception):
    """An error that a person can act on.

    `what` was wrong, `where` it was seen (a file, row, field, leg, transaction; may be empty) and
    the `remedy`: what to do. None of the three ever holds a secret.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.remedy}" if self.remedy else text


class InputFault(TallyError):
    """What was given cannot be used."""


class UsageFault(InputFault):
    """An argument, an option, or a sender that may not send."""


class ConfigFault(InputFault):
    """A configuration file or setting."""


class FacilityFault(InputFault):
    """The facility file."""


class FeedFault(InputFault):
    """A feed that is unusable as a whole."""


class EventConflict(TallyError):
    """An event_id that was accepted before with other content."""


class StorageFault(TallyError):
    """The database."""


class DatabaseBusy(StorageFault):
    """Locked by another writer for too long; the same call may succeed later."""


class DiskFull(StorageFault):
    """No room left where the database lies."""


class DatabaseUnreachable(StorageFault):
    """Cannot be opened or connected to."""


class SchemaFault(StorageFault):
    """The database was made by another version of Tallystick."""


class ChainFault(TallyError):
    """The chain."""


class ChainUnreachable(ChainFault):
    """Down or too slow to answer; the same call may succeed later."""


class StillReading(ChainUnreachable):
    """The read model lacks blocks, so what it does not hold may well be on the chain."""


class WrongChain(ChainFault):
    """Another chain, or another contract version."""
