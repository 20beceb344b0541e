// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice What a batch changes in one account's open legs and accepted differences, in one word.
/// @dev Most significant first, each with an offset of 2^63 so that adding never borrows: open lead legs (64)
///      | open partner legs (64) | accepted difference (64) | count of open legs (64). Sums of a batch stay below 2^59.
type OpenChange is uint256;

using OpenChanges for OpenChange global;

/// @title Packing of changes of open items
library OpenChanges {
    uint256 private constant _OFFSET = 1 << 63;
    OpenChange internal constant NONE =
        OpenChange.wrap((_OFFSET << 192) | (_OFFSET << 128) | (_OFFSET << 64) | _OFFSET);

    /// @notice All four changes in the form that `plus` adds; amounts in minor units signed by effect.
    function delta(uint256 lead, uint256 partner, uint256 accepted, uint256 legs) internal pure returns (uint256) {
        unchecked {
            return (lead << 192) + (partner << 128) + (accepted << 64) + legs;
        }
    }

    function plus(OpenChange change, uint256 delta_) internal pure returns (OpenChange) {
        unchecked {
            return OpenChange.wrap(OpenChange.unwrap(change) + delta_);
        }
    }

    function isNone(OpenChange change) internal pure returns (bool) {
        return OpenChange.unwrap(change) == OpenChange.unwrap(NONE);
    }

    function openLead(OpenChange change) internal pure returns (int256) {
        return _field(change, 192);
    }

    function openPartner(OpenChange change) internal pure returns (int256) {
        return _field(change, 128);
    }

    function acceptedDifference(OpenChange change) internal pure returns (int256) {
        return _field(change, 64);
    }

    function openLegs(OpenChange change) internal pure returns (int256) {
        return _field(change, 0);
    }

    function _field(OpenChange change, uint256 shift) private pure returns (int256) {
        unchecked {
            return int256((OpenChange.unwrap(change) >> shift) & type(uint64).max) - int256(_OFFSET);
        }
    }
}
