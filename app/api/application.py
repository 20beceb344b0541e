"""What the applications of one channel and of several have in common."""

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from app.api.responses import describe_problems
from app.http import problems
from app.http.channels import NodeContext
from app.http.context import Context
from app.http.headers import Headers
from app.http.keys import Keyring
from app.http.parameters import RefuseNul


def application(context: Context | NodeContext, keyring: Keyring, **described: Any) -> FastAPI:
    """An application that has no routes yet; `described`: what FastAPI takes besides."""
    app = FastAPI(
        title="Tallystick",
        version=version("tallystick"),
        # The usual documentation pages load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        # To the Host that the client named, and to plain http behind a proxy.
        redirect_slashes=False,
        **described,
    )
    app.state.context = context
    app.state.keyring = keyring
    app.add_middleware(RefuseNul)
    app.add_middleware(Headers)
    problems.install(app)
    describe_problems(app)
    return app
