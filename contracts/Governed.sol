// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";

import {IGoverned} from "./interfaces/IGoverned.sol";

/// @title A contract behind a proxy that only the consortium's vote upgrades
abstract contract Governed is UUPSUpgradeable, IGoverned {
    /// @dev The implementation itself is nobody's: only proxies are initialized.
    constructor() {
        _disableInitializers();
    }

    /// @inheritdoc IGoverned
    function contractVersion() external pure virtual returns (uint32) {
        return 2;
    }

    /// @dev The contract whose word is the consortium's: its registry, which calls once a vote has passed.
    function _authority() internal view virtual returns (address);

    function _authorizeUpgrade(address) internal view override {
        if (msg.sender != _authority()) revert UpgradeWithoutVote(msg.sender);
    }

    function _requireAddress(address contract_) internal pure {
        if (contract_ == address(0)) revert AddressMissing();
    }
}
