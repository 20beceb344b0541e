"""Every way in which the contracts refuse has a cause and a remedy, and a Python exception."""

import re
import string

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from app.contracts import errors as families
from app.contracts.error_catalogue import ACCESS, ENUMS, REJECTIONS, REMEDIES
from app.contracts.errors import reverted
from deploy import error_page
from deploy.compile import CONTRACTS, compile_contracts


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    compile_contracts()


def test_every_error_has_a_cause_and_a_remedy_and_none_is_left_over() -> None:
    assert set(REMEDIES) == set(error_page.errors())
    assert set(REMEDIES) >= ACCESS


def test_the_page_is_what_the_contracts_and_the_table_say() -> None:
    assert error_page.PAGE.read_text() == error_page.page(), "stale: run `make snapshots`"


def test_every_reason_of_a_rejection_has_a_cause_and_a_remedy() -> None:
    assert list(REJECTIONS) == error_page.reasons()


@pytest.mark.parametrize("name", REMEDIES)
def test_texts_name_only_the_errors_own_arguments(name: str) -> None:
    arguments = {entry["name"] for entry in error_page.errors()[name]["inputs"]}
    assert "" not in arguments, "an argument without a name cannot be told"
    for text in REMEDIES[name]:
        assert text, "say something"
        assert not text.endswith("."), "the sentence is ended where it is shown"
        used = {field for _, field, _, _ in string.Formatter().parse(text) if field}
        assert used <= arguments


def test_enums_in_errors_have_a_word_for_every_value() -> None:
    used = {
        str(entry["internalType"]).removeprefix("enum ")
        for error in error_page.errors().values()
        for entry in error["inputs"]
        if str(entry["internalType"]).startswith("enum ")
    }
    assert used == set(ENUMS)
    source = "\n".join(path.read_text() for path in (CONTRACTS / "types").glob("*.sol"))
    for name in used:
        body = re.search(rf"enum {name} \{{([^}}]*)\}}", source)
        assert body is not None
        assert len(ENUMS[name]) == len(re.findall(r"\w+", re.sub(r"//.*", "", body[1]))), name


def _raw(signature: str, *values: object) -> bytes:
    types = signature.partition("(")[2].removesuffix(")").split(",")
    return keccak(text=signature)[:4] + encode(types, values)


def test_a_refusal_tells_what_where_and_the_remedy() -> None:
    raw = _raw("ConsortiumMemberNotActive(uint16,uint8)", 3, 2)
    error = reverted("post", raw)
    assert isinstance(error, families.AccessRefused)
    assert error.name == "ConsortiumMemberNotActive"
    assert error.arguments == {"member": 3, "state": 2}
    assert error.where == "post"
    assert "member 3 is suspended" in error.what
    assert "ConsortiumMemberNotActive(member=3, state=2)" in error.what
    assert "reinstate" in error.remedy


@pytest.mark.parametrize(
    ("signature", "values", "family"),
    [
        ("PostingMalformed(uint256)", (7,), families.PostingRefused),
        ("FacilityUnknown(uint32)", (7,), families.FacilityRefused),
        ("ConsortiumUnknownMember(uint16)", (7,), families.ConsortiumRefused),
        ("LedgerUnknownAccount(uint32,uint256)", (7, 8), families.LedgerRefused),
        ("AddressEmptyCode(address)", ("0x" + "11" * 20,), families.ContractReverted),
        ("Panic(uint256)", (0x11,), families.ContractReverted),
        ("NotOurs(uint256)", (7,), families.ContractReverted),
    ],
)
def test_an_error_is_an_exception_of_its_family(
    signature: str, values: tuple[object, ...], family: type
) -> None:
    assert type(reverted("call", _raw(signature, *values))) is family


def test_damaged_data_is_told_as_it_came() -> None:
    error = reverted("call", _raw("FacilityUnknown(uint32)", 7)[:10])
    assert error.name == "UnknownError"
    assert "0x" in error.what
