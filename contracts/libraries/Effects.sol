// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice An amount signed by what it does to the reserve, minor units: a drawdown lowers it, a repayment raises it.
type Effect is int256;

using {minus as -, opposite as -, equals as ==, differs as !=} for Effect global;
using Effects for Effect global;

// A leg has at most 10^15 minor units and a batch 500 parts: no sum comes near the ends of an int256.

function minus(Effect a, Effect b) pure returns (Effect) {
    unchecked {
        return Effect.wrap(Effect.unwrap(a) - Effect.unwrap(b));
    }
}

/// @dev What a reversal does to its target's effect.
function opposite(Effect a) pure returns (Effect) {
    unchecked {
        return Effect.wrap(-Effect.unwrap(a));
    }
}

function equals(Effect a, Effect b) pure returns (bool) {
    return Effect.unwrap(a) == Effect.unwrap(b);
}

function differs(Effect a, Effect b) pure returns (bool) {
    return Effect.unwrap(a) != Effect.unwrap(b);
}

/// @title Amounts signed by their effect on the reserve
library Effects {
    Effect internal constant NONE = Effect.wrap(0);

    /// @notice Another amount, minor units, of the same sign.
    function withAmount(Effect effect, uint256 amount) internal pure returns (Effect) {
        unchecked {
            return Effect.wrap(Effect.unwrap(effect) < 0 ? -int256(amount) : int256(amount));
        }
    }

    /// @notice Minor units, two's complement: to be added into a packed word.
    function bits(Effect effect) internal pure returns (uint256) {
        return uint256(Effect.unwrap(effect));
    }
}
