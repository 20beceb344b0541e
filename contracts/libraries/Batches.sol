// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Reason} from "../types/LegTypes.sol";
import {Sums} from "./BatchSums.sol";
import {Kinds} from "./Kinds.sol";
import {LegWord} from "./LegWords.sol";
import {Limits} from "./Limits.sol";
import {LeadStamp} from "./PairSlots.sol";
import {Staged} from "./StagedParts.sol";
import {Terms} from "./TermsInHand.sol";

/// @notice The group that the words are in.
/// @param businessDay of its legs (ordinal); 0 = no group has begun
/// @param sharesDay whose shares split its legs (ordinal); 0 = those of each leg's value day
/// @param latestDay the last value day that a leg may carry (ordinal); 0 = the group's own days are too late already
/// @param plainUntil the same for legs that are plain words; 0 = every leg is looked at one by one, as open legs are counted
/// @param newestStamp what the lead's halves have in common under the newest rules
struct Group {
    uint256 businessDay;
    uint256 sharesDay;
    uint256 latestDay;
    uint256 plainUntil;
    LeadStamp newestStamp;
}

/// @notice How far the batch has been read.
/// @param index of the word in hand
/// @param otherWords words so far that are no legs: groups and targets
/// @param moreParts parts so far beyond one a leg
struct Progress {
    uint256 index;
    uint256 otherWords;
    uint256 moreParts;
}

/// @notice A batch while it is read: who posts it, then what is known so far.
/// @param facility its number
/// @param member who posts
/// @param sequence of the batch
/// @param party the sender's partner number; 0 = it is the lead
/// @param latestDay the last day that a leg or a group may carry (ordinal)
/// @param staged the parts of the lead's leg in hand, checked and not yet written
/// @param sums what the batch moves
/// @param isCounted whether the sender's open legs are counted, as it has had many
struct Batch {
    uint256 facility;
    uint256 member;
    uint256 sequence;
    uint256 party;
    Group group;
    Progress progress;
    uint256 latestDay;
    Terms terms;
    Staged staged;
    Sums sums;
    bool isCounted;
}

/// @title What is wrong with a leg by itself
library LegChecks {
    /// @notice The first fault in this order: kind, amount, partner, dates, then the mark of a duplicate.
    /// @param booked the leg's kind, or that of a reversal's target: it says whose amount the leg carries
    function fault(Batch memory batch, LegWord word, uint256 booked) internal pure returns (Reason) {
        if (!Kinds.isPostable(word.kind())) return Reason.UnknownKind;
        if (word.amount() == 0) return Reason.AmountZero;
        if (word.amount() > Limits.MAX_AMOUNT) return Reason.AmountTooLarge;
        if (!_isPartnerAllowed(batch, word.partner(), booked)) return partnerFault(batch, word.partner());
        if (word.valueDay() == 0 || word.valueDay() > batch.group.latestDay) return Reason.DateTooFar;
        return word.isDeclaredDuplicate() ? Reason.Duplicate : Reason.None;
    }

    /// @notice Why a partner that may not be named may not.
    function partnerFault(Batch memory batch, uint256 partner) internal pure returns (Reason) {
        return partner > batch.terms.partnerCount ? Reason.UnknownPartner : Reason.PartnerNotAllowed;
    }

    /// @dev A partner names itself. The lead names nobody for what is split, and a partner for all else.
    function _isPartnerAllowed(Batch memory batch, uint256 partner, uint256 booked) private pure returns (bool) {
        if (batch.party != 0) return partner == batch.party;
        // a target that cannot be reversed says nothing of partners; it is rejected as a target
        if (partner == 0) return batch.terms.isSplit(booked) || !Kinds.isReversible(booked);
        return partner <= batch.terms.partnerCount && !batch.terms.isSplit(booked);
    }
}
