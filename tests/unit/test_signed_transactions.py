"""Transactions are signed by hand, held against eth_account."""

from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from app.contracts.transactions import sign

_ACCOUNT = Account.from_key(b"\x01" * 32)
_TO = Account.from_key(b"\x02" * 32).address


@given(
    st.integers(1, 2**40),
    st.integers(0, 2**40),
    st.sampled_from([None, _TO]),
    st.binary(max_size=300),
    st.integers(21_000, 2**30),
)
def test_a_transaction_is_signed_as_eth_account_signs_it(
    chain_id: int, nonce: int, to: str | None, data: bytes, gas: int
) -> None:
    fields = {
        "chainId": chain_id,
        "nonce": nonce,
        "gas": gas,
        "gasPrice": 0,
        "value": 0,
        "data": data,
        "to": to or b"",
    }
    signed = sign(_ACCOUNT, chain_id=chain_id, nonce=nonce, to=to, data=data, gas=gas)
    assert signed == bytes(_ACCOUNT.sign_transaction(fields).raw_transaction)
