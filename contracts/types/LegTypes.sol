// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Action} from "./ResolutionTypes.sol";

/// @notice Why a leg was rejected; the rest of its batch goes on.
enum Reason {
    None,
    Duplicate,
    UnknownKind,
    AmountZero,
    AmountTooLarge,
    UnknownPartner,
    PartnerNotAllowed,
    DateTooFar,
    TargetMissing,
    TargetReversed,
    TargetNotReversible,
    TargetAmount,
    NoParts,
    Resolved,
    TargetVoided,
    TooManyOpenLegs
}

/// @notice How a pair's two halves compare. Open: only one half is known. A resolution leaves it as it was.
enum Status {
    Open,
    Matched,
    WithinTolerance,
    Amount,
    Date,
    AmountAndDate
}

/// @notice A pair as views return it.
/// @param leadAmount the lead's half, minor units; 0 = not posted
/// @param partnerAmount the partner's half, minor units; 0 = not posted
/// @param leadValueDay value day of the lead's half (ordinal)
/// @param partnerValueDay value day of the partner's half (ordinal)
/// @param leadBusinessDay business day of the lead's half, on which an agreed amount falls (ordinal)
/// @param firstSeen block time of the first half, seconds
/// @param rulesVersion the rules that judge it: in force on the lead's value day, or on its own while one-sided
/// @param sharesVersion the shares that split it; 0 where nothing was split
/// @param leadReversed whether the lead reversed its half
/// @param partnerReversed whether the partner reversed its half
/// @param action how the pair was resolved; None = it was not
/// @param resolvedAtPartner whose half the resolution corrected (adjust) or made (write-off of a one-sided leg): the
///        partner's; false otherwise
/// @param held whether a hold of this drawdown was placed before either half was known
struct Pair {
    uint56 leadAmount;
    uint56 partnerAmount;
    uint24 leadValueDay;
    uint24 partnerValueDay;
    uint24 leadBusinessDay;
    uint32 firstSeen;
    uint16 rulesVersion;
    uint16 sharesVersion;
    bool leadReversed;
    bool partnerReversed;
    Status status;
    Action action;
    bool resolvedAtPartner;
    bool held;
}
