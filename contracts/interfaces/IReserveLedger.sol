// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Movement} from "../libraries/Movements.sol";
import {OpenChange} from "../libraries/OpenChanges.sol";
import {IGoverned} from "./IGoverned.sol";

/// @title The reserve accounts: three balances each, and what explains their differences
/// @notice One account per facility and partner. Balances change only by legs: Reconciliation alone records, there is
///         no administrator. Every record is refused that would break LEDGER_1:
///         leadBook = agreed + open lead legs; partnerBook = agreed + open partner legs + accepted differences.
interface IReserveLedger is IGoverned {
    /// @notice An account was opened, with all balances 0.
    /// @param lowBalance the balance below which the reserve is low, minor units
    event AccountOpened(uint32 indexed facility, uint8 indexed partner, int72 lowBalance);

    /// @notice `caller` is not the FacilityRegistry, the only one that opens accounts.
    error LedgerOnlyFacilityRegistry(address caller);

    /// @notice The account is open already.
    error LedgerAccountOpen(uint32 facility, uint8 partner);

    /// @notice `caller` is not Reconciliation, the only one that may record.
    error LedgerOnlyReconciliation(address caller);

    /// @notice The record would leave a book unexplained by agreed amount, open legs and accepted differences.
    /// @dev Never seen unless the code that records is wrong: report it.
    error LedgerOutOfBalance(uint32 facility, uint8 partner, bool isLeadBook);

    /// @notice A movement names a partner beyond the changes, or a change has no movement.
    /// @dev Never seen unless the code that records is wrong: report it.
    error LedgerUnknownAccount(uint32 facility, uint256 partner);

    /// @notice Once, in the transaction that makes the proxy.
    /// @param consortium the ConsortiumRegistry
    /// @param facilities the FacilityRegistry, the only contract that opens accounts
    /// @param reconciliation the only contract that may record
    /// @param dayClose the only contract that closes days
    function initialize(address consortium, address facilities, address reconciliation, address dayClose) external;

    /// @notice Opens a partner's reserve account, once its facility is active. Called by the FacilityRegistry.
    /// @param lowBalance the balance below which the reserve is low, minor units
    /// @dev Reverts with LedgerOnlyFacilityRegistry or LedgerAccountOpen.
    function openAccount(uint32 facility, uint8 partner, int72 lowBalance) external;

    /// @notice Records what one batch moves.
    /// @param isLead whose book the movements are of: the lead's, or the partner's
    /// @param movements per account, business day and kind; days that are closed move to the next open one
    /// @param changes of open legs and accepted differences, by partner number; place 0 is nobody's
    /// @dev Reverts with LedgerOnlyReconciliation, LedgerUnknownAccount or LedgerOutOfBalance.
    function record(uint32 facility, bool isLead, Movement[] calldata movements, OpenChange[] calldata changes) external;

    /// @notice A reserve account; all amounts in minor units, signed by their effect on the reserve.
    /// @return leadBook sum of the lead's legs
    /// @return partnerBook sum of the partner's legs
    /// @return agreed sum of the lead's amounts of matched pairs
    /// @return openLead the lead's open legs
    /// @return openPartner the partner's open legs
    /// @return acceptedDifference partner's less lead's amounts of pairs within tolerance
    /// @return openLegs how many legs are open
    /// @return closedThrough the last closed day (ordinal); 0 = none yet
    function account(uint32 facility, uint8 partner)
        external
        view
        returns (
            int72 leadBook,
            int72 partnerBook,
            int72 agreed,
            int72 openLead,
            int72 openPartner,
            int72 acceptedDifference,
            uint40 openLegs,
            uint24 closedThrough
        );

    /// @notice Whether an account is open, and the balance below which it is low, minor units.
    function threshold(uint32 facility, uint8 partner) external view returns (bool isOpen, int72 lowBalance);

    /// @notice The movements of a business day (ordinal) of one kind, minor units signed by effect.
    function dayTotal(uint32 facility, uint8 partner, uint24 day, uint8 kind)
        external
        view
        returns (int80 lead, int80 partnerSide, int80 agreed);
}
