// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @title Bounds that formats and laws rest on
library Limits {
    /// @dev Largest amount of a leg, minor units.
    uint256 internal constant MAX_AMOUNT = 1e15;

    /// @dev Most parts of a batch; a shared leg of the lead that is split counts one for each partner.
    uint256 internal constant MAX_PARTS = 500;

    /// @dev Open legs of one side of one account from which a new first half is rejected. A second half that makes a break
    ///      is still taken, so that there are at most twice as many: their sum stays below 2^71 - 1 minor units.
    uint256 internal constant MAX_OPEN_LEGS = 1_000_000;

    /// @dev From so many open legs on a batch counts them: one that does not opens too few to reach the bound.
    uint256 internal constant MANY_OPEN_LEGS = MAX_OPEN_LEGS - MAX_PARTS;

    /// @dev Most words of a batch: each part with a group word and a target word of its own.
    uint256 internal constant MAX_WORDS = 3 * MAX_PARTS;

    /// @dev How many days after the block's a leg's days may lie.
    uint256 internal constant MAX_DAYS_AHEAD = 30;

    /// @dev The ordinal (date.toordinal()) of 1970-01-01.
    uint256 internal constant EPOCH_ORDINAL = 719_163;

    /// @dev How long a hold can last, seconds.
    uint256 internal constant MAX_HOLD_SECONDS = 30 days;

    /// @dev Most bytes of a reason's text, sealed for its readers.
    uint256 internal constant MAX_SEALED_REASON = 4_096;
}
