"""Headers that every answer carries."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_BEHIND_TLS = {"Strict-Transport-Security": "max-age=31536000"}


class Headers:
    """Headers that every answer carries: nothing is cached, framed, sniffed or sent elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                behind_tls = _BEHIND_TLS if scope.get("scheme") == "https" else {}
                for name, value in (_HEADERS | behind_tls).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
