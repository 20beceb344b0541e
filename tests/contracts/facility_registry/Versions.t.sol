// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReconciliation} from "interfaces/IReconciliation.sol";
import {Rules} from "types/FacilityTypes.sol";
import {Pair, Status} from "types/LegTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {Stream} from "../support/Stream.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @title Versions: legs are split by the shares of their shares day and judged by the rules of the lead's value day
contract VersionsTest is FacilityFixture {
    uint8 private constant DRAWDOWN = 1;
    uint8 private constant PRINCIPAL = 2;
    uint8 private constant TOP_UP = 6;
    uint8 private constant REVERSAL = 12;

    /// @dev Version 2 of both from EARLIEST, version 3 from 10 days later; today is then 40 days on.
    function setUp() external {
        setUpFacility();
        _start(proposeShares(LEAD, EARLIEST, sharesOf(5_000, 2_000)));
        _start(proposeShares(LEAD, EARLIEST + 10, sharesOf(6_000, 0)));
        _start(proposeRules(LEAD, Rules(EARLIEST, 5, 0, 1 days, 86_399)));
        _start(proposeRules(LEAD, Rules(EARLIEST + 10, 5, 2, 1 days, 86_399)));
        vm.warp(NOW + 45 days);
    }

    function test_a_leg_is_split_by_the_shares_of_its_value_day() external {
        Stream memory stream;
        stream.group(TODAY + 45);
        stream.leg(DRAWDOWN, 0, EARLIEST - 1, 10_000, 1).leg(DRAWDOWN, 0, EARLIEST, 10_000, 2);
        stream.leg(DRAWDOWN, 0, EARLIEST + 9, 10_000, 3).leg(DRAWDOWN, 0, EARLIEST + 10, 10_000, 4);
        post(facility, LEAD, stream.leg(DRAWDOWN, 0, TODAY, 10_000, 5));
        _assertParts(1, 4_000, 3_000, 1);
        _assertParts(2, 5_000, 2_000, 2);
        _assertParts(3, 5_000, 2_000, 2);
        _assertParts(4, 6_000, 0, 3);
        _assertParts(5, 4_000, 3_000, 1);
    }

    function test_a_loan_keeps_the_shares_of_its_drawdown() external {
        Stream memory stream;
        stream.group(TODAY + 45, EARLIEST - 1).leg(PRINCIPAL, 0, EARLIEST + 12, 10_000, 1);
        stream.group(TODAY + 45, EARLIEST).leg(PRINCIPAL, 0, EARLIEST + 12, 10_000, 2);
        stream.group(TODAY + 45).leg(PRINCIPAL, 0, EARLIEST + 12, 10_000, 3);
        post(facility, LEAD, stream);
        _assertPartsOf(PRINCIPAL, 1, 4_000, 3_000, 1);
        _assertPartsOf(PRINCIPAL, 2, 5_000, 2_000, 2);
        _assertPartsOf(PRINCIPAL, 3, 6_000, 0, 3);
        vm.assertEq(reconciliation.pair(facility, 1, PRINCIPAL, 1).rulesVersion, 3, "rules by the value day");
    }

    function test_a_reversal_takes_back_the_parts_whatever_the_shares_are_now() external {
        Stream memory stream;
        post(facility, LEAD, stream.group(TODAY + 45).leg(DRAWDOWN, 0, TODAY, 10_000, 1));
        Stream memory reversal;
        reversal.group(TODAY + 45).leg(REVERSAL, 0, EARLIEST + 12, 10_000, 9);
        post(facility, LEAD, reversal.target(DRAWDOWN, 1));
        vm.assertEq(reconciliation.reversalPair(facility, 1, 9, DRAWDOWN, 1).leadAmount, 4_000, "Anna's part");
        vm.assertEq(reconciliation.reversalPair(facility, 2, 9, DRAWDOWN, 1).leadAmount, 3_000, "Bert's part");
    }

    /// @dev The same differences, 4 cents and a day, under the three versions, whoever comes first.
    function test_a_pair_is_judged_by_the_rules_of_the_leads_value_day() external {
        _judge(true, EARLIEST - 1, Status.AmountAndDate, 1);
        _judge(false, EARLIEST - 1, Status.AmountAndDate, 1);
        _judge(true, EARLIEST, Status.Date, 2);
        _judge(false, EARLIEST, Status.Date, 2);
        _judge(true, EARLIEST + 9, Status.Date, 2);
        _judge(false, EARLIEST + 9, Status.Date, 2);
        _judge(true, EARLIEST + 10, Status.WithinTolerance, 3);
        _judge(false, EARLIEST + 10, Status.WithinTolerance, 3);
    }

    function test_a_one_sided_leg_stands_under_the_rules_of_its_own_value_day() external {
        Stream memory stream;
        stream.group(TODAY + 45).leg(TOP_UP, 1, EARLIEST - 1, 100, 1).leg(TOP_UP, 1, EARLIEST, 100, 2);
        post(facility, ANNA, stream.leg(TOP_UP, 1, EARLIEST + 40, 100, 3));
        for (uint160 ref = 1; ref <= 3; ++ref) {
            vm.assertEq(reconciliation.pair(facility, 1, TOP_UP, ref).rulesVersion, uint16(ref), "its own day's");
        }
    }

    function test_shares_and_rules_of_another_facility_are_its_own() external {
        uint32 other = activate("G", two(100, 200), strictRules());
        Stream memory stream;
        post(other, LEAD, stream.group(TODAY + 45).leg(DRAWDOWN, 0, TODAY + 45, 10_000, 1));
        vm.assertEq(reconciliation.pair(other, 1, DRAWDOWN, 1).leadAmount, 100, "its own shares");
        vm.assertEq(reconciliation.pair(other, 1, DRAWDOWN, 1).rulesVersion, 1, "its own rules");
    }

    function _judge(bool isLeadFirst, uint24 leadsDay, Status status, uint16 version) private {
        uint160 ref = uint160(uint256(keccak256(abi.encode(isLeadFirst, leadsDay))));
        Stream memory lead;
        lead.group(TODAY + 45).leg(TOP_UP, 1, leadsDay, 100, ref);
        Stream memory partner;
        partner.group(TODAY + 45).leg(TOP_UP, 1, leadsDay + 1, 104, ref);
        if (isLeadFirst) post(facility, LEAD, lead);
        else post(facility, ANNA, partner);
        vm.recordLogs();
        if (isLeadFirst) post(facility, ANNA, partner);
        else post(facility, LEAD, lead);

        Vm.Log memory judged = vm.getRecordedLogs()[0];
        vm.assertEq(judged.topics[0], IReconciliation.PairJudged.selector, "judged");
        (,,, uint8 status_, uint16 rules) = abi.decode(judged.data, (uint64, uint16, uint8, uint8, uint16));
        vm.assertTrue(status_ == uint8(status) && rules == version, "told with its version");
        Pair memory pair = reconciliation.pair(facility, 1, TOP_UP, ref);
        vm.assertTrue(pair.status == status && pair.rulesVersion == version, "kept with its version");
    }

    function _assertParts(uint160 ref, uint256 anna, uint256 bert, uint16 version) private view {
        _assertPartsOf(DRAWDOWN, ref, anna, bert, version);
    }

    function _assertPartsOf(uint8 kind, uint160 ref, uint256 anna, uint256 bert, uint16 version) private view {
        Pair memory annas = reconciliation.pair(facility, 1, kind, ref);
        vm.assertEq(annas.leadAmount, anna, "Anna's part");
        vm.assertEq(annas.sharesVersion, version, "the version is kept with the pair");
        vm.assertEq(reconciliation.pair(facility, 2, kind, ref).leadAmount, bert, "Bert's part");
    }

    function _start(uint32 change) private {
        acceptChange(ANNA, change);
        acceptChange(BERT, change);
    }
}
