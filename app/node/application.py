"""The web applications of a node: REST interface and pages put together."""

from fastapi import FastAPI

from app.api.app import create_app
from app.api.channels import create_channels_app
from app.http.channels import NodeContext
from app.http.context import Context
from app.http.keys import Keyring
from app.web.channels import create_channels_page
from app.web.treasury import create_treasury_page


def bank_application(context: Context) -> FastAPI:
    """Of one bank on one channel. Raises ConfigFault where the page's npm packages are missing."""
    keyring = Keyring(context.engine)
    return create_app(context, keyring, create_treasury_page(context))


def channels_application(context: NodeContext) -> FastAPI:
    """Of a node of several channels. Raises ConfigFault as `bank_application` does."""
    keyring = Keyring(context.engine)
    return create_channels_app(context, keyring, create_channels_page(context, keyring))
