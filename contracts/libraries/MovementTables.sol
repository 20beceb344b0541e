// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Movement, Movements} from "./Movements.sol";

/// @notice The movements of one batch, found by account, day and kind.
/// @dev An open-addressed index over a dense list. `index` has 2^bits entries of two bytes: 0 = free, else the place in
///      `list` plus one. It has at least twice as many entries as `list` can hold, so probing ends, and soon.
struct MovementTable {
    uint256 count;
    uint256 mask;
    bytes index;
    Movement[] list;
}

/// @title Summing the movements of a batch in memory
library MovementTables {
    /// @dev 2^40 divided by the golden ratio, odd: spreads neighbouring keys over the index.
    uint256 private constant _SPREAD = 0x9E3779B97F;

    /// @param capacity the most movements that the batch can need, at most 2^15
    function create(uint256 capacity) internal pure returns (MovementTable memory table) {
        uint256 entries = 4;
        while (entries < 2 * capacity) entries <<= 1;
        table.mask = entries - 1;
        table.index = new bytes(2 * entries);
        table.list = new Movement[](capacity);
    }

    /// @notice Adds to the movement of `key`.
    /// @param delta as `Movements.delta` makes it
    function add(MovementTable memory table, uint256 key, uint256 delta) internal pure {
        uint256 mask = table.mask;
        uint256 place = ((key * _SPREAD) >> 24) & mask;
        while (true) {
            uint256 entry = _read(table.index, place);
            if (entry == 0) {
                unchecked {
                    table.list[table.count] = Movements.empty(key).plus(delta);
                    _write(table.index, place, ++table.count);
                }
                return;
            }
            unchecked {
                Movement movement = table.list[entry - 1];
                if (movement.key() == key) {
                    table.list[entry - 1] = movement.plus(delta);
                    return;
                }
                place = (place + 1) & mask;
            }
        }
    }

    /// @notice The movements summed so far. Ends the table: nothing may be added afterwards.
    function close(MovementTable memory table) internal pure returns (Movement[] memory list) {
        list = table.list;
        uint256 count = table.count;
        assembly ("memory-safe") {
            // shorten the array in place; `count` never exceeds its length
            mstore(list, count)
        }
    }

    function _read(bytes memory index, uint256 place) private pure returns (uint256 entry) {
        assembly ("memory-safe") {
            // the two bytes at place, as the last two of the word that ends with them
            entry := and(mload(add(index, add(2, shl(1, place)))), 0xffff)
        }
    }

    function _write(bytes memory index, uint256 place, uint256 entry) private pure {
        assembly ("memory-safe") {
            let at := add(index, add(32, shl(1, place)))
            mstore8(at, shr(8, entry))
            mstore8(add(at, 1), entry)
        }
    }
}
