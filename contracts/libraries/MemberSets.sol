// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @title Sets of members in one word: member n is bit n - 1
library MemberSets {
    /// @dev Most members that were ever admitted, and the highest member number.
    uint256 internal constant MOST = 256;

    /// @dev The set of one member; of number 0, which is nobody's, the empty one.
    function only(uint16 number) internal pure returns (uint256) {
        return number == 0 ? 0 : 1 << (number - 1);
    }

    /// @dev The set with that member in it or not, as told.
    function put(uint256 set, uint16 number, bool isIn) internal pure returns (uint256) {
        return isIn ? set | only(number) : set & ~only(number);
    }

    function has(uint256 set, uint16 number) internal pure returns (bool) {
        return set & only(number) != 0;
    }

    function count(uint256 set) internal pure returns (uint256 members) {
        // each turn takes the lowest bit away
        for (; set != 0; set &= set - 1) {
            ++members;
        }
    }
}
