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

    uint256 private constant _LEAD_SHIFT = 192;
    uint256 private constant _PARTNER_SHIFT = 128;
    uint256 private constant _ACCEPTED_SHIFT = 64;

    /// @notice A leg of the lead opened, as one number to add to a change.
    /// @param effect minor units signed by effect, two's complement, as in all that follow
    function leadOpened(uint256 effect) internal pure returns (uint256) {
        unchecked {
            return (effect << _LEAD_SHIFT) + 1;
        }
    }

    /// @notice A leg of the lead that was open settled.
    function leadSettled(uint256 effect) internal pure returns (uint256) {
        unchecked {
            return 0 - leadOpened(effect);
        }
    }

    /// @notice A leg of the partner opened.
    function partnerOpened(uint256 effect) internal pure returns (uint256) {
        unchecked {
            return (effect << _PARTNER_SHIFT) + 1;
        }
    }

    /// @notice A leg of the partner that was open settled.
    function partnerSettled(uint256 effect) internal pure returns (uint256) {
        unchecked {
            return 0 - partnerOpened(effect);
        }
    }

    /// @notice A difference accepted.
    /// @param difference partner's less lead's amount, minor units signed by effect, two's complement
    function accepted(uint256 difference) internal pure returns (uint256) {
        return difference << _ACCEPTED_SHIFT;
    }

    /// @param delta made by the functions above, or a sum of such
    function plus(OpenChange change, uint256 delta) internal pure returns (OpenChange) {
        unchecked {
            return OpenChange.wrap(OpenChange.unwrap(change) + delta);
        }
    }

    function isNone(OpenChange change) internal pure returns (bool) {
        return OpenChange.unwrap(change) == OpenChange.unwrap(NONE);
    }

    function openLead(OpenChange change) internal pure returns (int256) {
        return _field(change, _LEAD_SHIFT);
    }

    function openPartner(OpenChange change) internal pure returns (int256) {
        return _field(change, _PARTNER_SHIFT);
    }

    function acceptedDifference(OpenChange change) internal pure returns (int256) {
        return _field(change, _ACCEPTED_SHIFT);
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
