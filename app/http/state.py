"""What the application of a node keeps for its requests, by its type."""

from fastapi import Request

from app.http.context import Context
from app.http.keys import Keyring
from app.people.sessions import Sessions
from app.people.sign_in import SignIn


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def keyring_of(request: Request) -> Keyring:
    keyring: Keyring = request.app.state.keyring
    return keyring


def sessions_of(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def sign_in_of(request: Request) -> SignIn:
    sign_in: SignIn = request.app.state.sign_in
    return sign_in
