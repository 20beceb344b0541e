// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IResolutions} from "./interfaces/IResolutions.sol";
import {Effect, Effects} from "./libraries/Effects.sol";
import {Half} from "./libraries/Halves.sol";
import {Kinds} from "./libraries/Kinds.sol";
import {Limits} from "./libraries/Limits.sol";
import {DayMovement, Movements} from "./libraries/Movements.sol";
import {OpenChange, OpenChanges} from "./libraries/OpenChanges.sol";
import {Outcome, Outcomes} from "./libraries/Outcomes.sol";
import {PairKeys} from "./libraries/PairKeys.sol";
import {PairSlot, PairSlots} from "./libraries/PairSlots.sol";
import {PairRecord, ReconciliationStorage} from "./storage/ReconciliationStorage.sol";
import {KeyPurpose} from "./types/ConsortiumTypes.sol";
import {Action, ResolutionProposal, Resolution} from "./types/ResolutionTypes.sol";

/// @title Breaks, resolved by the two banks whose halves they are
/// @dev Meaning, units and errors: IResolutions. A part of Reconciliation, whose pairs it closes.
abstract contract Resolutions is ReconciliationStorage, IResolutions {
    /// @dev A side as a resolution names it.
    uint8 private constant _LEAD_SIDE = 1;
    uint8 private constant _PARTNER_SIDE = 2;

    /// @inheritdoc IResolutions
    function proposeResolution(Resolution memory resolution, bytes calldata sealedReason) external {
        uint16 member = _party(resolution);
        if (resolution.reasonHash == 0) revert ResolutionReasonMissing();
        _requireReasonLength(sealedReason);
        uint256 key = _key(resolution);
        ResolutionProposal storage proposal = _proposals[key];
        bytes32 state = _stateOf(resolution, key);
        if (proposal.resolutionHash != 0 && proposal.state == state) revert ResolutionPending(key, proposal.proposer);
        if (resolution.state != state) revert ResolutionStateChanged(key, resolution.state, state);
        _requireAllowed(resolution, key, _pairAt(key).slot);

        _proposals[key] = ResolutionProposal({
            resolutionHash: _hash(resolution), state: state, proposer: member, proposedAt: uint40(block.timestamp)
        });
        emit ResolutionProposed(resolution.facility, resolution.partner, key, resolution, member, sealedReason);
    }

    /// @inheritdoc IResolutions
    function acceptResolution(Resolution memory resolution) external {
        (uint256 key, uint16 proposer) = _proposed(resolution);
        uint16 member = _otherParty(resolution, proposer);
        if (!_consortium.isActiveBank(proposer)) revert ResolutionProposerNotActive(key, proposer);
        bytes32 state = _stateOf(resolution, key);
        if (resolution.state != state) revert ResolutionStateChanged(key, resolution.state, state);

        PairSlot slot = _pairAt(key).slot;
        Outcome memory made = Outcomes.resolve(
            slot,
            resolution.kind,
            resolution.kind == Kinds.REVERSAL ? resolution.targetKind : resolution.kind,
            Action(resolution.action),
            resolution.side == _PARTNER_SIDE,
            resolution.businessDay
        );

        delete _proposals[key];
        _pairAt(key).slot = made.slot;
        if (resolution.kind == Kinds.REVERSAL) _markTarget(resolution, slot);
        _record(resolution, made);
        _ledger.numberAct(resolution.facility);
        emit ResolutionAccepted(
            resolution.facility,
            resolution.partner,
            key,
            member,
            resolution.action,
            int72(Effect.unwrap(made.leadMoved)),
            int72(Effect.unwrap(made.partnerMoved)),
            int72(Effect.unwrap(made.agreed)),
            int72(Effect.unwrap(made.accepted))
        );
        if (slot.has(PairSlots.HELD) && Action(resolution.action) != Action.Void) {
            _ledger.settleHold(resolution.facility, resolution.partner, resolution.ref);
        }
    }

    /// @inheritdoc IResolutions
    function disputeResolution(Resolution memory resolution, bytes32 reasonHash, bytes calldata sealedReason) external {
        (uint256 key, uint16 proposer) = _proposed(resolution);
        uint16 member = _otherParty(resolution, proposer);
        if (reasonHash == 0) revert ResolutionReasonMissing();
        _requireReasonLength(sealedReason);

        delete _proposals[key];
        emit ResolutionDisputed(resolution.facility, resolution.partner, key, member, reasonHash, sealedReason);
    }

    /// @inheritdoc IResolutions
    function withdrawResolution(Resolution memory resolution) external {
        (uint256 key, uint16 proposer) = _proposed(resolution);
        uint16 member = _party(resolution);
        if (member != proposer) revert ResolutionNotYours(key, proposer, member);

        delete _proposals[key];
        emit ResolutionWithdrawn(resolution.facility, resolution.partner, key, member);
    }

    /// @inheritdoc IResolutions
    function resolutionOf(uint256 key) external view returns (ResolutionProposal memory) {
        return _proposals[key];
    }

    /// @inheritdoc IResolutions
    function stateOf(uint256 key) public view returns (bytes32) {
        return bytes32(PairSlot.unwrap(_pairAt(key).slot));
    }

    /// @inheritdoc IResolutions
    function resolutionState(Resolution memory resolution) external view returns (bytes32) {
        return _stateOf(resolution, _key(resolution));
    }

    /// @inheritdoc IResolutions
    function pairKey(Resolution memory resolution) external pure returns (uint256) {
        return _key(resolution);
    }

    /// @inheritdoc IResolutions
    function openLegsAt(uint32 facility, uint8 partner, uint256[] calldata keys) external view returns (uint256 legs) {
        uint256 account = (uint256(facility) << 8) | partner;
        uint256 last;
        for (uint256 i; i < keys.length; ++i) {
            uint256 key = keys[i];
            if (key <= last) revert PairsNotAscending(i);
            if (PairKeys.accountOf(key) != account) revert PairOfOtherAccount(i, key);
            last = key;
            legs += _pairAt(key).slot.openLegs();
        }
    }

    /// @dev A reversal that is voided has reversed nothing; one whose absent half is posted has reversed that side too.
    /// @param slot the reversal's pair as it was
    function _markTarget(Resolution memory resolution, PairSlot slot) private {
        PairRecord storage target = _target(resolution);
        uint256 posted = (slot.leadHalf().isAbsent() ? 0 : PairSlots.LEAD_REVERSED)
            | (slot.partnerHalf().isAbsent() ? 0 : PairSlots.PARTNER_REVERSED);
        if (Action(resolution.action) == Action.Void) target.slot = target.slot.withoutFlag(posted);
        else target.slot = target.slot.withFlag(PairSlots.LEAD_REVERSED | PairSlots.PARTNER_REVERSED);
    }

    /// @dev One call to the ledger for each book that moves; it checks LEDGER_1 after each.
    function _record(Resolution memory resolution, Outcome memory made) private {
        if (made.leadMoved != Effects.NONE && made.partnerMoved != Effects.NONE) {
            _recordSide(resolution, made, true, made.leadSettled);
            _recordSide(resolution, made, false, made.partnerSettled);
        } else {
            OpenChange open = made.leadSettled + made.partnerSettled + OpenChanges.accepted(made.accepted);
            _recordSide(resolution, made, made.partnerMoved == Effects.NONE, open);
        }
    }

    /// @dev The agreed amount falls on the business day of the lead's half, under the pair's own kind.
    function _recordSide(Resolution memory resolution, Outcome memory made, bool isLead, OpenChange open) private {
        uint256 partner = resolution.partner;
        Effect moved = isLead ? made.leadMoved : made.partnerMoved;
        bool isMoved = moved != Effects.NONE;
        bool isAgreed = made.agreed != Effects.NONE;
        DayMovement[] memory movements = new DayMovement[]((isMoved ? 1 : 0) + (isAgreed ? 1 : 0));
        if (isMoved) {
            movements[0] = Movements.single(partner, resolution.businessDay, made.movedKind, moved, Effects.NONE);
        }
        if (isAgreed) {
            movements[movements.length - 1] =
                Movements.single(partner, made.slot.leadBusinessDay(), resolution.kind, Effects.NONE, made.agreed);
        }
        OpenChange[] memory changes = new OpenChange[](partner + 1);
        changes[partner] = open;
        _ledger.record(resolution.facility, isLead, movements, changes);
    }

    /// @dev What forbids a resolution of a pair as it stands.
    function _requireAllowed(Resolution memory resolution, uint256 key, PairSlot slot) private view {
        if (slot.openLegs() == 0) revert ResolutionNotABreak(key);
        uint256 lastDay = block.timestamp / 1 days + Limits.EPOCH_ORDINAL + 1;
        if (resolution.businessDay == 0 || resolution.businessDay > lastDay) {
            revert ResolutionBadDay(resolution.businessDay, lastDay);
        }
        if (resolution.action == 0 || resolution.action > uint8(type(Action).max)) {
            revert ResolutionUnknownAction(resolution.action);
        }
        Action action = Action(resolution.action);
        bool isSideNamed = resolution.side == _LEAD_SIDE || resolution.side == _PARTNER_SIDE;
        if (action == Action.Adjust ? !isSideNamed : resolution.side != 0) revert ResolutionBadSide(resolution.side);

        Half lead = slot.leadHalf();
        Half partner = slot.partnerHalf();
        bool isForPairs = action == Action.Adjust || action == Action.Force;
        if (isForPairs && (lead.isAbsent() || partner.isAbsent())) {
            revert ResolutionNeedsBothHalves(key, resolution.action);
        }
        if (action == Action.Adjust && lead.amount() == partner.amount()) {
            revert ResolutionNothingToAdjust(key);
        }
        uint256 undone;
        if (action == Action.Void) undone = PairSlots.LEAD_REVERSED | PairSlots.PARTNER_REVERSED;
        if (action == Action.Adjust) {
            undone = resolution.side == _LEAD_SIDE ? PairSlots.LEAD_REVERSED : PairSlots.PARTNER_REVERSED;
        }
        if (slot.has(undone)) revert ResolutionHalfReversed(key);
        if (action == Action.WriteOff && resolution.kind == Kinds.REVERSAL) {
            // the half that is made reverses its side of the target too
            uint256 made =
                (lead.isAbsent() ? PairSlots.LEAD_REVERSED : 0) | (partner.isAbsent() ? PairSlots.PARTNER_REVERSED : 0);
            if (_target(resolution).slot.has(made)) revert ResolutionHalfReversed(key);
        }
    }

    /// @dev What a resolution names as `state`.
    function _stateOf(Resolution memory resolution, uint256 key) private view returns (bytes32) {
        bytes32 state = stateOf(key);
        if (resolution.kind != Kinds.REVERSAL || state == 0) return state;
        return keccak256(abi.encode(state, _target(resolution).slot));
    }

    /// @dev The pair that a reversal's pair reverses.
    function _target(Resolution memory resolution) private pure returns (PairRecord storage) {
        return
            _pairAt(PairKeys.key(resolution.facility, resolution.partner, resolution.targetKind, resolution.targetRef));
    }

    /// @dev The pair of a proposal that waits, and who proposed it.
    function _proposed(Resolution memory resolution) private view returns (uint256 key, uint16 proposer) {
        key = _key(resolution);
        ResolutionProposal storage proposal = _proposals[key];
        bytes32 hash = _hash(resolution);
        if (proposal.resolutionHash == 0) revert ResolutionNotProposed(key);
        if (proposal.resolutionHash != hash) revert ResolutionOther(key, proposal.resolutionHash, hash);
        proposer = proposal.proposer;
    }

    /// @dev The sender's bank, which must be one of the pair's two and not the one that proposed.
    function _otherParty(Resolution memory resolution, uint16 proposer) private view returns (uint16 member) {
        member = _party(resolution);
        if (member == proposer) revert ResolutionOwn(_key(resolution), member);
    }

    /// @dev The bank whose approver the sender is: the facility's lead, or the partner whose pair it is.
    function _party(Resolution memory resolution) private view returns (uint16 member) {
        member = _consortium.activeMember(msg.sender, KeyPurpose.Approver);
        uint32 facility = resolution.facility;
        bool isParty = member == _facilities.leadOf(facility)
            || member == _facilities.memberOfPartner(facility, resolution.partner);
        if (!isParty) revert ResolutionNotAParty(facility, resolution.partner, member);
    }

    function _requireReasonLength(bytes calldata sealedReason) private pure {
        if (sealedReason.length > Limits.MAX_SEALED_REASON) {
            revert ResolutionReasonTooLong(sealedReason.length, Limits.MAX_SEALED_REASON);
        }
    }

    function _key(Resolution memory resolution) private pure returns (uint256 key) {
        key = PairKeys.key(resolution.facility, resolution.partner, resolution.kind, resolution.ref);
        uint256 target = (uint256(resolution.targetKind) << 248) | resolution.targetRef;
        if (resolution.kind == Kinds.REVERSAL) return PairKeys.reversalKey(key, target);
        if (target != 0) revert ResolutionTargetNotAllowed(resolution.kind);
    }

    /// @dev keccak256(abi.encode(resolution)): in memory its fields lie as they are encoded.
    function _hash(Resolution memory resolution) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(resolution, 0x160)
        }
    }
}
