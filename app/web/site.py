"""What every page of a node shares: its files, its templates, its address, its headers."""

import gzip
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import (
    BytecodeCache,
    Environment,
    PackageLoader,
    StrictUndefined,
    select_autoescape,
)
from jinja2.bccache import Bucket

from app.domain.errors import ConfigFault
from app.http.problems import Problem
from app.http.signed_in import HOST_PREFIX
from app.locale import (
    LANGUAGES,
    N_,
    capital,
    label,
    language,
    said,
    translated,
    translated_plural,
)
from app.presentation.pairs import kind_text
from app.web import text

_FOREVER = "public, max-age=31536000, immutable"

_HERE = Path(__file__).parent
_MODULES = _HERE / "node_modules"
_OWN = (
    "page.css", "page.js", "stream.js", "forms.js", "upload.js", "worklist.css", "worklist.js",
    "positions.css", "positions.js", "chart.js", "mark.svg",
)  # fmt: skip
_INTER = "@fontsource-variable/inter/files"
_FILES: dict[str, Path] = {name: _HERE / "static" / name for name in _OWN} | {
    "vendor/uplot.js": _MODULES / "uplot/dist/uPlot.iife.min.js",
    "vendor/uplot.css": _MODULES / "uplot/dist/uPlot.min.css",
    "vendor/htmx.min.js": _MODULES / "htmx.org/dist/htmx.min.js",
    "font/inter-latin.woff2": _MODULES / _INTER / "inter-latin-wght-normal.woff2",
    "font/inter-latin-ext.woff2": _MODULES / _INTER / "inter-latin-ext-wght-normal.woff2",
}
"""What browsers may load, and nothing else of those folders."""

_FILTERS: tuple[Callable[..., object], ...] = (
    capital, label, said, kind_text, text.ago, text.at, text.days, text.feed_name, text.grouped,
    text.iso, text.minute, text.moment, text.money, text.ref_text, text.signed_money, text.weekday,
    text.whole, text.words,
)  # fmt: skip
"""What templates call by its name."""

_MEDIA_TYPES = {
    ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2",
}  # fmt: skip

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class _Compiled(BytecodeCache):
    """Templates as this process has compiled them: the sites of its channels have the same."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class Site:
    """Pages below one address (`root`: empty, or as `/channels/NAME`).

    Raises ConfigFault when the pages' npm packages are not installed.
    """

    def __init__(self, root: str, **shown: Any) -> None:
        """`shown` stands in every page: `bank`, `role`, ..."""
        self.root = root
        self.templates = Environment(
            loader=PackageLoader("app.web"),
            bytecode_cache=_COMPILED,
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self.templates.install_gettext_callables(  # type: ignore[attr-defined]
            translated, translated_plural, newstyle=True
        )
        self.templates.filters |= {one.__name__: one for one in _FILTERS}
        self.templates.globals.update(
            root=root,
            version=_version(),
            languages=LANGUAGES,
            language=language,
            ago_texts=text.ago_texts,
            N_=N_,
            **shown,
        )
        components = self.templates.get_template("components.html")
        self.templates.globals["ui"] = components.module

    def html(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A template, rendered."""
        body = self.templates.get_template(name).render(**values)
        headers = {"Content-Security-Policy": _POLICY, "Content-Language": language()}
        return HTMLResponse(body, status, headers)

    def own_page(self, address: str) -> str:
        """Where to go on to, if it is a page of this site; else nothing."""
        is_ours = address.startswith(f"{self.root}/") and not address.startswith(("//", "/\\"))
        return address if is_ours and "\\" not in address and address.isprintable() else ""

    def set_cookie(
        self,
        answer: Response,
        request: Request,
        name: str,
        value: str,
        seconds: int,
        same_site: Literal["strict", "lax"] = "strict",
        path: str = "",
    ) -> None:
        """Give an answer a cookie for HTTP alone that lasts so long; `path`: else this site's."""
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path=path or self._path_of(name),
            httponly=True,
            samesite=same_site,
            secure=request.url.scheme == "https",
        )

    def drop_cookie(
        self, answer: Response, name: str, same_site: Literal["strict", "lax"] = "strict"
    ) -> None:
        """Take a cookie of `set_cookie` back."""
        answer.delete_cookie(
            name,
            path=self._path_of(name),
            httponly=True,
            samesite=same_site,
            secure=name.startswith(HOST_PREFIX),
        )

    def _path_of(self, name: str) -> str:
        return "/" if name.startswith(HOST_PREFIX) else self.root or "/"

    def add_files(self, router: APIRouter) -> None:
        """Serve what the pages load."""

        @router.get("/static/{name:path}")
        def static(request: Request, name: str) -> Response:
            if name not in _FILES:
                raise Problem(404, "not-found", f"there is no file {name!r} here")
            path = _FILES[name]
            media_type = _MEDIA_TYPES[path.suffix]
            headers = {"Cache-Control": _FOREVER}
            if media_type.startswith("text/"):
                headers["Vary"] = "Accept-Encoding"
                if "gzip" in request.headers.get("accept-encoding", ""):
                    headers["Content-Encoding"] = "gzip"
                    return Response(_compressed(path), media_type=media_type, headers=headers)
            return FileResponse(path, media_type=media_type, headers=headers)


@cache
def _compressed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


@cache
def _version() -> str:
    """Changes whenever a served file does, so that browsers may keep each version forever."""
    digest = hashlib.sha256()
    for path in _FILES.values():
        try:
            digest.update(path.read_bytes())
        except FileNotFoundError:
            raise ConfigFault(
                "the page's npm packages are not installed",
                where=str(path.relative_to(_HERE.parent.parent)),
                remedy="Run `make setup`, or `npm ci` in app/web",
            ) from None
    return digest.hexdigest()[:12]
