"""What a node gives to its REST interface and its pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from app.http.match_times import MatchTimes
from app.http.notifier import Notifier
from app.intake.rest import RestFeeds
from app.outbox.lease import Standing
from app.people.oidc.sign_in import OidcSignIn
from app.people.sessions import STANDARD_LENGTHS, SessionLengths
from app.prepared_acts.preparing import PreparedActs
from app.prepared_acts.signing import Signing
from app.presentation.health import EndpointOut
from app.report_jobs.files import ReportFiles


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """This node's work as it last saw it. Asking for it waits for neither chain nor disk."""

    head: int | None
    """The newest final block at the endpoint; None while nobody answers there."""
    stalled: bool = False
    """Whether blocks should come and do not."""
    endpoint: str = ""
    """The chain endpoint in use, without a path or password: it is shown without a key."""
    index_fault: str = ""
    """Why the last attempt to read blocks that are there failed; empty when it did not."""
    wrong_chain: str = ""
    """What is wrong with the chain that answers there; empty when it is the network's own."""
    posting_conflict: str = ""
    """Why nothing at all is posted until a person has looked; empty when posting works."""
    facilities_stopped: tuple[str, ...] = ()
    """For each facility that is not posted to until a person has looked: why."""
    lease: Standing = "none"
    """Who posts for the bank: this process, another one, or nobody (it has nothing to post)."""
    database_fault: str = ""
    """Why the last attempt to write to the database failed; empty when it did not."""
    free_disk_bytes: int | None = None
    """Room on the disk of the database (of the inbox, where a server keeps the database)."""
    disk_is_low: bool = False
    """Whether that is less than the bank wants it to be."""
    inbox_trouble: str = ""
    """Why no feed file is taken in; empty where files are."""
    endpoints: Sequence[EndpointOut] = ()
    """Every configured endpoint as it was last seen, the bank's own first."""
    verifies: bool = False
    """Whether blocks are verified by their validators' seals, whatever an endpoint answers."""

    @property
    def is_own_endpoint(self) -> bool:
        """Whether the endpoint in use is the bank's own: the first in its configuration."""
        return not self.endpoints or self.endpoint == self.endpoints[0].url


@dataclass(frozen=True, slots=True)
class EndpointTraffic:
    """HTTP requests to one chain endpoint since the start. `endpoint` as in `NodeHealth`."""

    endpoint: str
    requests: int
    failures: int
    """Requests without a usable answer."""
    errors: int
    """JSON-RPC errors among the answers."""
    seconds: float


@dataclass(frozen=True, slots=True)
class JobRuns:
    """A recurring job's runs since the start. `seconds` it took in all."""

    name: str
    runs: int
    failures: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Activity:
    """What this process has done since its start."""

    endpoints: tuple[EndpointTraffic, ...] = ()
    jobs: tuple[JobRuns, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """One node: whose it is, where its data lie, and what it knows of its own work."""

    engine: Engine
    bank: str
    member: int
    role: str
    """lead, partner, auditor or regulator."""
    notifier: Notifier
    health: Callable[[], NodeHealth]
    activity: Callable[[], Activity]
    match_times: MatchTimes
    feeds: RestFeeds
    references: Callable[[str], Sequence[bytes]]
    """What an event_ref is on the chain, under each facility's reference key."""
    acts: PreparedActs
    signing: Signing
    report_files: ReportFiles
    development: bool = False
    """A development network: the page is open for reading to this machine, without a key."""
    oidc: OidcSignIn | None = None
    """The bank's OpenID provider, where it has named one."""
    session_lengths: SessionLengths = STANDARD_LENGTHS
    mail_domains: Sequence[str] = ()
    """Where alerts may be mailed to; empty where the bank has no mail server."""
    channel: str = ""
    """Its name among the channels of its node; empty where the node serves this one alone."""

    @property
    def root(self) -> str:
        """Where its paths begin; empty at the listener's own root."""
        return f"/channels/{self.channel}" if self.channel else ""
