// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @dev How often something was done on the last day that it was done, days since 1970-01-01 (UTC).
struct DayCount {
    uint32 day;
    uint32 count;
}

/// @title What one member may do so many times a day and no more
library DayCounts {
    /// @return isWithin whether this is at most the `most`th time today; what is refused does not count
    function add(DayCount storage counted, uint256 most) internal returns (bool isWithin) {
        uint32 today = uint32(block.timestamp / 1 days);
        if (counted.day != today) (counted.day, counted.count) = (today, 0);
        if (counted.count == most) return false;
        ++counted.count;
        return true;
    }
}
