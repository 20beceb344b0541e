"""What cannot be done with a prepared act.

InputFault
├── NotAllowed     this person may not do this, or not with this act
├── UnknownAct     there is none of that number
├── SigningIsOff   this node has no approver key to sign with
└── ActConflict    it is not, or no more, as it was shown: `name` says how
"""

from app.domain.errors import InputFault


class NotAllowed(InputFault):
    """This person may not do this, or not with this act."""


class UnknownAct(InputFault):
    """There is none of that number."""


class SigningIsOff(InputFault):
    """This node has no approver key to sign with, or one that does not open."""

    def __init__(self, what: str = "this node signs nothing that persons prepare") -> None:
        super().__init__(
            what,
            remedy="See [approver] in the node's bank.toml, or act with the `tally` commands",
        )


class ActConflict(InputFault):
    """It is not, or no more, as it was shown. `name`: waiting-already, not-waiting, other-content,
    overtaken or refused."""

    def __init__(self, name: str, what: str, *, remedy: str = "") -> None:
        super().__init__(what, remedy=remedy)
        self.name = name
