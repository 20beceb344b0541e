// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Disclosures} from "./Disclosures.sol";
import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IDayClose} from "./interfaces/IDayClose.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "./interfaces/IReconciliation.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {Limits} from "./libraries/Limits.sol";
import {KeyPurpose} from "./types/ConsortiumTypes.sol";
import {Closing, DayProposal, ReopenProposal, Statement} from "./types/DayCloseTypes.sol";

/// @title The day's statement of each reserve account, signed by both its banks
/// @dev Meaning, units and errors: IDayClose.
contract DayClose is Disclosures, Governed, IDayClose {
    /// @dev So many names, the statement and the rest of a transaction fit into 128 KiB.
    uint256 private constant _MAX_NAMES = 3_500;

    /// @dev A reason of 2,000 characters, sealed for a hundred readers.
    uint256 private constant _MAX_SEALED_REASON = 16_384;

    /// @inheritdoc IDayClose
    function initialize(address consortium, address facilities, address ledger, address reconciliation)
        external
        initializer
    {
        _requireAddress(consortium);
        _requireAddress(facilities);
        _requireAddress(ledger);
        _requireAddress(reconciliation);
        _consortium = IConsortiumRegistry(consortium);
        _facilities = IFacilityRegistry(facilities);
        _ledger = IReserveLedger(ledger);
        _reconciliation = IReconciliation(reconciliation);
    }

    /// @inheritdoc IDayClose
    function propose(Statement calldata statement, uint256[] calldata carriedForward) external {
        (uint32 facility, uint8 partner, uint24 day) = (statement.facility, statement.partner, statement.day);
        uint16 member = _party(facility, partner);
        uint24 before = _requireOpenDay(facility, partner, day);
        DayProposal storage proposal = _proposals[_accountKey(facility, partner)];
        // one that the last closing has overtaken waits for nobody
        if (proposal.member != 0 && proposal.member != member && proposal.closing.before == before) {
            revert DayCloseProposalWaits(facility, partner, proposal.day, proposal.member);
        }
        _checkBalances(statement, before);
        _checkOpenItems(statement, carriedForward);

        bytes32 statementHash = keccak256(abi.encode(statement, carriedForward));
        _proposals[_accountKey(facility, partner)] = DayProposal({
            member: member,
            movementLead: statement.movementLead,
            movementPartner: statement.movementPartner,
            movementAgreed: statement.movementAgreed,
            closing: Closing({
                isClosed: true,
                before: before,
                lead: statement.closingLead,
                partner: statement.closingPartner,
                agreed: statement.closingAgreed
            }),
            day: day,
            blockNumber: uint64(block.number),
            statementHash: statementHash
        });

        emit DayProposed(facility, partner, day, member, statement, carriedForward, statementHash);
    }

    /// @inheritdoc IDayClose
    function confirm(uint32 facility, uint8 partner, uint24 day, bytes32 statementHash) external {
        (uint16 member, DayProposal memory proposal) = _answered(facility, partner, day, statementHash);
        if (!_consortium.isActiveBank(proposal.member)) revert DayCloseProposerNotActive(proposal.member);
        if (!_isUnchanged(facility, partner, proposal)) revert DayCloseChanged(facility, partner, day);

        delete _proposals[_accountKey(facility, partner)];
        _closings[_dayKey(facility, partner, day)] = proposal.closing;
        _ledger.closeThrough(facility, partner, day);

        emit DayClosed(facility, partner, day, member, statementHash);
    }

    /// @inheritdoc IDayClose
    function dispute(uint32 facility, uint8 partner, uint24 day, bytes32 statementHash, bytes32 reasonHash) external {
        (uint16 member,) = _answered(facility, partner, day, statementHash);

        delete _proposals[_accountKey(facility, partner)];

        emit DayDisputed(facility, partner, day, member, statementHash, reasonHash);
    }

    /// @inheritdoc IDayClose
    function withdraw(uint32 facility, uint8 partner, uint24 day) external {
        uint16 member = _party(facility, partner);
        DayProposal memory proposal = _proposals[_accountKey(facility, partner)];
        if (proposal.member == 0 || proposal.day != day) {
            revert DayCloseNotProposed(facility, partner, proposal.day, proposal.statementHash);
        }
        if (proposal.member != member) revert DayCloseNotYours(facility, partner, proposal.member, member);

        delete _proposals[_accountKey(facility, partner)];

        emit DayWithdrawn(facility, partner, day, member, proposal.statementHash);
    }

    /// @inheritdoc IDayClose
    function proposeReopen(uint32 facility, uint8 partner, uint24 day, bytes32 reasonHash) external {
        uint16 member = _party(facility, partner);
        _requireLastClosed(facility, partner, day);

        _reopenProposals[_accountKey(facility, partner)] =
            ReopenProposal({member: member, day: day, reasonHash: reasonHash});

        emit ReopenProposed(facility, partner, day, member, reasonHash);
    }

    /// @inheritdoc IDayClose
    function confirmReopen(uint32 facility, uint8 partner, uint24 day, bytes32 reasonHash) external {
        uint16 member = _party(facility, partner);
        ReopenProposal memory proposal = _waitingReopen(facility, partner, day);
        if (proposal.reasonHash != reasonHash) {
            revert DayCloseReopenNotProposed(facility, partner, proposal.day, proposal.reasonHash);
        }
        if (proposal.member == member) revert DayCloseOwnProposal(facility, partner, member);
        if (!_consortium.isActiveBank(proposal.member)) revert DayCloseProposerNotActive(proposal.member);
        _requireLastClosed(facility, partner, day);
        uint24 before = _closings[_dayKey(facility, partner, day)].before;

        delete _reopenProposals[_accountKey(facility, partner)];
        delete _closings[_dayKey(facility, partner, day)];
        _ledger.closeThrough(facility, partner, before);

        emit DayReopened(facility, partner, day, member, before, reasonHash);
    }

    /// @inheritdoc IDayClose
    function withdrawReopen(uint32 facility, uint8 partner, uint24 day) external {
        uint16 member = _party(facility, partner);
        ReopenProposal memory proposal = _waitingReopen(facility, partner, day);
        if (proposal.member != member) revert DayCloseNotYours(facility, partner, proposal.member, member);

        delete _reopenProposals[_accountKey(facility, partner)];

        emit ReopenWithdrawn(facility, partner, day, member);
    }

    /// @inheritdoc IDayClose
    function giveReason(bytes32 reasonHash, bytes calldata sealedReason) external {
        uint16 member = _consortium.activeMember(msg.sender, KeyPurpose.Approver);
        if (sealedReason.length > _MAX_SEALED_REASON) {
            revert DayCloseReasonTooLong(sealedReason.length, _MAX_SEALED_REASON);
        }

        emit ReasonGiven(member, reasonHash, sealedReason);
    }

    /// @inheritdoc IDayClose
    function closing(uint32 facility, uint8 partner, uint24 day) external view returns (Closing memory) {
        return _closings[_dayKey(facility, partner, day)];
    }

    /// @inheritdoc IDayClose
    function lastClosed(uint32 facility, uint8 partner) external view returns (uint24) {
        return _closedThrough(facility, partner);
    }

    /// @inheritdoc IDayClose
    function proposalOf(uint32 facility, uint8 partner) external view returns (DayProposal memory) {
        return _proposals[_accountKey(facility, partner)];
    }

    /// @inheritdoc IDayClose
    function reopenProposalOf(uint32 facility, uint8 partner) external view returns (ReopenProposal memory) {
        return _reopenProposals[_accountKey(facility, partner)];
    }

    /// @dev The member whose approver calls, who must be one of the account's two banks.
    function _party(uint32 facility, uint8 partner) private view returns (uint16 member) {
        member = _consortium.activeMember(msg.sender, KeyPurpose.Approver);
        (bool isOpen,) = _ledger.threshold(facility, partner);
        if (!isOpen) revert DayCloseNoAccount(facility, partner);
        if (member != _facilities.leadOf(facility) && member != _facilities.memberOfPartner(facility, partner)) {
            revert DayCloseNotAParty(facility, partner, member);
        }
    }

    /// @dev The proposal that waits, answered by the other bank.
    function _answered(uint32 facility, uint8 partner, uint24 day, bytes32 statementHash)
        private
        view
        returns (uint16 member, DayProposal memory proposal)
    {
        member = _party(facility, partner);
        proposal = _proposals[_accountKey(facility, partner)];
        if (proposal.member == 0 || proposal.day != day || proposal.statementHash != statementHash) {
            revert DayCloseNotProposed(facility, partner, proposal.day, proposal.statementHash);
        }
        if (proposal.member == member) revert DayCloseOwnProposal(facility, partner, member);
    }

    function _waitingReopen(uint32 facility, uint8 partner, uint24 day)
        private
        view
        returns (ReopenProposal memory proposal)
    {
        proposal = _reopenProposals[_accountKey(facility, partner)];
        if (proposal.member == 0 || proposal.day != day) {
            revert DayCloseReopenNotProposed(facility, partner, proposal.day, proposal.reasonHash);
        }
    }

    /// @return before the last closed day
    function _requireOpenDay(uint32 facility, uint8 partner, uint24 day) private view returns (uint24 before) {
        before = _closedThrough(facility, partner);
        if (day <= before) revert DayCloseDayClosed(day, before);
        uint24 today = uint24(block.timestamp / 1 days + Limits.EPOCH_ORDINAL);
        if (day > today) revert DayCloseDayAhead(day, today);
    }

    function _requireLastClosed(uint32 facility, uint8 partner, uint24 day) private view {
        uint24 last = _closedThrough(facility, partner);
        if (day == 0 || day != last) revert DayCloseNotLastClosed(day, last);
    }

    /// @dev CLOSE_1: opening = the last closing, movements = the ledger's, closing = opening + movements.
    function _checkBalances(Statement calldata s, uint24 before) private view {
        Closing memory last = _closings[_dayKey(s.facility, s.partner, before)];
        if (s.openingLead != last.lead || s.openingPartner != last.partner || s.openingAgreed != last.agreed) {
            revert DayCloseOpeningDiffers(last.lead, last.partner, last.agreed);
        }
        (int256 lead, int256 partner, int256 agreed) = _ledger.movements(s.facility, s.partner, before + 1, s.day);
        if (s.movementLead != lead || s.movementPartner != partner || s.movementAgreed != agreed) {
            revert DayCloseMovementsDiffer(lead, partner, agreed);
        }
        (lead, partner, agreed) = (last.lead + lead, last.partner + partner, last.agreed + agreed);
        if (s.closingLead != lead || s.closingPartner != partner || s.closingAgreed != agreed) {
            revert DayCloseClosingDiffers(lead, partner, agreed);
        }
    }

    /// @dev What is open is the ledger's, and every open leg is named.
    function _checkOpenItems(Statement calldata s, uint256[] calldata carriedForward) private view {
        (,,, int72 openLead, int72 openPartner, int72 accepted, uint40 openLegs,) =
            _ledger.account(s.facility, s.partner);
        if (
            s.openLead != openLead || s.openPartner != openPartner || s.acceptedDifference != accepted
                || s.openLegs != openLegs
        ) revert DayCloseOpenItemsDiffer(openLead, openPartner, accepted, openLegs);
        if (carriedForward.length > _MAX_NAMES) revert DayCloseTooManyNames(carriedForward.length, _MAX_NAMES);
        uint256 named = _reconciliation.openLegsAt(s.facility, s.partner, carriedForward);
        if (named != openLegs) revert DayCloseCarriedForwardIncomplete(named, openLegs);
    }

    /// @dev Whether the last closing and the ledger's movements are still those that a proposal was made with.
    function _isUnchanged(uint32 facility, uint8 partner, DayProposal memory proposal) private view returns (bool) {
        Closing memory proposed = proposal.closing;
        if (_closedThrough(facility, partner) != proposed.before) return false;
        Closing memory last = _closings[_dayKey(facility, partner, proposed.before)];
        (int256 lead, int256 partnerSide, int256 agreed) =
            _ledger.movements(facility, partner, proposed.before + 1, proposal.day);
        return lead == proposal.movementLead && partnerSide == proposal.movementPartner
            && agreed == proposal.movementAgreed && last.lead + lead == proposed.lead
            && last.partner + partnerSide == proposed.partner && last.agreed + agreed == proposed.agreed;
    }

    function _closedThrough(uint32 facility, uint8 partner) private view returns (uint24 closedThrough) {
        (,,,,,,, closedThrough) = _ledger.account(facility, partner);
    }

    function _accountKey(uint256 facility, uint256 partner) private pure returns (uint256) {
        return (facility << 8) | partner;
    }

    function _dayKey(uint256 facility, uint256 partner, uint256 day) private pure returns (uint256) {
        return (_accountKey(facility, partner) << 24) | day;
    }

    function _authority() internal view override returns (address) {
        return address(_consortium);
    }
}
