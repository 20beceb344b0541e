// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IDayClose} from "interfaces/IDayClose.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title giveReason: why, for those alone who may read it
contract GiveReasonTest is AccountsFixture {
    bytes32 private constant WHY = keccak256("why");

    function setUp() external {
        openAccounts();
    }

    function test_a_member_s_approver_alone() external {
        address stranger = address(0xBAD);
        vm.expectRevert(
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, stranger, KeyPurpose.Approver)
        );
        vm.prank(stranger);
        dayClose.giveReason(WHY, "");
    }

    function test_not_longer_than_what_a_hundred_readers_need() external {
        bytes memory sealedReason = new bytes(16_385);
        vm.expectRevert(abi.encodeWithSelector(IDayClose.DayCloseReasonTooLong.selector, 16_385, 16_384));
        vm.prank(approverOf(LEAD));
        dayClose.giveReason(WHY, sealedReason);
    }

    function test_it_is_told_as_it_was_given() external {
        bytes memory sealedReason = new bytes(16_384);
        vm.expectEmit(address(dayClose));
        emit IDayClose.ReasonGiven(LEAD, WHY, sealedReason);
        vm.prank(approverOf(LEAD));
        dayClose.giveReason(WHY, sealedReason);
    }
}
