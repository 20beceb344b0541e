// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IDayClose} from "interfaces/IDayClose.sol";
import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {IGoverned} from "interfaces/IGoverned.sol";
import {IReconciliation} from "interfaces/IReconciliation.sol";
import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {Contracts, FoundingMember, KeyPurpose, Member, MemberState, Role} from "types/ConsortiumTypes.sol";
import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @dev OpenZeppelin's, of contracts that are initialized already, or must never be.
error InvalidInitialization();

/// @title The founding: what members it refuses, what it makes, and that it cannot be done again
contract FoundConsortiumTest is ConsortiumFixture {
    address private immutable NOBODY = address(0);

    Contracts private code;

    function setUp() external {
        code = implementations();
    }

    function test_founding_needs_two_banks_and_a_lead() external {
        FoundingMember[] memory list = members(0);
        _refuse(list, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooFewBanks.selector, 1));
        list = members(2);
        list[0].role = uint8(Role.Partner);
        _refuse(list, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNoLead.selector));
    }

    function test_founding_refuses_unknown_roles() external {
        FoundingMember[] memory list = members(2);
        list[1].role = 0;
        _refuse(list, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownRole.selector, 1, 0));
        list[1].role = 5;
        _refuse(list, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownRole.selector, 1, 5));
    }

    function test_founding_refuses_names_that_are_empty_long_or_taken() external {
        FoundingMember[] memory list = members(2);
        list[1].name = "";
        _refuse(list, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumBadName.selector, 1, ""));
        string memory long = string(new bytes(257));
        list[1].name = long;
        _refuse(list, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumBadName.selector, 1, long));
        list[1].name = list[0].name;
        _refuse(list, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNameTaken.selector, list[0].name, 1));
    }

    function test_founding_refuses_missing_keys() external {
        FoundingMember[] memory list = members(2);
        bytes memory refusal = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyMissing.selector, list[1].name);
        list[1].operator = NOBODY;
        _refuse(list, refusal);
        list = members(2);
        list[1].approver = NOBODY;
        _refuse(list, refusal);
        list = members(2);
        list[1].recovery = NOBODY;
        _refuse(list, refusal);
        list = members(2);
        list[1].sealingKey = 0;
        _refuse(list, refusal);
    }

    function test_founding_refuses_a_key_that_serves_twice() external {
        FoundingMember[] memory list = members(2);
        list[1].approver = list[1].operator;
        _refuse(
            list,
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumKeyTaken.selector, _toKey(list[1].operator), 2, KeyPurpose.Operator
            )
        );
        list = members(2);
        list[1].operator = list[0].approver;
        _refuse(
            list,
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumKeyTaken.selector, _toKey(list[0].approver), 1, KeyPurpose.Approver
            )
        );
    }

    /// @dev A sealing key proves nothing, so that whoever names it first keeps nobody out.
    function test_two_members_may_name_one_sealing_key() external {
        FoundingMember[] memory list = members(2);
        list[1].sealingKey = list[0].sealingKey;
        consortium = IConsortiumRegistry(deployFounding(code, list).consortiumRegistry);
        vm.assertEq(consortium.member(2).sealingKey, consortium.member(1).sealingKey, "both");
    }

    function test_founding_refuses_more_members_than_it_can_hold() external {
        FoundingMember[] memory list = members(254);
        _refuse(list, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooManyMembers.selector, 257, 256));
    }

    function test_founding_admits_the_members_in_order() external {
        FoundingMember[] memory list = members(2);
        // readers need no keys to post or approve with
        list[3].operator = list[3].approver = list[3].recovery = NOBODY;
        list[4].operator = list[4].approver = list[4].recovery = NOBODY;
        vm.recordLogs();
        consortium = IConsortiumRegistry(deployFounding(code, list).consortiumRegistry);
        uint16 admitted;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IConsortiumRegistry.MemberAdmitted.selector) {
                vm.assertEq(uint256(logs[i].topics[1]), ++admitted, "in order");
            }
        }
        vm.assertEq(admitted, 5, "all are told");
        vm.assertEq(consortium.memberCount(), 5, "all are there");
        for (uint16 number = 1; number <= 5; ++number) {
            Member memory member = consortium.member(number);
            vm.assertEq(member.name, list[number - 1].name, "name");
            vm.assertEq(uint256(member.role), list[number - 1].role, "role");
            vm.assertTrue(member.state == MemberState.Active, "active");
            vm.assertEq(consortium.memberNamed(member.name), number, "found by name");
            vm.assertEq(member.sealingKey, list[number - 1].sealingKey, "sealing key");
            vm.assertEq(consortium.isActiveBank(number) ? 1 : 0, number <= 3 ? 1 : 0, "a bank");
        }
        vm.assertEq(consortium.memberOf(operatorOf(2)), 2, "by operator");
        vm.assertEq(consortium.memberOf(approverOf(2)), 0, "an approver is no operator");
        vm.assertEq(consortium.approverOf(approverOf(2)), 2, "by approver");
        vm.assertEq(consortium.approverOf(operatorOf(2)), 0, "an operator is no approver");
        vm.assertEq(consortium.memberOf(NOBODY), 0, "nobody is no member");
    }

    function test_unknown_members_are_told_as_such() external {
        found(1);
        vm.expectRevert(abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownMember.selector, 0));
        consortium.member(0);
        vm.expectRevert(abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownMember.selector, 5));
        consortium.member(5);
    }

    function test_nothing_is_initialized_twice() external {
        found(1);
        vm.expectRevert(abi.encodeWithSelector(InvalidInitialization.selector));
        consortium.initialize(members(1), code);
        vm.expectRevert(abi.encodeWithSelector(InvalidInitialization.selector));
        facilities.initialize(address(this), address(this));
        vm.expectRevert(abi.encodeWithSelector(InvalidInitialization.selector));
        ledger.initialize(address(this), address(this), address(this), address(this));
        vm.expectRevert(abi.encodeWithSelector(InvalidInitialization.selector));
        reconciliation.initialize(address(this), address(this), address(this));
    }

    function test_implementations_are_nobodys() external {
        vm.expectRevert(abi.encodeWithSelector(InvalidInitialization.selector));
        IConsortiumRegistry(code.consortiumRegistry).initialize(members(1), code);
        vm.expectRevert(abi.encodeWithSelector(InvalidInitialization.selector));
        IReserveLedger(code.reserveLedger).initialize(address(1), address(1), address(1), address(1));
    }

    function test_wiring_needs_addresses() external {
        bytes memory refusal = abi.encodeWithSelector(IGoverned.AddressMissing.selector);
        address registry = _bare(code.facilityRegistry);
        address book = _bare(code.reserveLedger);
        address matcher = _bare(code.reconciliation);
        address closer = _bare(code.dayClose);
        for (uint256 missing; missing < 4; ++missing) {
            address[4] memory wired = [address(1), address(1), address(1), address(1)];
            wired[missing] = NOBODY;
            vm.expectRevert(refusal);
            IReserveLedger(book).initialize(wired[0], wired[1], wired[2], wired[3]);
            vm.expectRevert(refusal);
            IDayClose(closer).initialize(wired[0], wired[1], wired[2], wired[3]);
            if (missing == 3) break;
            vm.expectRevert(refusal);
            IReconciliation(matcher).initialize(wired[0], wired[1], wired[2]);
            if (missing == 2) continue;
            vm.expectRevert(refusal);
            IFacilityRegistry(registry).initialize(wired[0], wired[1]);
        }
    }

    function test_every_contract_tells_its_version() external {
        found(1);
        vm.assertEq(consortium.contractVersion(), 2, "registry");
        vm.assertEq(facilities.contractVersion(), 2, "facilities");
        vm.assertEq(ledger.contractVersion(), 2, "ledger");
        vm.assertEq(reconciliation.contractVersion(), 2, "reconciliation");
        vm.assertEq(dayClose.contractVersion(), 2, "day close");
    }

    function _toKey(address key) private pure returns (bytes32) {
        return bytes32(uint256(uint160(key)));
    }

    function _refuse(FoundingMember[] memory list, bytes memory refusal) private {
        address registry = _bare(code.consortiumRegistry);
        vm.expectRevert(refusal);
        IConsortiumRegistry(registry).initialize(list, code);
    }

    /// @dev A proxy that is not yet initialized.
    function _bare(address implementation) private returns (address) {
        return address(new ERC1967Proxy(implementation, ""));
    }
}
