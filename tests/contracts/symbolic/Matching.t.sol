// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Ceilings} from "libraries/Ceilings.sol";
import {Judge} from "libraries/Judge.sol";
import {Splits} from "libraries/Splits.sol";
import {Rules, Shares} from "types/FacilityTypes.sol";
import {Status} from "types/LegTypes.sol";

/// @title What two halves are to each other, and what a part is: proved by halmos (`make halmos`)
contract MatchingSymbolic {
    /// @dev The judgement is what the rules say, for every pair of halves.
    function check_the_judge_says_what_the_rules_say(
        uint24[2] calldata day,
        uint56[2] calldata amount,
        uint56 tolerance,
        uint16 window
    ) external pure {
        Status status = _judge(day[0], amount[0], day[1], amount[1], tolerance, window);
        int256 difference = int256(uint256(amount[0])) - int256(uint256(amount[1]));
        int256 days_ = int256(uint256(day[0])) - int256(uint256(day[1]));
        bool isAmount = difference > int256(uint256(tolerance)) || -difference > int256(uint256(tolerance));
        bool isDate = days_ > int256(uint256(window)) || -days_ > int256(uint256(window));
        assert((status == Status.AmountAndDate) == (isAmount && isDate));
        assert((status == Status.Amount) == (isAmount && !isDate));
        assert((status == Status.Date) == (!isAmount && isDate));
        assert((status == Status.Matched) == (difference == 0 && days_ == 0));
        assert(Judge.settles(status) == (!isAmount && !isDate));
        assert(status != Status.Open);
    }

    /// @dev RECON_1 of the judgement: it is the same from either side.
    function check_RECON_1_the_judge_is_impartial(
        uint24[2] calldata day,
        uint56[2] calldata amount,
        uint56 tolerance,
        uint16 window
    ) external pure {
        assert(
            _judge(day[0], amount[0], day[1], amount[1], tolerance, window)
                == _judge(day[1], amount[1], day[0], amount[0], tolerance, window)
        );
    }

    /// @dev Shares come out of their word as they went in, each for its kinds.
    function check_shares_keep_their_components(uint16 principal, uint16 interest, uint16 fee) external pure {
        uint256 shares = Splits.pack(Shares(principal, interest, fee));
        assert(Splits.componentBps(shares, 1) == principal && Splits.componentBps(shares, 2) == principal);
        assert(Splits.componentBps(shares, 3) == interest && Splits.componentBps(shares, 4) == interest);
        assert(Splits.componentBps(shares, 5) == fee);
    }

    /// @dev A part is rounded down to the minor unit, for every share and every amount below 256. Solvers do not finish
    ///      the division of larger ones; those are fuzzed (LEDGER_3 in Laws.t.sol).
    function check_LEDGER_3_a_part_is_rounded_down(uint8 amount, uint16 bps) external pure {
        if (bps > 10_000) return;
        uint256 part = Splits.part(bps, 1, amount);
        assert(part * 10_000 <= uint256(amount) * bps && uint256(amount) * bps < (part + 1) * 10_000);
    }

    /// @dev A threshold's ceiling is never below it, and above it by less than a 256th.
    function check_a_ceiling_is_never_too_low(uint16 threshold) external pure {
        int256 ceiling = Ceilings.unpack(Ceilings.pack(int72(uint72(threshold))));
        assert(ceiling >= int256(uint256(threshold)));
        assert(ceiling - int256(uint256(threshold)) <= int256(uint256(threshold)) / 128);
    }

    function _judge(uint256 leadDay, uint256 lead, uint256 partnerDay, uint256 partner, uint56 tolerance, uint16 window)
        private
        pure
        returns (Status)
    {
        return Judge.judge((leadDay << 56) | lead, (partnerDay << 56) | partner, Rules(0, tolerance, window, 0, 0));
    }
}
