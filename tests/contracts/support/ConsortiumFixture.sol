// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IDayClose} from "interfaces/IDayClose.sol";
import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "interfaces/IReconciliation.sol";
import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {Contracts, FoundingMember, Role} from "types/ConsortiumTypes.sol";
import {Bounds, FacilityTerms, PartnerTerms, Rules, SealedFor, Shares, Split} from "types/FacilityTypes.sol";
import {Stream} from "./Stream.sol";
import {vm} from "./Vm.sol";

interface IFounding {
    function contracts() external view returns (Contracts memory);
}

/// @title A founded consortium with a facility, and short ways to act in it
/// @dev Members: 1 the lead, 2 to partners + 1 the partners, then an auditor and a regulator.
abstract contract ConsortiumFixture {
    uint16 internal constant LEAD = 1;
    /// @dev 2026-01-02, a Friday, as date.toordinal() has it.
    uint24 internal constant TODAY = 739_618;
    uint256 internal constant NOW = (uint256(TODAY) - 719_163) * 1 days + 12 hours;

    IConsortiumRegistry internal consortium;
    IFacilityRegistry internal facilities;
    IReserveLedger internal ledger;
    IReconciliation internal reconciliation;
    IDayClose internal dayClose;

    mapping(uint256 secret => address) private _addresses;

    /// @dev Founds a consortium of a lead, so many partners, an auditor and a regulator.
    function found(uint256 partners) internal {
        vm.warp(NOW);
        // those who found it, and some to be admitted
        _remember(partners + 7);
        Contracts memory founded = deployFounding(implementations(), members(partners));
        consortium = IConsortiumRegistry(founded.consortiumRegistry);
        facilities = IFacilityRegistry(founded.facilityRegistry);
        ledger = IReserveLedger(founded.reserveLedger);
        reconciliation = IReconciliation(founded.reconciliation);
        dayClose = IDayClose(founded.dayClose);
    }

    function deployFounding(Contracts memory code, FoundingMember[] memory list) internal returns (Contracts memory) {
        return IFounding(vm.deployCode(codeOf("Founding"), abi.encode(code, list))).contracts();
    }

    function implementations() internal returns (Contracts memory) {
        return Contracts({
            consortiumRegistry: vm.deployCode(codeOf("ConsortiumRegistry")),
            facilityRegistry: vm.deployCode(codeOf("FacilityRegistry")),
            reserveLedger: vm.deployCode(codeOf("ReserveLedger")),
            reconciliation: vm.deployCode(codeOf("Reconciliation")),
            dayClose: vm.deployCode(codeOf("DayClose"))
        });
    }

    /// @dev Where a contract's code lies: as `make contracts` compiled it, and for coverage as forge did.
    function codeOf(string memory name) internal view returns (string memory) {
        return keccak256(bytes(vm.envOr("FOUNDRY_PROFILE", ""))) == keccak256("sources")
            ? string.concat(name, ".sol:", name)
            : string.concat("artifacts/", name, ".json");
    }

    function members(uint256 partners) internal view returns (FoundingMember[] memory list) {
        list = new FoundingMember[](partners + 3);
        for (uint16 number = 1; number <= list.length; ++number) {
            Role role = number == LEAD
                ? Role.Lead
                : number <= partners + 1 ? Role.Partner : number == partners + 2 ? Role.Auditor : Role.Regulator;
            list[number - 1] = FoundingMember({
                name: string.concat("member-", vm.toString(number)),
                role: uint8(role),
                operator: operatorOf(number),
                approver: approverOf(number),
                recovery: recoveryOf(number),
                sealingKey: keccak256(abi.encode("sealing", number))
            });
        }
    }

    /// @dev Proposes a facility with these shares (all three components alike) and has every partner accept it.
    function activate(string memory id, uint16[] memory bps, Rules memory rules) internal returns (uint32 facility) {
        return activate(termsOf(id, bps, rules));
    }

    /// @dev Proposes these terms and has every partner accept them.
    function activate(FacilityTerms memory terms) internal returns (uint32 facility) {
        vm.prank(approverOf(LEAD));
        facility = facilities.propose(terms);
        for (uint16 partner = 1; partner <= terms.partners.length; ++partner) {
            vm.prank(approverOf(memberOf(partner)));
            facilities.accept(facility, keccak256(abi.encode(terms)));
        }
    }

    function termsOf(string memory id, uint16[] memory bps, Rules memory rules)
        internal
        pure
        returns (FacilityTerms memory)
    {
        PartnerTerms[] memory partners = new PartnerTerms[](bps.length);
        for (uint16 i; i < bps.length; ++i) {
            partners[i] = PartnerTerms({
                member: memberOf(i + 1),
                shares: Shares(bps[i], bps[i], bps[i]),
                lowBalance: 100_000,
                sealedReferenceKey: new bytes(80)
            });
        }
        return FacilityTerms({
            id: id,
            lead: LEAD,
            currency: "CNY",
            decimals: 2,
            timeZone: "Asia/Shanghai",
            rules: rules,
            bounds: Bounds(0, 0),
            partners: partners,
            leadSealedReferenceKey: new bytes(80),
            readers: new SealedFor[](0),
            split: Split.Contract,
            firstDay: 722_815
        });
    }

    function post(uint32 facility, uint16 member, Stream memory stream) internal {
        (uint64 sequence,) = reconciliation.head(facility, member);
        vm.prank(operatorOf(member));
        reconciliation.post(facility, sequence + 1, stream.words, "");
    }

    function strictRules() internal pure returns (Rules memory) {
        return Rules(0, 0, 0, 1 days, 86_399);
    }

    function one(uint16 a) internal pure returns (uint16[] memory list) {
        list = new uint16[](1);
        list[0] = a;
    }

    function three(uint16 a, uint16 b, uint16 c) internal pure returns (uint16[] memory list) {
        list = new uint16[](3);
        (list[0], list[1], list[2]) = (a, b, c);
    }

    /// @dev The member that is this partner of the facilities made here.
    function memberOf(uint16 partner) internal pure returns (uint16) {
        return partner + 1;
    }

    function operatorOf(uint16 member) internal view returns (address) {
        return _key("operator", member);
    }

    function approverOf(uint16 member) internal view returns (address) {
        return _key("approver", member);
    }

    function recoveryOf(uint16 member) internal view returns (address) {
        return _key("recovery", member);
    }

    /// @dev The secret of the key that this member has for that purpose.
    function secretOf(string memory purpose, uint16 member) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(purpose, member))) >> 1;
    }

    function _key(string memory purpose, uint16 member) private view returns (address) {
        uint256 secret = secretOf(purpose, member);
        address known = _addresses[secret];
        return known == address(0) ? vm.addr(secret) : known;
    }

    /// @dev Addresses are asked for often, and take long to compute.
    function _remember(uint256 count) private {
        string[3] memory purposes = ["operator", "approver", "recovery"];
        for (uint16 number = 1; number <= count; ++number) {
            for (uint256 i; i < purposes.length; ++i) {
                uint256 secret = secretOf(purposes[i], number);
                _addresses[secret] = vm.addr(secret);
            }
        }
    }
}
