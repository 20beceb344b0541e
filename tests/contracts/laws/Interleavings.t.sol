// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {PairKeys} from "libraries/PairKeys.sol";
import {Rules} from "types/FacilityTypes.sol";
import {Action, Resolution} from "types/ResolutionTypes.sol";
import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {Stream} from "../support/Stream.sol";
import {vm} from "../support/Vm.sol";

/// @title RECON_1 over every order of what can happen to one pair
/// @notice Two halves, a reversal of each, one half once more, and a resolution, in all 720 orders. Some of them are
///         refused in some orders (a reversal before its target, a half after the resolution). What is left in the end
///         must be a function of what was taken, and not of the order in which it came.
contract InterleavingsTest is ConsortiumFixture {
    uint8 private constant TOP_UP = 6;
    uint8 private constant REVERSAL = 12;
    uint8 private constant CORRECTION = 13;
    uint8 private constant STEPS = 6;

    uint32 private facility;

    struct Case {
        uint256 partnerAmount;
        uint24 partnerValueDay;
        uint8 action;
        uint8 side;
    }

    function setUp() external {
        found(1);
        facility = activate("F", one(9000), Rules(0, 5, 2, 1 days, 86_399));
    }

    /// @dev Pairs that match are resolved while one-sided or never, so only what a one-sided leg allows is tried.
    function test_RECON_1_equal_halves() external {
        _allOrders(Case(100, TODAY, uint8(Action.WriteOff), 0));
        _allOrders(Case(100, TODAY, uint8(Action.Void), 0));
    }

    function test_RECON_1_within_tolerance() external {
        _allOrders(Case(103, TODAY, uint8(Action.WriteOff), 0));
    }

    function test_RECON_1_amounts_apart() external {
        _allOrders(Case(110, TODAY, uint8(Action.Adjust), 1));
        _allOrders(Case(110, TODAY, uint8(Action.Adjust), 2));
        _allOrders(Case(110, TODAY, uint8(Action.WriteOff), 0));
        _allOrders(Case(110, TODAY, uint8(Action.Void), 0));
    }

    function test_RECON_1_days_apart() external {
        _allOrders(Case(100, TODAY - 3, uint8(Action.Force), 0));
    }

    /// @dev Heap's algorithm, without recursion. What was left by each set of steps taken is kept in memory, as going
    ///      back to a snapshot forgets storage.
    function _allOrders(Case memory case_) private {
        bytes32[] memory left = new bytes32[](1 << STEPS);
        uint8[STEPS] memory order = [0, 1, 2, 3, 4, 5];
        uint8[STEPS] memory counters;
        _inOrder(case_, order, left);
        uint8 i = 1;
        while (i < STEPS) {
            if (counters[i] < i) {
                uint8 with_ = i % 2 == 0 ? 0 : counters[i];
                (order[with_], order[i]) = (order[i], order[with_]);
                _inOrder(case_, order, left);
                ++counters[i];
                i = 1;
            } else {
                counters[i] = 0;
                ++i;
            }
        }
    }

    function _inOrder(Case memory case_, uint8[STEPS] memory order, bytes32[] memory left) private {
        uint256 before = vm.snapshotState();
        (uint256 taken, bytes32 state) = this.run(case_, order);
        vm.revertToStateAndDelete(before);
        if (left[taken] == 0) left[taken] = state;
        vm.assertEq(state, left[taken], "RECON_1: what is left depends on what was taken alone");
    }

    /// @dev A call of its own, so that its memory ends with it.
    /// @return taken the steps that were taken, a bit each
    /// @return state what they left
    function run(Case memory case_, uint8[STEPS] memory order) external returns (uint256 taken, bytes32 state) {
        for (uint8 i; i < STEPS; ++i) {
            // the half that is posted once more is the same half
            if (_step(case_, order[i])) taken |= 1 << (order[i] == 4 ? 0 : order[i]);
        }
        return (taken, _state());
    }

    /// @return whether the step was taken
    function _step(Case memory case_, uint8 step) private returns (bool) {
        Stream memory stream;
        stream.group(TODAY);
        if (step == 5) return _resolve(case_);
        if (step == 1) stream.leg(TOP_UP, 1, case_.partnerValueDay, case_.partnerAmount, 7);
        else if (step == 2) stream.leg(REVERSAL, 1, TODAY, 100, 9).target(TOP_UP, 7);
        else if (step == 3) stream.leg(REVERSAL, 1, TODAY, case_.partnerAmount, 9).target(TOP_UP, 7);
        else stream.leg(TOP_UP, 1, TODAY, 100, 7);
        bytes32 before = _pairs();
        post(facility, step % 2 == 0 ? LEAD : memberOf(1), stream);
        return _pairs() != before;
    }

    function _resolve(Case memory case_) private returns (bool) {
        Resolution memory made = Resolution({
            facility: facility,
            partner: 1,
            kind: TOP_UP,
            ref: 7,
            targetKind: 0,
            targetRef: 0,
            action: case_.action,
            side: case_.side,
            businessDay: TODAY,
            state: 0,
            reasonHash: "why"
        });
        made.state = reconciliation.stateOf(PairKeys.key(facility, 1, TOP_UP, 7));
        vm.prank(approverOf(LEAD));
        try reconciliation.proposeResolution(made, "") {}
        catch {
            return false;
        }
        vm.prank(approverOf(memberOf(1)));
        reconciliation.acceptResolution(made);
        return true;
    }

    /// @dev The pair and its reversals' pair, as they lie.
    function _pairs() private view returns (bytes32) {
        uint256 key = PairKeys.key(facility, 1, TOP_UP, 7);
        uint256 reversal = PairKeys.reversalKey(PairKeys.key(facility, 1, REVERSAL, 9), (uint256(TOP_UP) << 248) | 7);
        return keccak256(abi.encode(reconciliation.stateOf(key), reconciliation.stateOf(reversal)));
    }

    /// @dev The pairs, the account, the day's totals.
    function _state() private view returns (bytes32) {
        (bool ok, bytes memory account) = address(ledger).staticcall(abi.encodeCall(ledger.account, (facility, 1)));
        require(ok, "account");
        return keccak256(abi.encode(_pairs(), account, _day(TOP_UP), _day(REVERSAL), _day(CORRECTION)));
    }

    function _day(uint8 kind) private view returns (bytes32) {
        (int80 a, int80 b, int80 c) = ledger.dayTotal(facility, 1, TODAY, kind);
        return keccak256(abi.encode(a, b, c));
    }
}
