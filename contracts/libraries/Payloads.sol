// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "../interfaces/IConsortiumRegistry.sol";
import {FoundingMember, KeyProof, ProposalKind} from "../types/ConsortiumTypes.sol";

/// @title What a proposal asks for, read from its bytes
/// @dev Only the ABI's own encoding is taken, and it is read by hand: what is malformed meets our error and not a bare
///      revert, one proposal has one payload, and the code is a fraction of the compiler's decoders. Texts are not
///      copied, they stay in the payload.
library Payloads {
    uint256 private constant _WORD = 32;
    uint256 private constant _ADDRESS_BITS = 160;

    /// @dev Its proofs: `toProof`, the operator's at word 1, the others' in the words after.
    function toNewcomer(bytes memory payload) internal pure returns (FoundingMember memory) {
        // the struct's place and three proofs of two words, then the name's place in the struct, role, three addresses,
        // sealing key, and last the name itself
        bool isWell = _hasTail(payload, 13) && _word(payload, 0) == 7 * _WORD && _word(payload, 7) == 6 * _WORD
            && _fits(payload, 8, 8) && _fits(payload, 9, _ADDRESS_BITS) && _fits(payload, 10, _ADDRESS_BITS)
            && _fits(payload, 11, _ADDRESS_BITS);
        _require(isWell, ProposalKind.Admit, payload);
        return FoundingMember({
            name: string(_tail(payload, 13)),
            role: uint8(_word(payload, 8)),
            operator: _address(payload, 9),
            approver: _address(payload, 10),
            recovery: _address(payload, 11),
            sealingKey: bytes32(_word(payload, 12))
        });
    }

    function toMember(ProposalKind kind, bytes memory payload) internal pure returns (uint16) {
        _require(payload.length == _WORD && _fits(payload, 0, 16), kind, payload);
        return uint16(_word(payload, 0));
    }

    function toRole(bytes memory payload) internal pure returns (uint16 member, uint8 role) {
        bool isWell = payload.length == 2 * _WORD && _fits(payload, 0, 16) && _fits(payload, 1, 8);
        _require(isWell, ProposalKind.ChangeRole, payload);
        return (uint16(_word(payload, 0)), uint8(_word(payload, 1)));
    }

    /// @dev Its proof: `toProof`, at word 3.
    function toKey(bytes memory payload) internal pure returns (uint16 member, uint8 purpose, bytes32 key) {
        bool isWell = payload.length == 5 * _WORD && _fits(payload, 0, 16) && _fits(payload, 1, 8);
        _require(isWell, ProposalKind.ReplaceKey, payload);
        return (uint16(_word(payload, 0)), uint8(_word(payload, 1)), bytes32(_word(payload, 2)));
    }

    /// @dev The proof at a word of a payload that was read.
    function toProof(bytes memory payload, uint256 place) internal pure returns (KeyProof memory) {
        return KeyProof({r: bytes32(_word(payload, place)), vs: bytes32(_word(payload, place + 1))});
    }

    function toValidator(bytes memory payload)
        internal
        pure
        returns (uint16 member, address node, string memory enode)
    {
        bool isWell = _hasTail(payload, 3) && _fits(payload, 0, 16) && _fits(payload, 1, _ADDRESS_BITS)
            && _word(payload, 2) == 3 * _WORD;
        _require(isWell, ProposalKind.RegisterValidator, payload);
        return (uint16(_word(payload, 0)), _address(payload, 1), string(_tail(payload, 3)));
    }

    function toNode(bytes memory payload) internal pure returns (address) {
        _require(payload.length == _WORD && _fits(payload, 0, _ADDRESS_BITS), ProposalKind.RemoveValidator, payload);
        return _address(payload, 0);
    }

    function toUpgrade(bytes memory payload)
        internal
        pure
        returns (address proxy, address implementation, bytes memory call)
    {
        bool isWell = _hasTail(payload, 3) && _fits(payload, 0, _ADDRESS_BITS) && _fits(payload, 1, _ADDRESS_BITS)
            && _word(payload, 2) == 3 * _WORD;
        _require(isWell, ProposalKind.Upgrade, payload);
        return (_address(payload, 0), _address(payload, 1), _tail(payload, 3));
    }

    /// @dev Whether the payload ends in bytes whose length stands in word `head`, filled up with zeros to a whole word.
    function _hasTail(bytes memory payload, uint256 head) private pure returns (bool) {
        uint256 start = (head + 1) * _WORD;
        if (payload.length < start) return false;
        uint256 length = _word(payload, head);
        if (length > payload.length) return false;
        // rounded up to whole words
        // slither-disable-next-line divide-before-multiply
        uint256 words = (length + _WORD - 1) / _WORD;
        if (payload.length != start + words * _WORD) return false;
        uint256 used = length % _WORD;
        return used == 0 || _word(payload, head + words) << (8 * used) == 0;
    }

    function _fits(bytes memory payload, uint256 place, uint256 bits) private pure returns (bool) {
        return _word(payload, place) >> bits == 0;
    }

    /// @dev Only of words that the payload has.
    function _word(bytes memory payload, uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(payload, mul(add(place, 1), 32)))
        }
    }

    function _address(bytes memory payload, uint256 place) private pure returns (address) {
        return address(uint160(_word(payload, place)));
    }

    /// @dev The bytes whose length stands in word `head`.
    function _tail(bytes memory payload, uint256 head) private pure returns (bytes memory tail) {
        assembly ("memory-safe") {
            tail := add(payload, mul(add(head, 1), 32))
        }
    }

    function _require(bool isWell, ProposalKind kind, bytes memory payload) private pure {
        if (!isWell) revert IConsortiumRegistry.ConsortiumBadPayload(kind, payload.length);
    }
}
