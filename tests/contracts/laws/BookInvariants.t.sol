// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Kinds} from "libraries/Kinds.sol";
import {IReconciliation} from "interfaces/IReconciliation.sol";
import {Rules} from "types/FacilityTypes.sol";
import {Pair, Status} from "types/LegTypes.sol";
import {Action, ResolutionProposal, Resolution} from "types/ResolutionTypes.sol";
import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {Stream} from "../support/Stream.sol";
import {vm} from "../support/Vm.sol";

/// @title Banks that post what they like, and a book of their legs kept leg by leg, apart from the contracts
/// @dev Few references, amounts and days, so that halves meet, differ, repeat and are reversed all the time.
contract BookHandler is ConsortiumFixture {
    uint8 internal constant PARTNERS = 3;
    uint256 internal constant REFERENCES = 6;
    uint16 private constant FIRST_BPS = 4533;

    struct Identity {
        uint8 partner;
        uint8 kind;
        uint160 ref;
        // of a reversal
        uint8 targetKind;
        uint160 targetRef;
    }

    uint32 public facility;
    Identity[] private _identities;
    mapping(bytes32 identity => bool) private _isKnown;
    /// @dev By its bank; `_isClosed`: or by nobody, and its pair was resolved.
    mapping(bytes32 leg => bool) private _isPosted;
    mapping(bytes32 leg => bool) private _isClosed;
    mapping(uint256 pairKey => Resolution) private _waiting;

    /// @dev Per partner: sums of the effects of accepted legs, and how many there are.
    int256[PARTNERS + 1] public leadBook;
    int256[PARTNERS + 1] public partnerBook;
    uint256 public legs;
    uint256 public rejections;
    uint256 public resolutions;

    constructor() {
        found(PARTNERS);
        facility = activate("F", three(FIRST_BPS, 2467, 999), Rules(0, 3, 1, 1 days, 86_399));
    }

    function identityCount() external view returns (uint256) {
        return _identities.length;
    }

    function identity(uint256 i) external view returns (Identity memory) {
        return _identities[i];
    }

    function ledgerOf(uint8 partner)
        external
        view
        returns (
            int256 lead,
            int256 partnerSide,
            int256 agreed,
            int256 openLead,
            int256 openPartner,
            int256 accepted,
            uint256 open
        )
    {
        (lead, partnerSide, agreed, openLead, openPartner, accepted, open,) = ledger.account(facility, partner);
    }

    function dayTotalOf(uint8 partner, uint24 day, uint8 kind) external view returns (int256, int256, int256) {
        return ledger.dayTotal(facility, partner, day, kind);
    }

    function pairOf(Identity memory id) public view returns (Pair memory) {
        return id.kind == Kinds.REVERSAL
            ? reconciliation.reversalPair(facility, id.partner, id.ref, id.targetKind, id.targetRef)
            : reconciliation.pair(facility, id.partner, id.kind, id.ref);
    }

    /// @dev The lead posts a shared event.
    function leadShared(uint8 kind, uint256 amount, uint256 ref, uint8 daysBack) external {
        kind = kind % 5 + 1;
        amount = amount % 12;
        ref = ref % REFERENCES;
        Stream memory stream = _group(daysBack);
        stream.leg(kind, 0, TODAY - daysBack % 3, amount, ref);
        bool taken = _postOne(LEAD, stream);
        uint16[3] memory bps = [FIRST_BPS, 2467, 999];
        bool known;
        bool free;
        for (uint8 partner = 1; partner <= PARTNERS; ++partner) {
            bytes32 key = _legKey(true, Identity(partner, kind, uint160(ref), 0, 0));
            known = known || _isPosted[key];
            free = free || (amount * bps[partner - 1] / 10_000 != 0 && !_isClosed[key]);
        }
        require(taken == (free && !known), "LEDGER_4: a shared leg counts once");
        for (uint8 partner = 1; taken && partner <= PARTNERS; ++partner) {
            uint256 part = amount * bps[partner - 1] / 10_000;
            Identity memory id = Identity(partner, kind, uint160(ref), 0, 0);
            if (part != 0 && !_isClosed[_legKey(true, id)]) _count(true, id, _effect(kind, part));
        }
    }

    /// @dev Either side posts a half for one partner.
    function half(bool isLead, uint8 partner, uint8 kind, uint256 amount, uint256 ref, uint8 daysBack) external {
        partner = partner % PARTNERS + 1;
        kind = isLead ? kind % 6 + 6 : kind % 11 + 1;
        amount = amount % 8 + 1;
        Identity memory id = Identity(partner, kind, uint160(ref % REFERENCES), 0, 0);
        Stream memory stream = _group(daysBack >> 4);
        stream.leg(kind, partner, TODAY - daysBack % 3, amount, id.ref);
        bool taken = _postOne(isLead ? LEAD : memberOf(partner), stream);
        bytes32 key = _legKey(isLead, id);
        require(taken == !(_isPosted[key] || _isClosed[key]), "LEDGER_4: a leg counts once");
        if (taken) _count(isLead, id, _effect(kind, amount));
    }

    /// @dev Either side reverses one of the known pairs, with the amount that its half holds.
    function reverse(bool isLead, uint256 which, uint256 ref, uint8 daysBack) external {
        if (_identities.length == 0) return;
        Identity memory target = _identities[which % _identities.length];
        Pair memory pair = pairOf(target);
        uint256 amount = isLead ? pair.leadAmount : pair.partnerAmount;
        bool isShared = isLead && target.kind <= 5;
        Stream memory stream = _group(daysBack);
        stream.leg(Kinds.REVERSAL, isShared ? 0 : target.partner, TODAY, amount == 0 ? 1 : amount, ref % 3);
        stream.target(target.kind, target.ref);
        bool expected = _isAnyReversible(isLead, isShared, target, uint160(ref % 3));
        bool taken = _postOne(isLead ? LEAD : memberOf(target.partner), stream);
        require(taken == expected, "a reversal needs an unreversed half");
        for (uint8 partner = 1; taken && partner <= PARTNERS; ++partner) {
            if (isShared || partner == target.partner) _countReversal(isLead, partner, uint160(ref % 3), target);
        }
    }

    /// @dev A batch that was posted is sent again: nothing may change.
    function replay(bool isLead, uint8 partner, uint8 kind, uint256 amount, uint256 ref) external {
        uint16 member = isLead ? LEAD : memberOf(partner % PARTNERS + 1);
        (uint64 sequence,) = reconciliation.head(facility, member);
        if (sequence == 0) return;
        Stream memory stream = _group(0);
        stream.leg(kind % 11 + 1, partner % PARTNERS + 1, TODAY, amount % 8 + 1, ref % REFERENCES);
        vm.expectRevert(
            abi.encodeWithSelector(
                IReconciliation.PostingWrongSequence.selector, facility, member, sequence + 1, sequence
            )
        );
        vm.prank(operatorOf(member));
        reconciliation.post(facility, sequence, stream.words, "");
    }

    /// @dev The two banks work on a pair: one proposes if nothing waits, then the proposal is left, disputed, withdrawn or
    ///      accepted.
    function resolve(uint256 which, uint8 action, bool isLead, uint8 how, uint8 daysBack) external {
        if (_identities.length == 0) return;
        Identity memory id = _identities[which % _identities.length];
        Resolution memory made = _resolution(id, action % 4 + 1, isLead, daysBack);
        uint256 key = reconciliation.pairKey(made);
        ResolutionProposal memory proposal = reconciliation.resolutionOf(key);
        if (proposal.resolutionHash != 0 && proposal.state == made.state) made = _waiting[key];
        else if (!_propose(made, pairOf(id), isLead)) return;

        uint16 proposer = reconciliation.resolutionOf(key).proposer;
        uint16 other = proposer == LEAD ? memberOf(id.partner) : LEAD;
        if (how % 6 == 0) return;
        if (how % 6 == 1) {
            vm.prank(approverOf(other));
            reconciliation.disputeResolution(made, "why", "");
        } else if (how % 6 == 2) {
            vm.prank(approverOf(proposer));
            reconciliation.withdrawResolution(made);
        } else {
            Pair memory before = pairOf(id);
            vm.prank(approverOf(other));
            reconciliation.acceptResolution(made);
            _countResolution(id, before, made);
        }
    }

    function _resolution(Identity memory id, uint8 action, bool isLead, uint8 daysBack)
        private
        view
        returns (Resolution memory made)
    {
        made = Resolution({
            facility: facility,
            partner: id.partner,
            kind: id.kind,
            ref: id.ref,
            targetKind: id.targetKind,
            targetRef: id.targetRef,
            action: action,
            side: action != uint8(Action.Adjust) ? 0 : isLead ? 1 : 2,
            businessDay: TODAY - daysBack % 2,
            state: 0,
            reasonHash: "why"
        });
        made.state = reconciliation.resolutionState(made);
    }

    /// @return proposed whether the proposal was taken, which is as the rules say
    function _propose(Resolution memory made, Pair memory pair, bool isLead) private returns (bool proposed) {
        vm.prank(approverOf(isLead ? LEAD : memberOf(made.partner)));
        try reconciliation.proposeResolution(made, "") {
            proposed = true;
            _waiting[reconciliation.pairKey(made)] = made;
        } catch {}
        require(proposed == _isAllowed(made, pair), "a resolution is of a break, and one that it can have");
    }

    function _isAllowed(Resolution memory made, Pair memory pair) private view returns (bool) {
        if (pair.action != Action.None || pair.status == Status.Matched || pair.status == Status.WithinTolerance) {
            return false;
        }
        bool isPair = pair.leadAmount != 0 && pair.partnerAmount != 0;
        if (made.action == uint8(Action.Adjust)) {
            bool isReversed = made.side == 1 ? pair.leadReversed : pair.partnerReversed;
            return isPair && pair.leadAmount != pair.partnerAmount && !isReversed;
        }
        if (made.action == uint8(Action.Force)) return isPair;
        if (made.action == uint8(Action.Void)) return !pair.leadReversed && !pair.partnerReversed;
        if (made.kind != Kinds.REVERSAL) return true;
        // the half that a write-off makes reverses the target at its side
        Pair memory target = reconciliation.pair(facility, made.partner, made.targetKind, made.targetRef);
        return !(pair.leadAmount == 0 && target.leadReversed) && !(pair.partnerAmount == 0 && target.partnerReversed);
    }

    /// @dev What DESIGN says that a resolution moves, in the books kept here.
    function _countResolution(Identity memory id, Pair memory pair, Resolution memory made) private {
        int256 lead = _effectOf(id, pair.leadAmount);
        int256 partner = _effectOf(id, pair.partnerAmount);
        if (made.action == uint8(Action.Void)) {
            leadBook[id.partner] -= lead;
            partnerBook[id.partner] -= partner;
        } else if (made.action == uint8(Action.Adjust)) {
            if (made.side == 1) leadBook[id.partner] += partner - lead;
            else partnerBook[id.partner] += lead - partner;
        } else if (lead == 0) {
            leadBook[id.partner] += partner;
        } else if (partner == 0) {
            partnerBook[id.partner] += lead;
        }
        // no half is taken any more
        _isClosed[_legKey(true, id)] = true;
        _isClosed[_legKey(false, id)] = true;
        ++resolutions;
    }

    function _effectOf(Identity memory id, uint256 amount) private pure returns (int256) {
        return id.kind == Kinds.REVERSAL ? -_effect(id.targetKind, amount) : _effect(id.kind, amount);
    }

    function _group(uint8 daysBack) private pure returns (Stream memory stream) {
        return stream.group(TODAY - daysBack % 2);
    }

    /// @return taken whether the one leg of the stream was not rejected
    function _postOne(uint16 member, Stream memory stream) private returns (bool taken) {
        vm.recordLogs();
        post(facility, member, stream);
        taken = vm.getRecordedLogs()[0].topics[0] != IReconciliation.LegRejected.selector;
        if (!taken) ++rejections;
    }

    function _count(bool isLead, Identity memory id, int256 effect) private {
        _isPosted[_legKey(isLead, id)] = true;
        bytes32 key = keccak256(abi.encode(id));
        if (!_isKnown[key]) {
            _isKnown[key] = true;
            _identities.push(id);
        }
        ++legs;
        if (isLead) leadBook[id.partner] += effect;
        else partnerBook[id.partner] += effect;
    }

    /// @dev Whether a reversal finds a half that it can reverse, and is not there already.
    function _isAnyReversible(bool isLead, bool isShared, Identity memory target, uint160 ref)
        private
        view
        returns (bool isPossible)
    {
        for (uint8 partner = 1; partner <= PARTNERS; ++partner) {
            if (!isShared && partner != target.partner) continue;
            Identity memory one = Identity(partner, target.kind, target.ref, target.targetKind, target.targetRef);
            if (_isPosted[_legKey(isLead, _reversalOf(partner, ref, one))]) return false;
            isPossible = isPossible || _isReversible(isLead, one, pairOf(one), ref);
        }
    }

    function _isReversible(bool isLead, Identity memory target, Pair memory pair, uint160 ref)
        private
        view
        returns (bool)
    {
        if (target.kind == Kinds.REVERSAL || pair.action == Action.Void) return false;
        if (isLead ? pair.leadReversed : pair.partnerReversed) return false;
        if ((isLead ? pair.leadAmount : pair.partnerAmount) == 0) return false;
        bytes32 own = _legKey(isLead, _reversalOf(target.partner, ref, target));
        return !_isPosted[own] && !_isClosed[own];
    }

    function _countReversal(bool isLead, uint8 partner, uint160 ref, Identity memory target) private {
        Identity memory own = _reversalOf(partner, ref, target);
        Pair memory made = pairOf(own);
        uint256 part = isLead ? made.leadAmount : made.partnerAmount;
        Identity memory reversed = Identity(partner, target.kind, target.ref, 0, 0);
        // a part that was resolved before may not be this reversal's
        if (part == 0 || _isPosted[_legKey(isLead, own)] || _isClosed[_legKey(isLead, own)]) return;
        require(part == _netAmount(isLead, pairOf(reversed)), "a reversal undoes corrections with the leg");
        _count(isLead, own, -_effect(target.kind, part));
    }

    function _reversalOf(uint8 partner, uint160 ref, Identity memory target) private pure returns (Identity memory) {
        return Identity(partner, uint8(Kinds.REVERSAL), ref, target.kind, target.ref);
    }

    /// @dev What a half comes to with its correction.
    function _netAmount(bool isLead, Pair memory pair) private pure returns (uint256) {
        if (pair.action == Action.Adjust) return pair.resolvedAtPartner ? pair.leadAmount : pair.partnerAmount;
        return isLead ? pair.leadAmount : pair.partnerAmount;
    }

    function _legKey(bool isLead, Identity memory id) private pure returns (bytes32) {
        return keccak256(abi.encode(isLead, id));
    }

    function _effect(uint8 kind, uint256 amount) private pure returns (int256) {
        return kind == 1 || kind >= 9 ? -int256(amount) : int256(amount);
    }
}

/// @title The laws that hold after every transaction
contract BookInvariantsTest is ConsortiumFixture {
    BookHandler private handler;

    /// @dev What a pair's halves are open for, agreed on and explained by, summed pair by pair outside of the contracts.
    struct Summed {
        int256 lead;
        int256 partner;
        int256 agreed;
        int256 openLead;
        int256 openPartner;
        int256 accepted;
        uint256 open;
    }

    function setUp() external {
        handler = new BookHandler();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0].addr = address(handler);
        list[0].selectors = new bytes4[](5);
        list[0].selectors[0] = BookHandler.leadShared.selector;
        list[0].selectors[1] = BookHandler.half.selector;
        list[0].selectors[2] = BookHandler.reverse.selector;
        list[0].selectors[3] = BookHandler.replay.selector;
        list[0].selectors[4] = BookHandler.resolve.selector;
    }

    /// @dev After every posting.
    function invariant_the_books() external view {
        _LEDGER_1_books_are_explained();
        _LEDGER_4_a_leg_counts_once();
    }

    /// @dev After every run, as they read each pair and each day.
    function afterInvariant() external view {
        _LEDGER_2_the_proof_amount_is_zero_leg_by_leg();
        _day_totals_add_up_to_the_books();
    }

    function _LEDGER_1_books_are_explained() private view {
        for (uint8 partner = 1; partner <= 3; ++partner) {
            (int256 lead, int256 partnerSide, int256 agreed, int256 openLead, int256 openPartner, int256 accepted,) =
                handler.ledgerOf(partner);
            vm.assertEq(lead, agreed + openLead, "leadBook = agreed + open lead legs");
            vm.assertEq(partnerSide, agreed + openPartner + accepted, "partnerBook likewise, and what was accepted");
        }
    }

    /// @dev Also RECON_2: every leg that was taken is found in a pair, and in exactly one of its states.
    function _LEDGER_2_the_proof_amount_is_zero_leg_by_leg() private view {
        Summed[4] memory sums = _sum();
        for (uint8 partner = 1; partner <= 3; ++partner) {
            Summed memory sum = sums[partner];
            (
                int256 lead,
                int256 partnerSide,
                int256 agreed,
                int256 openLead,
                int256 openPartner,
                int256 accepted,
                uint256 open
            ) = handler.ledgerOf(partner);
            vm.assertEq(partnerSide - lead - (sum.openPartner - sum.openLead) - sum.accepted, 0, "the proof amount");
            vm.assertEq(lead, sum.lead, "leadBook, from the pairs");
            vm.assertEq(partnerSide, sum.partner, "partnerBook, from the pairs");
            vm.assertEq(agreed, sum.agreed, "agreed, from the pairs");
            vm.assertEq(openLead, sum.openLead, "open lead legs, from the pairs");
            vm.assertEq(openPartner, sum.openPartner, "open partner legs, from the pairs");
            vm.assertEq(accepted, sum.accepted, "accepted differences, from the pairs");
            vm.assertEq(open, sum.open, "how many are open, from the pairs");
        }
    }

    function _LEDGER_4_a_leg_counts_once() private view {
        for (uint8 partner = 1; partner <= 3; ++partner) {
            (int256 lead, int256 partnerSide,,,,,) = handler.ledgerOf(partner);
            vm.assertEq(lead, handler.leadBook(partner), "leadBook, from the legs as taken");
            vm.assertEq(partnerSide, handler.partnerBook(partner), "partnerBook, from the legs as taken");
        }
    }

    function _day_totals_add_up_to_the_books() private view {
        for (uint8 partner = 1; partner <= 3; ++partner) {
            int256 lead;
            int256 partnerSide;
            int256 agreed;
            for (uint24 day = TODAY - 2; day <= TODAY; ++day) {
                for (uint8 kind = 1; kind <= 13; ++kind) {
                    (int256 a, int256 b, int256 c) = handler.dayTotalOf(partner, day, kind);
                    lead += a;
                    partnerSide += b;
                    agreed += c;
                }
            }
            (int256 leadBook, int256 partnerBook, int256 agreedBook,,,,) = handler.ledgerOf(partner);
            vm.assertTrue(lead == leadBook && partnerSide == partnerBook && agreed == agreedBook, "day totals");
        }
    }

    function _sum() private view returns (Summed[4] memory sums) {
        uint256 count = handler.identityCount();
        for (uint256 i; i < count; ++i) {
            BookHandler.Identity memory id = handler.identity(i);
            Pair memory pair = handler.pairOf(id);
            Summed memory sum = sums[id.partner];
            int256 sign = id.kind == Kinds.REVERSAL ? -_sign(id.targetKind) : _sign(id.kind);
            int256 lead = sign * int256(uint256(pair.leadAmount));
            int256 partner = sign * int256(uint256(pair.partnerAmount));
            // an adjustment's correction makes one half the other
            if (pair.action == Action.Adjust && pair.resolvedAtPartner) partner = lead;
            else if (pair.action == Action.Adjust) lead = partner;
            // and what was voided has moved nothing in the end
            if (pair.action == Action.Void) continue;
            sum.lead += lead;
            sum.partner += partner;
            bool isSettled = pair.status == Status.Matched || pair.status == Status.WithinTolerance;
            _LEDGER_4_nothing_is_reversed_twice(i, id, pair);
            if (isSettled || pair.action != Action.None) {
                sum.agreed += lead;
                sum.accepted += partner - lead;
            } else {
                sum.openLead += lead;
                sum.openPartner += partner;
                sum.open += (pair.leadAmount == 0 ? 0 : 1) + (pair.partnerAmount == 0 ? 0 : 1);
            }
        }
    }

    /// @dev Of two reversals of one event that stand, not both hold a half of the same side.
    function _LEDGER_4_nothing_is_reversed_twice(uint256 i, BookHandler.Identity memory id, Pair memory pair)
        private
        view
    {
        if (id.kind != Kinds.REVERSAL) return;
        for (uint256 j; j < i; ++j) {
            BookHandler.Identity memory other = handler.identity(j);
            if (other.kind != Kinds.REVERSAL || other.partner != id.partner) continue;
            if (other.targetKind != id.targetKind || other.targetRef != id.targetRef) continue;
            Pair memory second = handler.pairOf(other);
            if (second.action == Action.Void) continue;
            vm.assertTrue(pair.leadAmount == 0 || second.leadAmount == 0, "LEDGER_4: the lead's half reversed twice");
            vm.assertTrue(pair.partnerAmount == 0 || second.partnerAmount == 0, "LEDGER_4: the partner's likewise");
        }
    }

    function _sign(uint8 kind) private pure returns (int256) {
        return kind == 1 || kind >= 9 ? -1 : int256(1);
    }
}
