// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice The cheatcodes that the tests need, as forge answers them.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    function assertEq(uint256 left, uint256 right, string calldata what) external pure;
    function assertEq(int256 left, int256 right, string calldata what) external pure;
    function assertEq(bytes32 left, bytes32 right, string calldata what) external pure;
    function assertEq(address left, address right, string calldata what) external pure;
    function assertEq(string calldata left, string calldata right, string calldata what) external pure;
    function assertEq(bytes calldata left, bytes calldata right, string calldata what) external pure;
    function assertTrue(bool condition, string calldata what) external pure;
    function assertFalse(bool condition, string calldata what) external pure;
    function assertLe(uint256 left, uint256 right, string calldata what) external pure;

    function deployCode(string calldata artifact) external returns (address);
    function deployCode(string calldata artifact, bytes calldata arguments) external returns (address);

    function expectRevert(bytes calldata data) external;
    function expectPartialRevert(bytes4 selector) external;
    function expectEmit(address emitter) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);

    function prank(address sender) external;
    function addr(uint256 secret) external pure returns (address);
    function signCompact(uint256 secret, bytes32 digest) external pure returns (bytes32 r, bytes32 vs);
    function warp(uint256 timestamp) external;
    function chainId(uint256 id) external;
    function load(address target, bytes32 slot) external view returns (bytes32);
    function store(address target, bytes32 slot, bytes32 value) external;
    function lastCallGas() external view returns (Gas memory);
    function snapshotState() external returns (uint256);
    function revertToState(uint256 id) external returns (bool);
    function revertToStateAndDelete(uint256 id) external returns (bool);
    function toString(uint256 value) external pure returns (string memory);
    function envOr(string calldata variable, string calldata without) external view returns (string memory);
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

/// @dev Where forge picks up what a test prints.
address constant CONSOLE = 0x000000000000000000636F6e736F6c652e6c6f67;

/// @notice Prints a line among forge's test results (with -vv).
function print(string memory line) view {
    (bool ok,) = CONSOLE.staticcall(abi.encodeWithSignature("log(string)", line));
    ok;
}
