// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Pair} from "types/LegTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {Stream} from "../support/Stream.sol";
import {vm} from "../support/Vm.sol";

/// @title Parties that post and change their facility as they like, in time that passes
/// @dev Keeps, for each day that a leg has carried, the versions in force on it at that moment.
contract VersionHandler is FacilityFixture {
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
contract VersionInvariantsTest is FacilityFixture {
    VersionHandler private parties;

    function setUp() external {
        parties = new VersionHandler();
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
