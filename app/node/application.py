"""The web applications of a node: REST interface and pages put together."""

from fastapi import FastAPI

from app.api.app import create_app
from app.api.channels import create_channels_app
from app.http.channels import NodeContext
from app.http.context import Context
from app.http.keys import Keyring
from app.web.channels import channels_site, create_channels_page
from app.web.problem_page import ProblemPages
from app.web.treasury import create_treasury_page, treasury_site


def bank_application(context: Context) -> FastAPI:
    """Of one bank on one channel. Raises ConfigFault where the page's npm packages are missing."""
    site = treasury_site(context)
    app = create_app(context, Keyring(context.engine), create_treasury_page(context, site))
    app.add_middleware(ProblemPages, site=site)
    return app


def channels_application(context: NodeContext) -> FastAPI:
    """Of a node of several channels. Raises ConfigFault as `bank_application` does."""
    site, keyring = channels_site(context), Keyring(context.engine)
    app = create_channels_app(context, keyring, create_channels_page(context, keyring, site))
    app.add_middleware(ProblemPages, site=site)
    return app
