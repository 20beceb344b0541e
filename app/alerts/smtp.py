"""Sending the mails that are due, over the bank's mail server."""

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine

from app.alerts.mails import Mail, due_mails, is_any_due, mark_failed, mark_sent
from app.alerts.store import Alert
from app.alerts.texts import kind_title, sentence
from app.domain.errors import StorageFault, TallyError
from app.locale import N_, _, in_language, ngettext, translated

Security = Literal["tls", "starttls", "none"]
_TIMEOUT_S = 20.0
_FAULTS = (OSError, smtplib.SMTPException, ValueError, IndexError)
"""Of a server, its password file, or a mail."""
_CHANGES = {
    "raised": N_("Raised"),
    "woken": N_("Still there after its time of quiet"),
    "escalated": N_("Escalated: nobody has acknowledged it"),
    "ended": N_("Ended"),
}


@dataclass(frozen=True, slots=True)
class MailServer:
    """How mails leave the bank. `security`: TLS from the first byte, STARTTLS, or none (development
    alone). `password` is a file's first line; `ca` the authority that signed the server's
    certificate, None: those that the system trusts. `page` is where the node's pages are found, for
    the link in a mail; it may be empty."""

    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password: Path | None = None
    ca: Path | None = None
    page: str = ""


class AlertMails:
    """Sends what waits. `server` None: the bank has no mail server, and nothing waits."""

    def __init__(self, engine: Engine, bank: str, server: MailServer | None) -> None:
        self._engine = engine
        self._bank = bank
        self._server = server

    def look(self) -> None:
        """Send the mails that are due. Raises TallyError where the server takes none; they are
        tried again. A mail whose sending was cut off is sent again under the same Message-ID."""
        if self._server is None:
            return
        now = datetime.now(UTC)
        with self._engine.connect() as connection:
            if not is_any_due(connection, now):
                return
        with self._engine.begin() as connection:
            mails = due_mails(connection, now)
        if mails:
            self._send(self._server, mails)

    def _send(self, server: MailServer, mails: Sequence[Mail]) -> None:
        """One that is refused, or that the connection breaks at, comes later; it holds up no
        other."""
        try:
            smtp = _connected(server)
        except _FAULTS as fault:
            raise self._failed(mails, fault) from None
        trouble: TallyError | None = None
        for mail in mails:
            try:
                smtp.send_message(self._message(server, mail))
            except _FAULTS as fault:
                trouble = self._failed([mail], fault)
                if smtp.sock is None:  # the others are due still
                    break
            else:
                with self._engine.begin() as connection:
                    mark_sent(connection, mail, datetime.now(UTC))
        with suppress(*_FAULTS):
            smtp.quit()
        smtp.close()
        if trouble is not None:
            raise trouble

    def _failed(self, mails: Sequence[Mail], fault: Exception) -> TallyError:
        # A server's own words may quote what was sent: their kind and number say enough.
        code = getattr(fault, "smtp_code", None)
        why = type(fault).__name__ + (f" {code}" if code else "")
        with self._engine.begin() as connection:
            for mail in mails:
                mark_failed(connection, mail, why, datetime.now(UTC))
        return StorageFault(
            f"the mail server does not take mails ({why})", remedy="See [mail] in bank.toml"
        )

    def _message(self, server: MailServer, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = server.sender
        message["To"] = mail.address
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = mail.message_id
        message["Auto-Submitted"] = "auto-generated"
        with in_language(mail.language):
            self._write(message, server, mail)
        return message

    def _write(self, message: EmailMessage, server: MailServer, mail: Mail) -> None:
        lines = [_lines(change, alert) for change, alert in mail.changes]
        where = f"\n{server.page.rstrip('/')}/alerts\n" if server.page else ""
        message["Subject"] = "".join(
            one if one.isprintable() else " " for one in self._subject(mail)
        )
        message.set_content("\n".join(lines) + where)

    def _subject(self, mail: Mail) -> str:
        if len(mail.changes) > 1:
            return ngettext(
                "%(bank)s: %(num)s change of alerts",
                "%(bank)s: %(num)s changes of alerts",
                len(mail.changes),
                bank=self._bank,
            )
        ((change, alert),) = mail.changes
        return _(
            "%(bank)s: %(title)s, %(subject)s (%(change)s)",
            bank=self._bank,
            title=kind_title(alert.kind),
            subject=alert.subject,
            change=translated(_CHANGES[change]),
        )


def _lines(change: str, alert: Alert) -> str:
    at = alert.ended_at if change == "ended" else alert.raised_at
    said = sentence(alert.kind, alert.details)
    what = _(
        "%(change)s: %(title)s, %(subject)s (alert %(number)s)",
        change=translated(_CHANGES[change]),
        title=kind_title(alert.kind),
        subject=alert.subject,
        number=alert.number,
    )
    when = (at or alert.raised_at)[:16].replace("T", " ")
    return f"{what}\n  {' '.join(said.split())}\n  {when} UTC\n"


def _connected(server: MailServer) -> smtplib.SMTP:
    """A connection that is signed in, never in clear but in development."""
    context = ssl.create_default_context(cafile=server.ca)
    smtp: smtplib.SMTP
    if server.security == "tls":
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
    try:
        if server.security == "starttls":
            smtp.starttls(context=context)
        if server.user and server.password is not None:
            smtp.login(server.user, server.password.read_text().splitlines()[0])
    except _FAULTS:
        smtp.close()
        raise
    return smtp
