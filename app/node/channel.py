"""One bank's work on one channel: its machinery, its scheduler, what its API and page need."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Engine

from app.actions.audit_head import anchor_due
from app.actions.holds import release_expired
from app.alerts.smtp import AlertMails, MailServer
from app.alerts.watch import AlertWatch
from app.config import BankConfig
from app.contracts.day_close import DayClose
from app.contracts.reserve_ledger import ReserveLedger
from app.db.probe import check_writable, free_disk_bytes
from app.domain.errors import ChainUnreachable, StorageFault, TallyError, WrongChain
from app.domain.kinds import Kind
from app.domain.matched import MatchedPair
from app.http.context import Activity, Context, EndpointTraffic, JobRuns, NodeHealth
from app.http.health import BEHIND_BLOCKS
from app.http.match_times import MatchTimes
from app.http.notifier import Notifier
from app.intake.rest import RestFeeds
from app.logs import listed
from app.node.bank import Bank, open_bank
from app.node.block_rhythm import SOON_S, BlockRhythm
from app.node.jobs.ageing import Ageing
from app.node.jobs.alerts import OwnFacts
from app.node.jobs.feed_folder import FeedFolder
from app.node.jobs.scheduled_archive import ScheduledArchive
from app.node.jobs.scheduled_reports import ScheduledReports
from app.node.jobs.scheduler import Scheduler
from app.outbox.matched_events import MatchedEvent, matched_events
from app.outbox.progress import in_flight
from app.presentation.health import EndpointOut
from app.report_jobs.files import ReportFiles, Schedule
from app.report_jobs.making import ReportMaker
from app.webhooks.news import tell_news
from app.webhooks.sender import WebhookSender
from app.webhooks.sending import Rules as WebhookRules

_log = structlog.get_logger()

_STALLED_AFTER_S = 10.0
"""Without a new block while batches wait for one; else as `BlockRhythm.is_late` has it."""
_LOOK_ANYWAY_S = 1.0
"""Without a new block, the chain is looked at so often."""
_REST_S = 3.0
"""The same while nothing waits and nothing is on its way; the lease lasts longer."""
_REST_LOOK_S = 1.0
"""At rest, what another process has accepted is looked for so often; this one says it."""
_JOBS_END_S = 3.0
_GRANTS_FOR_S = 0.2
"""In each second, at most, what was granted to this bank is opened for so long."""
_SILENT_AFTER_S = 5.0
"""How long the endpoint may take to tell its newest block before it counts as unreachable."""


class Channel:
    """A bank at work, from `start` to `stop`."""

    def __init__(self, bank: Bank, name: str = "") -> None:
        """`name` among the channels of its node; empty where it is the only one.

        Raises ChainUnreachable where only the chain can tell the bank's role, and is away.
        """
        self._bank = bank
        self._match_times = MatchTimes()
        self._matches_after: int | None = None
        bank.follower.indexer.on_matched = self._matched
        self._head: int | None = None
        self._stalled = False
        self._stall_told = False
        self._index_fault = ""
        self._wrong_chain = ""
        self._asked_at: float | None = None
        self._troubles: list[str] = []
        self._facility_troubles: list[str] = []
        self._database_fault = ""
        self._free_disk_bytes: int | None = None
        self._rhythm = BlockRhythm(time.monotonic())
        self._is_posting = True
        """Whether events wait, or batches are on their way."""
        # The newest block at the last time, and when that was.
        self._submitted_at: tuple[int | None, float] = (None, 0.0)
        self._indexed_at: tuple[int | None, float] = (None, 0.0)
        self._feeds = FeedFolder(bank.config.inbox, self._take_in)
        self.notifier = Notifier()
        report_files = _report_files(bank.config)
        self._reports = ReportMaker(bank.engine, report_files, bank.config.min_free_disk_bytes)
        self.context = Context(
            engine=bank.engine,
            bank=bank.name,
            member=bank.member,
            role=bank.follower.role(),
            notifier=self.notifier,
            health=self._health,
            activity=self._activity,
            match_times=self._match_times,
            feeds=RestFeeds(bank.intakes.open),
            references=bank.view.references,
            development=bank.config.development,
            session_lengths=bank.session_lengths,
            oidc=bank.oidc,
            channel=name,
            acts=bank.acts,
            signing=bank.signing,
            report_files=report_files,
            mail_domains=bank.config.mail.domains if bank.config.mail else (),
        )
        self._archive = ScheduledArchive(
            bank.engine,
            bank.endpoints.client(),
            bank.manifest,
            bank.member,
            bank.config.archive,
            bank.config.archive_after_days,
        )
        self._alerts = AlertWatch(
            bank.engine,
            bank.name,
            self._is_behind,
            OwnFacts(bank.config, self._health, self._archive.not_archived),
            self._news,
        )
        self._webhooks = WebhookSender(
            bank.engine,
            WebhookRules(
                bank.config.development, bank.config.webhooks.networks, bank.config.webhooks.ca
            ),
        )
        bank.intakes.on_accepted = lambda: self._scheduler.wake("submit")
        ledger = ReserveLedger(bank.posting.rpc, bank.manifest.addresses["ReserveLedger"])
        days = DayClose(bank.posting.rpc, bank.manifest.addresses["DayClose"])
        mails = AlertMails(bank.engine, bank.name, _mail_server(bank))
        grants = partial(bank.follower.indexer.open_granted, _GRANTS_FOR_S)
        self._scheduler = Scheduler(
            self._submit,
            self._index,
            {
                "feed_folder": (2.0, self._feeds.scan),
                "ageing": (30.0, Ageing(bank.engine).look),
                "watch": (5.0, self._check_storage),
                "expired_holds": (
                    15.0,
                    lambda: release_expired(bank.view, ledger, bank.operator()),
                ),
                "validator_votes": (5.0, bank.validator_votes.cast),
                "prepared_acts": (2.0, bank.signing.look),
                "reports": (60.0, ScheduledReports(bank.engine, bank.config.reports).look),
                "audit_head": (600.0, lambda: anchor_due(bank.view, days, bank.operator())),
                "alerts": (2.0, self._look_after_alerts),
                "mails": (5.0, self._alone(mails.look)),
                "webhooks": (2.0, self._alone(self._webhooks.look)),
                "report_jobs": (2.0, self._alone(self._reports.look)),
                "grants": (1.0, self._alone(grants)),
                "archive": (300.0, self._alone(self._look_after_archive)),
            },
            channel=name,
        )

    def start(self) -> None:
        """Begin to work."""
        with suppress(StorageFault):  # which is noted; the first `/ready` tells of it
            self._check_storage()
        self._scheduler.start()

    def stop(self) -> bool:
        """End the work and release the lease; False where a job was still at work after some
        seconds: the process need not wait for it."""
        self.notifier.close()
        self._webhooks.stop()
        self._reports.stop()
        ended = self._scheduler.stop(_JOBS_END_S)
        try:
            self._bank.close()
        except StorageFault as fault:
            _log.warning("the lease runs out by itself", why=str(fault))
        _log.info("stopped", stuck=not ended)
        return ended

    def _health(self) -> NodeHealth:
        asked, free = self._asked_at, self._free_disk_bytes
        silent = asked is not None and time.monotonic() - asked > _SILENT_AFTER_S
        return NodeHealth(
            None if silent else self._head,
            self._stalled,
            endpoint=self._bank.follower.endpoint(),
            endpoints=[EndpointOut.of(one) for one in self._bank.endpoints.health()],
            verifies=self._bank.follower.verifies,
            index_fault=self._index_fault,
            wrong_chain=self._wrong_chain,
            posting_conflict=self._bank.posting.conflict,
            facilities_stopped=tuple(self._facility_troubles),
            lease=self._bank.posting.lease,
            database_fault=self._database_fault,
            free_disk_bytes=free,
            disk_is_low=free is not None and free < self._bank.config.min_free_disk_bytes,
            inbox_trouble=self._feeds.trouble,
        )

    def _activity(self) -> Activity:
        return Activity(
            endpoints=tuple(
                EndpointTraffic(origin, one.requests, one.failures, one.errors, one.seconds)
                for origin, one in self._bank.endpoints.traffic()
            ),
            jobs=tuple(
                JobRuns(name, one.runs, one.failures, one.seconds)
                for name, one in self._scheduler.runs.items()
            ),
        )

    def _matched(self, pairs: list[MatchedPair], block: int) -> None:
        # History that an empty view is filled with, or that is read again, took no time to match.
        if self._matches_after is None or block <= self._matches_after:
            return
        self._matches_after = block
        with self._bank.engine.connect() as connection:
            found = matched_events(connection, pairs)
        by_facility: dict[str, list[MatchedEvent]] = {}
        for one in found:
            by_facility.setdefault(one.facility, []).append(one)
        for facility, events in by_facility.items():
            self._match_times.matched(facility, [one.accepted_at for one in events])
            for some in listed([_line(one) for one in events]):
                _log.info("matched", facility=facility, pairs=some)

    def _check_storage(self) -> None:
        config = self._bank.config
        try:
            self._free_disk_bytes = free_disk_bytes(self._bank.engine, config.inbox)
        except OSError:
            self._free_disk_bytes = None
        try:
            check_writable(self._bank.engine)
        except StorageFault as fault:
            self._database_fault = fault.what
            raise
        self._database_fault = ""

    def _submit(self) -> float:
        """Returns after how many seconds it is due again."""
        has_waiting = self._bank.posting.has_waiting()
        if has_waiting and not self._is_posting:
            self._is_posting = True
            self._scheduler.wake("index")
        head, now = self._head, time.monotonic()
        is_new = self._is_posting and head != self._submitted_at[0]
        if has_waiting or is_new or now - self._submitted_at[1] >= self._look_anyway_s():
            self._submitted_at = head, now
            self._post()
            self._is_posting = has_waiting or in_flight(self._bank.engine)
        return SOON_S if self._is_posting else _REST_LOOK_S

    def _look_anyway_s(self) -> float:
        return _LOOK_ANYWAY_S if self._is_posting else _REST_S

    def _post(self) -> None:
        self._bank.posting.tick()
        self._facility_troubles = self._bank.posting.facility_troubles()
        conflict = self._bank.posting.conflict
        troubles = [*([conflict] if conflict else []), *self._facility_troubles]
        for why in troubles:
            if why not in self._troubles:
                _log.error("posting stopped", why=why)
        if self._troubles and not troubles:
            _log.info("posting goes on")
        self._troubles = troubles

    def _index(self) -> float:
        """Returns after how many seconds it is due again."""
        self._follow()
        return self._rhythm.wait_s(time.monotonic(), is_waiting=self._is_posting)

    def _follow(self) -> None:
        try:
            self._asked_at = time.monotonic()
            head = self._bank.follower.head()
            self._asked_at = None
            self._rhythm.note(head, time.monotonic())
            self._head = head
            self._note_stall(self._stands_still(time.monotonic()))
            if self._matches_after is None:
                self._matches_after = self._bank.follower.position() or head
            if head == self._indexed_at[0] and (
                time.monotonic() - self._indexed_at[1] < self._look_anyway_s()
            ):
                return
            self._read_blocks()
            self._indexed_at = head, time.monotonic()
            self._wrong_chain = ""
        except (ChainUnreachable, WrongChain) as fault:
            self._asked_at = None
            self._head, self._stalled = None, True
            self._wrong_chain = fault.what if isinstance(fault, WrongChain) else ""
            raise
        self.notifier.publish(self._bank.follower.position())

    def _is_behind(self) -> bool:
        """Whether the read model misses blocks that are there, or may miss some: while the chain
        does not answer, nobody knows."""
        position = self._bank.follower.position()
        return self._head is None or self._head - (position or 0) > BEHIND_BLOCKS

    def _news(self) -> object:
        """What `AlertWatch` compares."""
        chain = self._head is None, self._stalled, self._wrong_chain, self._is_behind()
        return self._bank.follower.indexer.changes, chain, self._troubles

    def _alone(self, job: Callable[[], object]) -> Callable[[], object]:
        """A job that one process at a time does for the bank: the one that posts."""
        return lambda: None if self._bank.posting.lease == "elsewhere" else job()

    def _look_after_alerts(self) -> None:
        if self._bank.posting.lease == "elsewhere":
            return
        self._alerts.look()
        if not self._is_behind():
            tell_news(self._bank.engine)

    def _look_after_archive(self) -> None:
        # A view that lacks blocks may not know that a day was reopened.
        if not self._is_behind():
            self._archive.look()

    def _read_blocks(self) -> None:
        try:
            self._bank.follower.index()
        except Exception as fault:
            # Its type alone where it may quote what others wrote.
            self._index_fault = (
                fault.what if isinstance(fault, TallyError) else type(fault).__name__
            )
            raise
        self._index_fault = ""

    def _stands_still(self, now_s: float) -> bool:
        since_s = now_s - self._rhythm.moved_at_s
        waits = since_s > _STALLED_AFTER_S and in_flight(self._bank.engine)
        return waits or self._rhythm.is_late(now_s)

    def _note_stall(self, stalled: bool) -> None:
        if stalled and not self._stall_told:
            _log.warning("chain stalled", block=self._head, why="no block comes")
        elif self._stall_told and not stalled:
            _log.info("chain goes on", block=self._head)
        self._stalled = self._stall_told = stalled

    def _take_in(self, facility: str, path: Path) -> str:
        taken = self._bank.intakes.take_in(
            facility,
            path,
            on_rows=lambda rows: None,
            on_warning=lambda text: _log.warning("feed", why=text),
        )
        return (
            f"{taken.rows_in} in, {taken.accepted} accepted, {taken.duplicate} duplicate, "
            f"{taken.quarantined} quarantined"
        )


def _report_files(config: BankConfig) -> ReportFiles:
    own, schedule = config.reports, None
    if own is not None:
        schedule = Schedule(own.folder, own.names, own.formats, own.hours_after_cut_off)
    # Beside the inbox: the folder of bank.toml may be read-only.
    return ReportFiles(config.inbox.parent / "report-files", schedule)


def _mail_server(bank: Bank) -> MailServer | None:
    mail = bank.config.mail
    if mail is None:
        return None
    return MailServer(
        mail.host,
        mail.port,
        mail.security,
        mail.sender,
        mail.user,
        mail.password_file,
        mail.ca,
        mail.page,
    )


def _line(found: MatchedEvent) -> tuple[int, str, str, str, int, str]:
    """As `app.logs` has it."""
    pair = found.pair
    kind = Kind(pair.kind).feed_name
    return (
        pair.partner,
        kind,
        pair.reference.hex(),
        pair.status,
        pair.sequence,
        found.event_id,
    )


def open_channel(
    config: BankConfig, name: str = "", admit: Callable[[Engine], None] = lambda engine: None
) -> Channel:
    """A bank's machinery, ready to start. `admit` raises where it must not work on this database.

    Raises what `open_bank` does.
    """
    bank = open_bank(config)
    try:
        admit(bank.engine)
        return Channel(bank, name)
    except BaseException:
        bank.close()
        raise
