// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IGoverned} from "interfaces/IGoverned.sol";
import {Contracts} from "types/ConsortiumTypes.sol";
import {Consortium} from "./utils/Consortium.sol";
import {vm} from "./utils/Vm.sol";

interface IUpgradeable {
    function upgradeToAndCall(address implementation, bytes calldata data) external payable;
}

/// @title Upgrades: nobody's but the vote's
contract UpgradeTest is Consortium {
    Contracts private next;

    function setUp() external {
        found(2);
        next = implementations();
    }

    function test_no_key_upgrades_a_contract() external {
        address[4] memory callers = [address(this), operatorOf(LEAD), approverOf(LEAD), recoveryOf(LEAD)];
        for (uint256 i; i < callers.length; ++i) {
            _refuse(callers[i], address(consortium), next.consortiumRegistry);
            _refuse(callers[i], address(facilities), next.facilityRegistry);
            _refuse(callers[i], address(ledger), next.reserveLedger);
            _refuse(callers[i], address(reconciliation), next.reconciliation);
            _refuse(callers[i], address(dayClose), next.dayClose);
        }
    }

    function test_the_registry_upgrades_and_what_was_stays() external {
        uint32 facility = activate("F", one(5_000), strictRules());
        address[5] memory proxies =
            [address(consortium), address(facilities), address(ledger), address(reconciliation), address(dayClose)];
        address[5] memory codes =
            [next.consortiumRegistry, next.facilityRegistry, next.reserveLedger, next.reconciliation, next.dayClose];
        for (uint256 i; i < proxies.length; ++i) {
            vm.prank(address(consortium));
            IUpgradeable(proxies[i]).upgradeToAndCall(codes[i], "");
        }
        vm.assertEq(consortium.memberCount(), 5, "members");
        vm.assertEq(facilities.facilityNumber("F"), facility, "facilities");
    }

    function _refuse(address caller, address proxy, address code) private {
        vm.expectRevert(abi.encodeWithSelector(IGoverned.UpgradeWithoutVote.selector, caller));
        vm.prank(caller);
        IUpgradeable(proxy).upgradeToAndCall(code, "");
    }
}
