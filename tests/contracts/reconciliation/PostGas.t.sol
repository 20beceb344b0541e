// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {print, vm} from "../support/Vm.sol";

/// @title What a matched pair costs, both halves, as transactions of their own
contract PostGasTest is ConsortiumFixture {
    uint256 private constant PARTS = 500;
    uint256 private constant BATCHES = 20;

    struct Load {
        uint256 partners;
        uint256 parts;
        uint256 batches;
        uint256 days_;
        uint256 sealedBytes;
    }

    /// forge-config: default.isolate = true
    function test_gas_one_partner() external {
        uint256 gas = _measure(Load(1, PARTS, BATCHES, 1, 0));
        print(string.concat("gas a pair, 1 partner, 1 day, 8 kinds, 500 parts: ", vm.toString(gas)));
        vm.assertLe(gas, 31_600, "gas a matched pair");
    }

    /// forge-config: default.isolate = true
    function test_gas_ten_partners() external {
        uint256 gas = _measure(Load(10, PARTS, 4, 1, 0));
        print(string.concat("gas a pair, 10 partners, 1 day, 5 kinds, 500 parts: ", vm.toString(gas)));
        vm.assertLe(gas, 31_600, "gas a matched pair");
    }

    /// forge-config: default.isolate = true
    function test_gas_other_loads() external {
        print(string.concat("gas a pair, 3 partners: ", vm.toString(_measure(Load(3, PARTS - 2, 8, 1, 0)))));
        print(string.concat("gas a pair, batches of 100: ", vm.toString(_measure(Load(1, 100, 8, 1, 0)))));
        print(string.concat("gas a pair, 36 days a batch: ", vm.toString(_measure(Load(1, PARTS, 8, 36, 0)))));
        print(string.concat("gas a pair, 60 sealed bytes a leg: ", vm.toString(_measure(Load(1, PARTS, 8, 1, 60)))));
    }

    /// @dev Posts the batches of both sides and returns the gas of all transactions a pair. Slots of accounts and days
    ///      are in use by then: a batch of each side before them is not counted.
    function _measure(Load memory load) private returns (uint256) {
        found(load.partners);
        uint16[] memory bps = new uint16[](load.partners);
        for (uint256 i; i < load.partners; ++i) {
            bps[i] = uint16(9_000 / load.partners);
        }
        uint32 facility = activate("GAS", bps, strictRules());
        _send(facility, LEAD, _words(load, 1 << 20, load.parts / load.partners, 0, bps[0]), load);
        for (uint16 partner = 1; partner <= load.partners; ++partner) {
            uint256 warm = load.parts / load.partners;
            _send(facility, memberOf(partner), _words(load, 1 << 20, warm, partner, bps[0]), load);
        }
        uint256 gas;
        for (uint256 batch; batch < load.batches * load.partners; ++batch) {
            gas += _send(facility, LEAD, _words(load, batch, load.parts / load.partners, 0, bps[0]), load);
        }
        // a partner's batches are full ones too: it confirms what the lead spread over many
        for (uint16 partner = 1; partner <= load.partners; ++partner) {
            for (uint256 batch; batch < load.batches; ++batch) {
                uint256 legs = load.parts / load.partners * load.partners;
                gas += _send(facility, memberOf(partner), _words(load, batch, legs, partner, bps[0]), load);
            }
        }
        (int72 leadBook, int72 partnerBook, int72 agreed,,,, uint40 openLegs,) = ledger.account(facility, 1);
        vm.assertTrue(leadBook == partnerBook && agreed == leadBook && agreed != 0, "all must match");
        vm.assertEq(uint256(openLegs), 0, "all must match");
        return gas / (load.parts / load.partners * load.partners * load.batches * load.partners);
    }

    /// @dev Legs of events numbered on; the lead's carry the whole, a partner's its part.
    function _words(Load memory load, uint256 batch, uint256 legs, uint16 partner, uint256 bps)
        private
        pure
        returns (bytes32[] memory words)
    {
        words = new bytes32[](legs + load.days_);
        uint256 groups;
        for (uint256 i; i < legs; ++i) {
            if (i * load.days_ / legs >= groups) {
                words[i + groups] = _group(TODAY - load.days_ + 1 + groups);
                ++groups;
            }
            words[i + groups] = _leg(load.partners, batch * legs + i, partner, bps);
        }
    }

    function _group(uint256 day) private pure returns (bytes32) {
        return bytes32(abi.encodePacked(uint16(0), uint24(day), uint24(0), uint192(0)));
    }

    /// @dev Eight kinds; where there are more partners, the five shared ones.
    function _leg(uint256 partners, uint256 event_, uint16 partner, uint256 bps) private pure returns (bytes32) {
        uint8 kind = uint8(partners == 1 ? event_ % 8 + 1 : event_ % 5 + 1);
        uint8 named = uint8(partner == 0 && kind > 5 ? 1 : partner);
        uint256 amount = 1_000_000 + event_;
        if (kind <= 5 && partner != 0) amount = amount * bps / 10_000;
        return bytes32(abi.encodePacked(kind, named, TODAY, uint56(amount), bytes20(keccak256(abi.encode(event_)))));
    }

    function _send(uint32 facility, uint16 member, bytes32[] memory words, Load memory load) private returns (uint256) {
        (uint64 sequence,) = reconciliation.head(facility, member);
        bytes memory sealedDetails = new bytes(load.sealedBytes * words.length);
        for (uint256 i; i < sealedDetails.length; ++i) {
            sealedDetails[i] = 0xa5;
        }
        vm.prank(operatorOf(member));
        reconciliation.post(facility, sequence + 1, words, sealedDetails);
        return vm.lastCallGas().gasTotalUsed;
    }
}
