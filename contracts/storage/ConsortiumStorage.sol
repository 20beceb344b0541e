// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Contracts, KeyHolder, Member} from "../types/ConsortiumTypes.sol";

/// @title All that ConsortiumRegistry remembers
/// @dev Appended to only; contracts/README.md says how the layout is watched.
abstract contract ConsortiumStorage {
    /// @dev Members ever admitted; numbers run from 1 to this.
    uint16 internal _memberCount;

    /// @dev Member by number.
    mapping(uint16 number => Member) internal _members;

    /// @dev Number by keccak256 of the name; 0 = free.
    mapping(bytes32 nameHash => uint16 number) internal _numberByName;

    /// @dev Whose key an address is, and for what.
    mapping(address key => KeyHolder) internal _keys;

    /// @dev The proxies that a vote can upgrade, this contract's own among them.
    Contracts internal _contracts;
}
