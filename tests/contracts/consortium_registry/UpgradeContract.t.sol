// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IGoverned} from "interfaces/IGoverned.sol";
import {Contracts, ProposalKind, ProposalState} from "types/ConsortiumTypes.sol";
import {vm} from "../support/Vm.sol";
import {VotingFixture} from "../support/VotingFixture.sol";

interface IUpgradeable {
    function upgradeToAndCall(address implementation, bytes calldata data) external payable;
}

/// @title A later release, which is not what it was
contract Next is UUPSUpgradeable {
    error Refused(uint256 code);

    function contractVersion() external pure returns (uint32) {
        return 3;
    }

    function migrate(uint256 value) external {
        if (value == 0) revert Refused(7);
        // far from what the release before keeps
        assembly {
            sstore(0xfff, value)
        }
    }

    function migration() external view returns (uint256 value) {
        assembly {
            value := sload(0xfff)
        }
    }

    function _authorizeUpgrade(address) internal pure override {}
}

/// @title Upgrades: nobody's but the vote's
contract UpgradeContractTest is VotingFixture {
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

    // through the vote

    function test_a_vote_upgrades_each_contract_and_what_was_stays() external {
        uint32 facility = activate("F", one(5_000), strictRules());
        address[5] memory codes =
            [next.facilityRegistry, next.reserveLedger, next.reconciliation, next.dayClose, next.consortiumRegistry];
        address[5] memory proxies =
            [address(facilities), address(ledger), address(reconciliation), address(dayClose), address(consortium)];
        for (uint256 i; i < proxies.length; ++i) {
            uint32 proposal = propose(LEAD, ProposalKind.Upgrade, abi.encode(proxies[i], codes[i], ""));
            vote(proposal, 2, true);
            vm.assertTrue(_implementationOf(proxies[i]) != codes[i], "not before the majority");
            vm.expectEmit(address(consortium));
            emit IConsortiumRegistry.ProposalEnacted(proposal);
            vm.expectEmit(address(consortium));
            emit IConsortiumRegistry.ContractUpgraded(proxies[i], codes[i]);
            vote(proposal, 3, true);
            vm.assertEq(_implementationOf(proxies[i]), codes[i], "the new code");
            expectProposal(proposal, ProposalState.Enacted);
        }
        vm.assertEq(consortium.memberCount(), 5, "members");
        vm.assertEq(facilities.facilityNumber("F"), facility, "facilities");
        // and the new registry's votes are as good as the old one's
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(4)));
    }

    function test_an_upgrade_makes_its_call() external {
        address code = address(new Next());
        carry(LEAD, ProposalKind.Upgrade, abi.encode(dayClose, code, abi.encodeCall(Next.migrate, (5))));
        vm.assertEq(dayClose.contractVersion(), 3, "the next release");
        vm.assertEq(Next(address(dayClose)).migration(), 5, "its call");
    }

    function test_an_upgrade_reverts_where_its_call_does() external {
        uint32 proposal = propose(
            LEAD, ProposalKind.Upgrade, abi.encode(dayClose, address(new Next()), abi.encodeCall(Next.migrate, (0)))
        );
        vote(proposal, 2, true);
        refuseVote(approverOf(3), proposal, abi.encodeWithSelector(Next.Refused.selector, 7));
        vm.assertEq(dayClose.contractVersion(), 2, "as it was");
        expectProposal(proposal, ProposalState.Open);
    }

    function test_only_our_contracts_are_upgraded() external {
        address[3] memory others = [address(0), address(this), next.dayClose];
        for (uint256 i; i < others.length; ++i) {
            refusePropose(
                LEAD,
                ProposalKind.Upgrade,
                abi.encode(others[i], next.dayClose, ""),
                abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownContract.selector, others[i])
            );
        }
    }

    function test_only_implementations_come_behind_a_proxy() external {
        // no code, other code, and a proxy
        address[4] memory others = [address(0), address(77), address(this), address(ledger)];
        for (uint256 i; i < others.length; ++i) {
            refusePropose(
                LEAD,
                ProposalKind.Upgrade,
                abi.encode(dayClose, others[i], ""),
                abi.encodeWithSelector(IConsortiumRegistry.ConsortiumBadImplementation.selector, others[i])
            );
        }
    }

    function _implementationOf(address proxy) private view returns (address) {
        // ERC-1967
        bytes32 slot = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);
        return address(uint160(uint256(vm.load(proxy, slot))));
    }
}
