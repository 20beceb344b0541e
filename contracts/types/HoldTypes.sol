// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice Where a hold stands. Released and Posted are final.
enum HoldState {
    None,
    Active,
    Released,
    Posted
}

/// @notice A part of a reserve that the lead set aside for a drawdown before it pays out.
/// @param amount minor units
/// @param expiresAt the block time from which any bank may release it, seconds
struct Hold {
    uint56 amount;
    uint32 expiresAt;
    HoldState state;
}
