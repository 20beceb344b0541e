// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Effect} from "./Effects.sol";

/// @notice How open legs and accepted differences of one account change: 64 bits open lead legs | 64 bits open partner legs
///         | 64 bits accepted difference | 32 bits count of open lead legs | 32 bits count of open partner legs.
/// @dev Five signed numbers, added as one: a negative one borrows from the field above it, and reading gives the borrow
///      back. Sums of a batch stay below 2^59, counts below 2^11.
type OpenChange is uint256;

using {plus as +, opposite as -} for OpenChange global;
using OpenChanges for OpenChange global;

function plus(OpenChange a, OpenChange b) pure returns (OpenChange) {
    unchecked {
        return OpenChange.wrap(OpenChange.unwrap(a) + OpenChange.unwrap(b));
    }
}

function opposite(OpenChange a) pure returns (OpenChange) {
    unchecked {
        return OpenChange.wrap(0 - OpenChange.unwrap(a));
    }
}

/// @title Changes of open items
library OpenChanges {
    OpenChange internal constant NONE = OpenChange.wrap(0);

    uint256 private constant _OPEN_LEAD_OFFSET = 192;
    uint256 private constant _OPEN_PARTNER_OFFSET = 128;
    uint256 private constant _ACCEPTED_OFFSET = 64;
    uint256 private constant _LEAD_LEGS_OFFSET = 32;

    /// @dev Half the range of each field. Added to a word, it makes every field a number from 0 and takes back the borrows.
    uint256 private constant _MIDDLE = 1 << 63;
    uint256 private constant _MIDDLE_OF_COUNT = 1 << 31;
    uint256 private constant _MIDDLES = (_MIDDLE << _OPEN_LEAD_OFFSET) | (_MIDDLE << _OPEN_PARTNER_OFFSET)
        | (_MIDDLE << _ACCEPTED_OFFSET) | (_MIDDLE_OF_COUNT << _LEAD_LEGS_OFFSET) | _MIDDLE_OF_COUNT;
    /// @dev All fields but those of the lead's legs.
    uint256 private constant _PARTNERS_FIELDS = (((1 << 128) - 1) << _ACCEPTED_OFFSET) | type(uint32).max;

    /// @notice A leg opened.
    /// @param isLead whose: the lead's, or the partner's
    function opened(bool isLead, Effect effect) internal pure returns (OpenChange) {
        unchecked {
            return OpenChange.wrap(
                isLead
                    ? (effect.bits() << _OPEN_LEAD_OFFSET) + (1 << _LEAD_LEGS_OFFSET)
                    : (effect.bits() << _OPEN_PARTNER_OFFSET) + 1
            );
        }
    }

    /// @notice A leg that was open is settled.
    function settled(bool isLead, Effect effect) internal pure returns (OpenChange) {
        return -opened(isLead, effect);
    }

    /// @notice A difference is accepted.
    /// @param difference partner's effect less the lead's
    function accepted(Effect difference) internal pure returns (OpenChange) {
        return OpenChange.wrap(difference.bits() << _ACCEPTED_OFFSET);
    }

    function isNone(OpenChange change) internal pure returns (bool) {
        return OpenChange.unwrap(change) == 0;
    }

    /// @notice Whether nothing of the partner's changed: neither its open legs nor accepted differences.
    function isLeadsAlone(OpenChange change) internal pure returns (bool) {
        unchecked {
            return ((OpenChange.unwrap(change) + _MIDDLES) ^ _MIDDLES) & _PARTNERS_FIELDS == 0;
        }
    }

    /// @notice Minor units signed by effect, as the two that follow.
    function openLead(OpenChange change) internal pure returns (int256) {
        return _amount(change, _OPEN_LEAD_OFFSET);
    }

    function openPartner(OpenChange change) internal pure returns (int256) {
        return _amount(change, _OPEN_PARTNER_OFFSET);
    }

    function acceptedDifference(OpenChange change) internal pure returns (int256) {
        return _amount(change, _ACCEPTED_OFFSET);
    }

    /// @notice By how many legs, as the one that follows.
    function openLeadLegs(OpenChange change) internal pure returns (int256) {
        return _legs(change, _LEAD_LEGS_OFFSET);
    }

    function openPartnerLegs(OpenChange change) internal pure returns (int256) {
        return _legs(change, 0);
    }

    function _amount(OpenChange change, uint256 offset) private pure returns (int256) {
        unchecked {
            uint256 raised = (OpenChange.unwrap(change) + _MIDDLES) >> offset;
            return int256(raised & type(uint64).max) - int256(_MIDDLE);
        }
    }

    function _legs(OpenChange change, uint256 offset) private pure returns (int256) {
        unchecked {
            uint256 raised = (OpenChange.unwrap(change) + _MIDDLES) >> offset;
            return int256(raised & type(uint32).max) - int256(_MIDDLE_OF_COUNT);
        }
    }
}
