// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Half} from "./Halves.sol";
import {Kinds} from "./Kinds.sol";
import {Limits} from "./Limits.sol";

/// @notice A word of a posting's stream: a group, a leg or a reversal's target.
/// @dev Group: 16 bits empty | 24 bits business day | 24 bits shares day | 192 bits empty.
///      Leg: 1 bit declared duplicate | 7 bits kind | 8 bits partner | 24 bits value day | 56 bits amount | 160 bits
///      reference. Target: 8 bits kind | 88 bits empty | 160 bits reference.
type LegWord is uint256;

using LegWords for LegWord global;

/// @title Reading the words of a posting
library LegWords {
    uint256 private constant _KIND_OFFSET = 248;
    uint256 private constant _PARTNER_OFFSET = 240;
    // a group's business day and a leg's value day
    uint256 private constant _DAY_OFFSET = 216;
    uint256 private constant _SHARES_DAY_OFFSET = 192;
    // a leg's amount, and value day and amount together
    uint256 private constant _AMOUNT_OFFSET = 160;

    uint256 private constant _DAY_MASK = (1 << 24) - 1;
    uint256 private constant _AMOUNT_MASK = (1 << 56) - 1;
    uint256 private constant _HALF_MASK = (1 << 80) - 1;
    uint256 private constant _REFERENCE_MASK = (1 << 160) - 1;
    uint256 private constant _DUPLICATE_BIT = 1 << 255;
    /// @dev What must be 0 in a group word and in a target word.
    uint256 private constant _GROUP_RESERVED = (0xffff << 240) | ((1 << 192) - 1);
    uint256 private constant _TARGET_RESERVED = ((1 << 88) - 1) << 160;

    function isGroup(LegWord word) internal pure returns (bool) {
        return LegWord.unwrap(word) >> _KIND_OFFSET == 0;
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
        return (LegWord.unwrap(word) >> _DAY_OFFSET) & _DAY_MASK;
    }

    function sharesDay(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> _SHARES_DAY_OFFSET) & _DAY_MASK;
    }

    /// @notice The leg's kind without the mark of a declared duplicate.
    function kind(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> _KIND_OFFSET) & 0x7f;
    }

    /// @notice Whether the sender itself says that an earlier leg of its has this identity.
    function isDeclaredDuplicate(LegWord word) internal pure returns (bool) {
        return LegWord.unwrap(word) & _DUPLICATE_BIT != 0;
    }

    function partner(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> _PARTNER_OFFSET) & 0xff;
    }

    function valueDay(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> _DAY_OFFSET) & _DAY_MASK;
    }

    function amount(LegWord word) internal pure returns (uint256) {
        return (LegWord.unwrap(word) >> _AMOUNT_OFFSET) & _AMOUNT_MASK;
    }

    /// @notice Value day and amount together.
    function half(LegWord word) internal pure returns (Half) {
        return Half.wrap((LegWord.unwrap(word) >> _AMOUNT_OFFSET) & _HALF_MASK);
    }

    function ref(LegWord word) internal pure returns (uint256) {
        return LegWord.unwrap(word) & _REFERENCE_MASK;
    }

    /// @notice A target's kind: all eight bits, no mark.
    function targetKind(LegWord word) internal pure returns (uint256) {
        return LegWord.unwrap(word) >> _KIND_OFFSET;
    }
}
