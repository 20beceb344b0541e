// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Rules} from "types/FacilityTypes.sol";
import {Action, Resolution} from "types/ResolutionTypes.sol";
import {ConsortiumFixture} from "./ConsortiumFixture.sol";
import {Stream} from "./Stream.sol";
import {vm} from "./Vm.sol";

/// @title A facility of one lead and three partners with a break of each sort, and short ways to resolve them
/// @dev Partner 1's pairs, all but SHARED of kind TOP_UP; tolerance 5, window 2 days.
abstract contract BreaksFixture is ConsortiumFixture {
    uint8 internal constant DRAWDOWN = 1;
    uint8 internal constant PRINCIPAL = 2;
    uint8 internal constant TOP_UP = 6;
    uint8 internal constant REVERSAL = 12;
    uint8 internal constant CORRECTION = 13;

    uint16 internal constant ANNA = 2;
    uint16 internal constant BERT = 3;

    uint8 internal constant ADJUST = uint8(Action.Adjust);
    uint8 internal constant WRITE_OFF = uint8(Action.WriteOff);
    uint8 internal constant FORCE = uint8(Action.Force);
    uint8 internal constant VOID = uint8(Action.Void);
    uint8 internal constant AT_LEAD = 1;
    uint8 internal constant AT_PARTNER = 2;

    /// @dev References of the breaks: amounts 100 and 110; days 3 apart; the lead's alone; the partner's alone; equal.
    uint160 internal constant AMOUNT = 1;
    uint160 internal constant DATE = 2;
    uint160 internal constant LEAD_ALONE = 3;
    uint160 internal constant PARTNER_ALONE = 4;
    uint160 internal constant EQUAL = 5;

    bytes32 internal constant REASON = keccak256("the core system rounded twice");

    uint32 internal facility;

    function makeBreaks() internal {
        found(3);
        facility = activate("F", three(4533, 2467, 999), Rules(0, 5, 2, 1 days, 86_399));
        Stream memory lead = today();
        lead.leg(TOP_UP, 1, TODAY, 100, AMOUNT);
        lead.leg(TOP_UP, 1, TODAY, 200, DATE);
        lead.leg(TOP_UP, 1, TODAY, 300, LEAD_ALONE);
        post(facility, LEAD, lead.leg(TOP_UP, 1, TODAY, 500, EQUAL));
        Stream memory partner;
        partner.group(TODAY - 1);
        partner.leg(TOP_UP, 1, TODAY, 110, AMOUNT);
        partner.leg(TOP_UP, 1, TODAY - 3, 200, DATE);
        partner.leg(TOP_UP, 1, TODAY, 400, PARTNER_ALONE);
        post(facility, ANNA, partner.leg(TOP_UP, 1, TODAY, 500, EQUAL));
    }

    function today() internal pure returns (Stream memory stream) {
        return stream.group(TODAY);
    }

    /// @dev A resolution of partner 1's top-up as it stands.
    function resolution(uint160 ref, uint8 action) internal view returns (Resolution memory) {
        return resolution(TOP_UP, ref, action, action == ADJUST ? AT_LEAD : 0);
    }

    function resolution(uint8 kind, uint160 ref, uint8 action, uint8 side)
        internal
        view
        returns (Resolution memory made)
    {
        made = Resolution({
            facility: facility,
            partner: 1,
            kind: kind,
            ref: ref,
            targetKind: 0,
            targetRef: 0,
            action: action,
            side: side,
            businessDay: TODAY + 1,
            state: 0,
            reasonHash: REASON
        });
        made.state = stateOf(made);
    }

    function stateOf(Resolution memory made) internal view returns (bytes32) {
        return reconciliation.resolutionState(made);
    }

    function propose(uint16 member, Resolution memory made) internal {
        vm.prank(approverOf(member));
        reconciliation.proposeResolution(made, "sealed");
    }

    function accept(uint16 member, Resolution memory made) internal {
        vm.prank(approverOf(member));
        reconciliation.acceptResolution(made);
    }

    /// @dev The lead proposes, partner 1 accepts.
    function resolve(Resolution memory made) internal {
        propose(LEAD, made);
        accept(ANNA, made);
    }

    function assertBooks(int256 lead, int256 partner, int256 agreed) internal view {
        (int72 leadBook, int72 partnerBook, int72 agreed_,,,,,) = ledger.account(facility, 1);
        vm.assertEq(leadBook, lead, "leadBook");
        vm.assertEq(partnerBook, partner, "partnerBook");
        vm.assertEq(agreed_, agreed, "agreed");
    }

    function assertOpen(int256 lead, int256 partner, int256 accepted, uint256 legs) internal view {
        (,,, int72 openLead, int72 openPartner, int72 difference, uint40 openLegs,) = ledger.account(facility, 1);
        vm.assertEq(openLead, lead, "openLead");
        vm.assertEq(openPartner, partner, "openPartner");
        vm.assertEq(difference, accepted, "acceptedDifference");
        vm.assertEq(openLegs, legs, "openLegs");
    }

    function assertDay(uint24 day, uint8 kind, int256 lead, int256 partner, int256 agreed) internal view {
        (int80 lead_, int80 partner_, int80 agreed_) = ledger.dayTotal(facility, 1, day, kind);
        vm.assertEq(lead_, lead, "the lead's movements");
        vm.assertEq(partner_, partner, "the partner's movements");
        vm.assertEq(agreed_, agreed, "the agreed movements");
    }
}
