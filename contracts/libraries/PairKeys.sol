// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @title The identities of pairs
library PairKeys {
    uint256 private constant _FACILITY_OFFSET = 176;
    uint256 private constant _PARTNER_OFFSET = 168;
    uint256 private constant _KIND_OFFSET = 160;

    /// @notice What leads from a partner's key to the next partner's.
    uint256 internal constant NEXT_PARTNER = 1 << _PARTNER_OFFSET;

    /// @notice The identity of a pair: 48 bits empty | 32 bits facility | 8 bits partner | 8 bits kind | 160 bits
    ///         reference.
    function key(uint256 facility, uint256 partner, uint256 kind, uint256 ref) internal pure returns (uint256) {
        return (facility << _FACILITY_OFFSET) | (partner << _PARTNER_OFFSET) | (kind << _KIND_OFFSET) | ref;
    }

    /// @notice The identity of a reversal's pair: 32 bits facility | 8 bits partner | 216 bits hash of its own key and its
    ///         target's word.
    /// @dev Its facility stands where other keys have zeros, so the two never meet.
    function reversalKey(uint256 ownKey, uint256 targetWord) internal pure returns (uint256 key_) {
        assembly ("memory-safe") {
            mstore(0x00, ownKey)
            mstore(0x20, targetWord)
            key_ := or(shl(216, shr(168, ownKey)), shr(40, keccak256(0x00, 0x40)))
        }
    }

    /// @notice The account that a pair belongs to: facility (32) | partner (8).
    function accountOf(uint256 key_) internal pure returns (uint256) {
        uint256 account = key_ >> _PARTNER_OFFSET;
        return account >> 40 == 0 ? account : key_ >> 216;
    }
}
