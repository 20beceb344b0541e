// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReconciliation} from "interfaces/IReconciliation.sol";
import {FacilityState, Rules} from "types/FacilityTypes.sol";
import {Pair, Status} from "types/LegTypes.sol";
import {Changing} from "./utils/Changing.sol";
import {Stream} from "./utils/Stream.sol";
import {Vm, vm} from "./utils/Vm.sol";

/// @title Versions: legs are split by the shares of their shares day and judged by the rules of the lead's value day
contract VersionsTest is Changing {
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

/// @title Parties that post and change their facility as they like, in time that passes
/// @dev Keeps, for each day that a leg has carried, the versions in force on it at that moment.
contract ChangingParties is Changing {
    uint24[] private _days;
    mapping(uint24 day => uint16) public sharesThen;
    mapping(uint24 day => uint16) public rulesThen;
    uint160 private _lastRef;
    uint256 public versions;

    constructor() {
        setUpFacility();
    }

    function dayCount() external view returns (uint256) {
        return _days.length;
    }

    function dayAt(uint256 i) external view returns (uint24) {
        return _days[i];
    }

    function versionsOn(uint24 day) public view returns (uint16 shares, uint16 rules) {
        (shares,) = facilities.sharesOn(facility, day);
        (rules,) = facilities.rulesOn(facility, day);
    }

    /// @dev A leg on any day that it may carry, from a month back to the last one ahead.
    function carryDay(uint256 seed) external {
        uint24 day = _today() - 30 + uint24(seed % 61);
        Stream memory stream;
        post(facility, LEAD, stream.group(day).leg(1, 0, day, 10_000, ++_lastRef));
        Pair memory pair = reconciliation.pair(facility, 1, 1, _lastRef);
        require(pair.leadAmount != 0, "taken");
        (uint16 shares, uint16 rules) = versionsOn(day);
        require(pair.sharesVersion == shares && pair.rulesVersion == rules, "by the versions in force");
        if (sharesThen[day] == 0) _days.push(day);
        (sharesThen[day], rulesThen[day]) = (shares, rules);
    }

    function proposeVersion(uint256 seed, uint16 anna) external {
        uint24 from = _today() + uint24(seed % 64);
        uint16 by = uint16(seed % 3) + 1;
        vm.prank(approverOf(by));
        try facilities.proposeShares(facility, from, sharesOf(anna % 5_000 + 1, 4_000), REASON) {} catch {}
        vm.prank(approverOf(by));
        try facilities.proposeRules(facility, rulesFrom(from), REASON) {} catch {}
    }

    function acceptVersion(uint256 seed) external {
        uint32 count = facilities.changeCount(facility);
        if (count == 0) return;
        // the latest ones, or hardly any would be in time
        uint32 change = count - uint32(seed % (count < 4 ? count : 4));
        bytes32 hash = hashOf(change);
        for (uint16 member = 1; member <= BERT; ++member) {
            vm.prank(approverOf(member));
            try facilities.acceptChange(facility, change, hash) {
                if (facilities.change(facility, change).acceptedBy == 7) ++versions;
            } catch {}
        }
    }

    function pass(uint256 seed) external {
        vm.warp(block.timestamp + seed % 3 days);
    }

    function _today() private view returns (uint24) {
        return uint24(block.timestamp / 1 days + 719_163);
    }
}

/// @title VERSIONS_1: a new version never takes effect on a day that a leg carries or may already carry
contract VersionsInvariantTest is Changing {
    ChangingParties private parties;

    function setUp() external {
        parties = new ChangingParties();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(parties);
    }

    /// forge-config: slow.invariant.runs = 800
    /// forge-config: slow.invariant.depth = 125
    function invariant_what_a_leg_was_split_and_judged_by_stays() external view {
        for (uint256 i; i < parties.dayCount(); ++i) {
            uint24 day = parties.dayAt(i);
            (uint16 shares, uint16 rules) = parties.versionsOn(day);
            vm.assertEq(shares, parties.sharesThen(day), "VERSIONS_1: the shares of a day that a leg carries");
            vm.assertEq(rules, parties.rulesThen(day), "VERSIONS_1: the rules of a day that a leg carries");
        }
    }

    /// @dev Whenever all accept: later than any day that a leg may carry in that very block, or not at all.
    function testFuzz_a_version_starts_after_every_day_that_a_leg_may_carry(uint16 ahead, uint32 wait, bool isRules)
        external
    {
        setUpFacility();
        uint24 from = EARLIEST + ahead % 40;
        uint32 change = isRules ? proposeRules(ANNA, rulesFrom(from)) : proposeShares(ANNA, from, sharesOf(1, 2));
        vm.warp(NOW + wait % 30 days);
        uint24 latest = uint24(block.timestamp / 1 days + 719_163 + 30);
        bytes32 hash = hashOf(change);
        bool isTaken = true;
        uint16[2] memory others = [LEAD, BERT];
        for (uint256 i; i < 2; ++i) {
            vm.prank(approverOf(others[i]));
            try facilities.acceptChange(facility, change, hash) {}
            catch {
                isTaken = false;
            }
        }
        vm.assertTrue(isTaken == (from > latest), "VERSIONS_1");
        (uint16 version,) = facilities.sharesOn(facility, latest);
        vm.assertEq(version, 1, "no leg carries the new version's day");
    }
}
