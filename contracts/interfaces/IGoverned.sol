// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @title What every contract of the consortium has in common
interface IGoverned {
    /// @notice An upgrade was asked for by `caller`; only the consortium's vote, carried out by its registry, may.
    error UpgradeWithoutVote(address caller);

    /// @notice An address that must be a contract's was zero.
    error AddressMissing();

    /// @notice The version of this contract's code and formats; an application refuses one that it does not know.
    function contractVersion() external view returns (uint32);
}
