// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice What a batch changes in one account's open legs and accepted differences, in one word.
/// @dev Most significant first, each with an offset of half its range so that adding never borrows: open lead legs (64)
///      | open partner legs (64) | accepted difference (64) | count of open lead legs (32), of the partner's (32). Sums of
///      a batch stay below 2^59, counts below 2^11.
type OpenChange is uint256;

using OpenChanges for OpenChange global;

/// @title Packing of changes of open items
library OpenChanges {
    uint256 private constant _OFFSET = 1 << 63;
    uint256 private constant _COUNT_OFFSET = 1 << 31;
    OpenChange internal constant NONE =
        OpenChange.wrap((_OFFSET << 192) | (_OFFSET << 128) | (_OFFSET << 64) | (_COUNT_OFFSET << 32) | _COUNT_OFFSET);

    uint256 private constant _LEAD_SHIFT = 192;
    uint256 private constant _PARTNER_SHIFT = 128;
    uint256 private constant _ACCEPTED_SHIFT = 64;
    uint256 private constant _LEAD_COUNT_SHIFT = 32;
    /// @dev All fields but those of the lead's legs.
    uint256 private constant _PARTNERS = (((1 << 128) - 1) << _ACCEPTED_SHIFT) | type(uint32).max;

    /// @notice A leg of the lead opened, as one number to add to a change.
    /// @param effect minor units signed by effect, two's complement, as in all that follow
    function leadOpened(uint256 effect) internal pure returns (uint256) {
        unchecked {
            return (effect << _LEAD_SHIFT) + (1 << _LEAD_COUNT_SHIFT);
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

    /// @notice Whether nothing of the partner's changed: neither its open legs nor accepted differences.
    function isLeadsAlone(OpenChange change) internal pure returns (bool) {
        return (OpenChange.unwrap(change) ^ OpenChange.unwrap(NONE)) & _PARTNERS == 0;
    }

    function openLeadLegs(OpenChange change) internal pure returns (int256) {
        return _count(change, _LEAD_COUNT_SHIFT);
    }

    function openPartnerLegs(OpenChange change) internal pure returns (int256) {
        return _count(change, 0);
    }

    function _field(OpenChange change, uint256 shift) private pure returns (int256) {
        unchecked {
            return int256((OpenChange.unwrap(change) >> shift) & type(uint64).max) - int256(_OFFSET);
        }
    }

    function _count(OpenChange change, uint256 shift) private pure returns (int256) {
        unchecked {
            return int256((OpenChange.unwrap(change) >> shift) & type(uint32).max) - int256(_COUNT_OFFSET);
        }
    }
}
