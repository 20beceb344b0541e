// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Kinds} from "./Kinds.sol";
import {Limits} from "./Limits.sol";

/// @notice A word of a posting's stream: a group, a leg or a reversal's target.
/// @dev Most significant first. Group: 0 (8) | 0 (8) | business day (24) | shares day (24) | 0 (192).
///      Leg: kind (8, its top bit = declared duplicate) | partner (8) | value day (24) | amount (56) | reference (160).
///      Target: kind (8) | 0 (88) | reference (160).
type LegWord is uint256;

using LegWords for LegWord global;

/// @title Reading the words of a posting
library LegWords {
    uint256 private constant _DAY = 0xffffff;
    uint256 private constant _AMOUNT = 0xffffffffffffff;
    uint256 private constant _HALF = (1 << 80) - 1;
    uint256 private constant _REFERENCE = (1 << 160) - 1;
    /// @dev What must be 0 in a group word and in a target word.
    uint256 private constant _GROUP_RESERVED = (0xffff << 240) | ((1 << 192) - 1);
    uint256 private constant _TARGET_RESERVED = ((1 << 88) - 1) << 160;

    function isGroup(LegWord word) internal pure returns (bool) {
        return LegWord.unwrap(word) >> 248 == 0;
    }

    /// @notice Whether nothing is wrong with a leg by itself, its partner apart: it is of a postable kind, no reversal, no
    ///         declared duplicate, of an amount in bounds, and its value day is there and not after `latestDay`.
    function isPlain(LegWord word, uint256 latestDay) internal pure returns (bool plain) {
        uint256 lastKind = Kinds.OTHER_OUT;
        uint256 maxAmount = Limits.MAX_AMOUNT;
        assembly ("memory-safe") {
            // x - 1 < n is 1 <= x <= n, as 0 wraps round to the largest number
            plain := lt(sub(shr(248, word), 1), lastKind)
            plain := and(plain, lt(sub(and(shr(160, word), 0xffffffffffffff), 1), maxAmount))
            plain := and(plain, lt(sub(and(shr(216, word), 0xffffff), 1), latestDay))
        }
    }

    function isWellFormedGroup(LegWord word) internal pure returns (bool) {
        return LegWord.unwrap(word) & _GROUP_RESERVED == 0 && businessDay(word) != 0;
    }

    function isWellFormedTarget(LegWord word) internal pure returns (bool) {
        return LegWord.unwrap(word) & _TARGET_RESERVED == 0;
    }

    function businessDay(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> 216) & _DAY;
    }

    function sharesDay(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> 192) & _DAY;
    }

    /// @notice The leg's kind without the mark of a declared duplicate.
    function kind(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> 248) & 0x7f;
    }

    /// @notice Whether the sender itself says that an earlier leg of its has this identity.
    function isDeclaredDuplicate(LegWord word) internal pure returns (bool) {
        return LegWord.unwrap(word) >> 255 == 1;
    }

    function partner(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> 240) & 0xff;
    }

    function valueDay(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> 216) & _DAY;
    }

    function amount(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> 160) & _AMOUNT;
    }

    /// @notice Value day and amount together, as a pair keeps a half: value day (24) | amount (56).
    function half(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> 160) & _HALF;
    }

    function ref(LegWord word) internal pure returns (uint256) {
        return LegWord.unwrap(word) & _REFERENCE;
    }

    /// @notice A target's kind: all eight bits, no mark.
    function targetKind(LegWord word) internal pure returns (uint256) {
        return LegWord.unwrap(word) >> 248;
    }
}
