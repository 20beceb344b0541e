// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {
    ConsortiumProposal,
    FoundingMember,
    KeyPurpose,
    Member,
    MemberState,
    ProposalKind,
    ProposalState,
    Role,
    Vote
} from "types/ConsortiumTypes.sol";
import {vm} from "../support/Vm.sol";
import {VotingFixture} from "../support/VotingFixture.sol";

/// @title Banks that propose, vote and stop each other as they like, and who voted how kept apart from the contract
contract GovernanceHandler is VotingFixture {
    uint16 private constant MOST_MEMBERS = 9;
    bytes32 private constant IMPLEMENTATION = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);

    struct Asked {
        ProposalKind kind;
        uint16 proposer;
        uint16 subject;
        uint256 at;
        bool isDecided;
    }

    /// @dev Proposal n at place n - 1, and the votes on it.
    Asked[] private _asked;
    mapping(uint32 proposal => mapping(uint16 bank => Vote)) private _votes;

    uint256 public enacted;
    uint256 public refused;
    address private immutable NEXT_CLOSE;

    constructor() {
        found(4);
        NEXT_CLOSE = vm.deployCode("DayClose.sol:DayClose");
    }

    function askedCount() external view returns (uint32) {
        return uint32(_asked.length);
    }

    function voteIn(uint32 proposal, uint16 bank) external view returns (Vote) {
        return _votes[proposal][bank];
    }

    function memberCount() external view returns (uint16) {
        return consortium.memberCount();
    }

    function memberNumbered(uint16 number) external view returns (Member memory) {
        return consortium.member(number);
    }

    function isBank(uint16 number) external view returns (bool) {
        return consortium.isActiveBank(number);
    }

    function proposalNumbered(uint32 number) external view returns (ConsortiumProposal memory) {
        return consortium.proposal(number);
    }

    function voteOf(uint32 proposal, uint16 bank) external view returns (Vote) {
        return consortium.voteOf(proposal, bank);
    }

    /// @dev Any member asks for anything.
    function ask(uint16 by, uint8 kindSeed, uint16 subject, uint8 value) public {
        by = _any(by);
        subject = _any(subject);
        ProposalKind kind = ProposalKind(kindSeed % 9 + 1);
        bytes32 before = _governed();
        bytes memory call = abi.encodeCall(consortium.propose, (uint8(kind), _payload(kind, subject, value), REASON));
        vm.prank(approverOf(by));
        (bool ok, bytes memory answer) = address(consortium).call(call);
        if (!ok) {
            ++refused;
            return;
        }
        require(_governed() == before, "GOV_1: who proposes changes nothing");
        require(_acts(by), "GOV_1: only active banks propose");
        bool hasSubject = kind == ProposalKind.Suspend || kind == ProposalKind.Reinstate || kind == ProposalKind.Evict
            || kind == ProposalKind.ChangeRole || kind == ProposalKind.ReplaceKey;
        require(!hasSubject || by != subject, "GOV_1: not about itself");
        _asked.push(Asked(kind, by, hasSubject ? subject : 0, block.timestamp, false));
        uint32 proposal = abi.decode(answer, (uint32));
        require(proposal == _asked.length, "numbered in order");
        _votes[proposal][by] = Vote.InFavour;
    }

    /// @dev Any member votes on anything, again and again.
    function cast(uint16 by, uint32 proposal, bool inFavour) public {
        if (_asked.length == 0) return;
        by = _any(by);
        proposal = uint32(proposal % _asked.length) + 1;
        Asked storage asked = _asked[proposal - 1];
        bool may = _acts(by) && _isOpen(asked) && by != asked.subject && _votes[proposal][by] == Vote.None;
        // a call that is refused changes nothing: the chain itself sees to that
        bytes32 before = may ? _governed() : bytes32(0);
        bytes32 content = contentOf(proposal);
        vm.prank(approverOf(by));
        (bool taken,) = address(consortium).call(abi.encodeCall(consortium.vote, (proposal, ~content, inFavour)));
        require(!taken, "GOV_1: a vote is over contents");
        vm.prank(approverOf(by));
        (bool ok,) = address(consortium).call(abi.encodeCall(consortium.vote, (proposal, content, inFavour)));
        require(may || !ok, "GOV_1: an active bank votes once, on what is open and not about it");
        if (!ok) {
            ++refused;
            return;
        }
        _votes[proposal][by] = inFavour ? Vote.InFavour : Vote.Against;
        _settle(proposal, asked, before, inFavour);
    }

    /// @dev All vote in favour, so that much is enacted.
    function assent(uint32 proposal) external {
        for (uint16 by = 1; by <= consortium.memberCount(); ++by) {
            cast(by, proposal, true);
        }
    }

    /// @dev Something is asked for, and all are in favour.
    function agree(uint16 by, uint8 kindSeed, uint16 subject, uint8 value) external {
        uint256 before = _asked.length;
        ask(by, kindSeed, subject, value);
        for (uint16 voter = 1; _asked.length > before && voter <= consortium.memberCount(); ++voter) {
            cast(voter, uint32(_asked.length - 1), true);
        }
    }

    function enact(uint16 by, uint32 proposal) external {
        if (_asked.length == 0) return;
        by = _any(by);
        proposal = uint32(proposal % _asked.length) + 1;
        Asked storage asked = _asked[proposal - 1];
        bool may = _acts(by) && _isOpen(asked);
        bytes32 before = may ? _governed() : bytes32(0);
        bytes32 content = contentOf(proposal);
        vm.prank(approverOf(by));
        (bool ok,) = address(consortium).call(abi.encodeCall(consortium.enact, (proposal, content)));
        require(may || !ok, "GOV_1: an active bank enacts what is open");
        if (ok) _settle(proposal, asked, before, true);
    }

    function withdraw(uint16 by, uint32 proposal) external {
        if (_asked.length == 0) return;
        by = _any(by);
        proposal = uint32(proposal % _asked.length) + 1;
        Asked storage asked = _asked[proposal - 1];
        bool may = _acts(by) && _isOpen(asked) && by == asked.proposer;
        bytes32 before = may ? _governed() : bytes32(0);
        vm.prank(approverOf(by));
        (bool ok,) = address(consortium).call(abi.encodeCall(consortium.withdraw, (proposal)));
        require(ok == may, "its proposer alone takes a proposal back");
        require(!ok || _governed() == before, "a proposal taken back changes nothing");
        asked.isDecided = asked.isDecided || ok;
    }

    /// @dev Two members, the same or not, stop or lift: never the members' own standing.
    function emergency(uint16 first, uint16 second, uint16 subject, bool isLift) external {
        bytes32 before = _governed();
        subject = _any(subject);
        bool wasStopped = _isStopped(subject);
        bool isSecond;
        uint16[2] memory banks = [_any(first), _any(second)];
        for (uint256 i; i < 2; ++i) {
            bytes memory call = isLift
                ? abi.encodeCall(consortium.emergencyLift, (subject))
                : abi.encodeCall(consortium.emergencyStop, (subject, REASON));
            bool may = _acts(banks[i]) && banks[i] != subject;
            vm.prank(approverOf(banks[i]));
            (bool ok,) = address(consortium).call(call);
            require(may || !ok, "GOV_1: other active banks alone");
            isSecond = isSecond || (i == 1 && ok);
            if (i == 0 && ok && _isStopped(subject) != wasStopped) {
                // the one before it was asked for by another bank, in an earlier call
                isSecond = true;
            }
        }
        require(isSecond || _isStopped(subject) == wasStopped, "GOV_1: two banks");
        require(consortium.member(subject).stoppedUntil <= block.timestamp + 72 hours, "bounded");
        require(_governed() == before, "a stop changes no standing");
    }

    function wait(uint256 duration) external {
        vm.warp(block.timestamp + duration % 3 days + 1);
    }

    /// @dev A vote or an enactment went through: it did what the votes allow, and no more.
    function _settle(uint32 proposal, Asked storage asked, bytes32 before, bool inFavour) private {
        ConsortiumProposal memory now_ = consortium.proposal(proposal);
        bool isEnacted = now_.state == ProposalState.Enacted;
        require(isEnacted || _governed() == before, "GOV_1: only what is enacted changes anything");
        require(!isEnacted || inFavour, "a vote against enacts nothing");
        (uint256 yes, uint256 no) = _count(proposal, asked.subject, isEnacted);
        require(yes == now_.yes && no == now_.no, "the votes that count");
        bool isMajority = yes * 3 > 2 * uint256(now_.electorate) && yes >= 2;
        require(isEnacted == (isMajority && inFavour), "GOV_1: more than two thirds, at least two");
        asked.isDecided = now_.state != ProposalState.Open;
        if (isEnacted) ++enacted;
    }

    /// @dev What was enacted may have changed whose votes count; then the banks that voted are the bound.
    function _count(uint32 proposal, uint16 subject, bool isEnacted) private view returns (uint256 yes, uint256 no) {
        if (isEnacted) {
            ConsortiumProposal memory now_ = consortium.proposal(proposal);
            uint256 most;
            for (uint16 bank = 1; bank <= consortium.memberCount(); ++bank) {
                if (bank != subject && _votes[proposal][bank] == Vote.InFavour) ++most;
            }
            require(now_.yes <= most, "GOV_1: no vote counts that was not given");
            return (now_.yes, now_.no);
        }
        for (uint16 bank = 1; bank <= consortium.memberCount(); ++bank) {
            if (bank == subject || !_acts(bank)) continue;
            if (_votes[proposal][bank] == Vote.InFavour) ++yes;
            if (_votes[proposal][bank] == Vote.Against) ++no;
        }
    }

    /// @dev Of unknown values, payloads that are refused are well come too.
    function _payload(ProposalKind kind, uint16 subject, uint8 value) private view returns (bytes memory) {
        uint16 next = consortium.memberCount() + 1;
        if (kind == ProposalKind.Admit) {
            // none beyond the most: the same member once more is refused
            return abi.encode(newcomer(next > MOST_MEMBERS ? 1 : next, Role(value % 4 + 1)));
        }
        if (kind == ProposalKind.ChangeRole) return abi.encode(subject, value % 4 + 1);
        if (kind == ProposalKind.ReplaceKey) {
            // not the approver, with which the banks act here
            uint8 purpose = [1, 3, 4][value % 3];
            return abi.encode(subject, purpose, uint160(uint256(keccak256(abi.encode(_asked.length, block.timestamp)))));
        }
        if (kind == ProposalKind.RegisterValidator) return abi.encode(subject, address(uint160(value % 4)), "enode");
        if (kind == ProposalKind.RemoveValidator) return abi.encode(address(uint160(value % 4)));
        if (kind == ProposalKind.Upgrade) return abi.encode(dayClose, NEXT_CLOSE, "");
        return abi.encode(subject);
    }

    /// @dev All that only votes may change. Members are hashed as they are answered, which is quicker than decoding them.
    function _governed() private view returns (bytes32 hash) {
        uint16 count = consortium.memberCount();
        hash = keccak256(abi.encode(count, consortium.validators(), vm.load(address(dayClose), IMPLEMENTATION)));
        for (uint16 number = 1; number <= count; ++number) {
            (, bytes memory answer) = address(consortium).staticcall(abi.encodeCall(consortium.member, (number)));
            assembly ("memory-safe") {
                // stoppedUntil: the struct's place, three fields, then it
                mstore(add(answer, 160), 0)
            }
            hash = keccak256(abi.encode(hash, answer));
        }
    }

    function _acts(uint16 bank) private view returns (bool) {
        return consortium.isActiveBank(bank) && !_isStopped(bank);
    }

    function _isStopped(uint16 number) private view returns (bool) {
        return consortium.member(number).stoppedUntil > block.timestamp;
    }

    function _isOpen(Asked storage asked) private view returns (bool) {
        return !asked.isDecided && block.timestamp < asked.at + 14 days;
    }

    function _any(uint16 seed) private view returns (uint16) {
        return seed % consortium.memberCount() + 1;
    }
}

/// @title GOV_1: no single bank can admit, evict or upgrade
contract GovernanceInvariantsTest is VotingFixture {
    GovernanceHandler private handler;

    function setUp() external {
        handler = new GovernanceHandler();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0].addr = address(handler);
        list[0].selectors = new bytes4[](8);
        list[0].selectors[0] = GovernanceHandler.ask.selector;
        list[0].selectors[1] = GovernanceHandler.cast.selector;
        list[0].selectors[2] = GovernanceHandler.assent.selector;
        list[0].selectors[3] = GovernanceHandler.agree.selector;
        list[0].selectors[4] = GovernanceHandler.enact.selector;
        list[0].selectors[5] = GovernanceHandler.withdraw.selector;
        list[0].selectors[6] = GovernanceHandler.emergency.selector;
        list[0].selectors[7] = GovernanceHandler.wait.selector;
    }

    /// @dev What a single call may change is required within it, by the handler.
    /// forge-config: slow.invariant.runs = 800
    /// forge-config: slow.invariant.depth = 125
    function invariant_GOV_1() external view {
        uint256 banks;
        uint256 leads;
        for (uint16 number = 1; number <= handler.memberCount(); ++number) {
            Member memory member = handler.memberNumbered(number);
            bool isActive = member.state == MemberState.Active;
            bool isBank = isActive && (member.role == Role.Lead || member.role == Role.Partner);
            vm.assertEq(handler.isBank(number) ? 1 : 0, isBank ? 1 : 0, "an active bank");
            if (isBank) ++banks;
            if (isActive && member.role == Role.Lead) ++leads;
        }
        vm.assertTrue(banks >= 2 && leads >= 1, "two active banks are left, one of them a lead");
    }

    function afterInvariant() external view {
        uint256 banks;
        for (uint16 number = 1; number <= handler.memberCount(); ++number) {
            if (handler.isBank(number)) ++banks;
        }
        for (uint32 proposal = 1; proposal <= handler.askedCount(); ++proposal) {
            ConsortiumProposal memory made = handler.proposalNumbered(proposal);
            bool isOpen = made.state == ProposalState.Open || made.state == ProposalState.Expired;
            uint256 electorate = made.subject != 0 && handler.isBank(made.subject) ? banks - 1 : banks;
            if (isOpen) vm.assertEq(made.electorate, electorate, "the active banks, less the subject");
            for (uint16 bank = 1; bank <= handler.memberCount(); ++bank) {
                vm.assertTrue(
                    handler.voteOf(proposal, bank) == handler.voteIn(proposal, bank), "a vote is given once and stands"
                );
            }
        }
    }

    /// @dev The handler is no empty play: every kind gets through it.
    function test_the_meeting_enacts_every_kind() external {
        uint256 before;
        for (uint8 kind; kind < 9; ++kind) {
            // a suspension of member 3 before its reinstatement, a validator before its removal
            handler.agree(0, kind, 2, kind == 4 ? 0 : 1);
            vm.assertEq(handler.enacted(), ++before, "enacted");
            // an eviction leaves nobody to give a role or a key to
            if (kind == 3) {
                setUpAgain();
                before = 0;
            }
        }
    }

    function setUpAgain() private {
        handler = new GovernanceHandler();
    }
}
