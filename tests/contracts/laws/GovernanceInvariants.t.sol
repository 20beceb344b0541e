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
import {ChangeState, Shares} from "types/FacilityTypes.sol";
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
        // from when what waits can be enacted; 0 = it does not wait
        uint256 dueAt;
    }

    /// @dev Proposal n at place n - 1, and the votes on it.
    Asked[] private _asked;
    mapping(uint32 proposal => mapping(uint16 bank => Vote)) private _votes;

    /// @dev Who asked last that a member be stopped, and when a bank last took part in a stop.
    mapping(uint16 subject => uint16) private _lastAsker;
    mapping(uint16 bank => uint256) private _tookPartAt;

    /// @dev Of members 1, its lead, and 2.
    uint32 private _facility;

    /// @dev Active banks before the vote or enactment at hand.
    uint256 private _banksBefore;

    uint256 public enacted;
    uint256 public refused;
    address private immutable NEXT_CLOSE;

    constructor() {
        found(4);
        _facility = activate("F", one(4_000), strictRules());
        NEXT_CLOSE = vm.deployCode(codeOf("DayClose"));
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
            || kind == ProposalKind.ReplaceKey;
        require(!hasSubject || by != subject, "GOV_1: not about itself");
        _asked.push(Asked(kind, by, hasSubject ? subject : 0, block.timestamp, false, 0));
        uint32 proposal = abi.decode(answer, (uint32));
        require(proposal == _asked.length, "numbered in order");
        _votes[proposal][by] = Vote.InFavour;
        uint256 undecided;
        for (uint256 i; i < _asked.length; ++i) {
            if (_asked[i].proposer == by && (_isOpen(_asked[i]) || _isWaiting(_asked[i]))) ++undecided;
        }
        require(undecided <= 16, "a bank has at most 16 undecided proposals");
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
        _banksBefore = _banks();
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
        bool isDue = _isWaiting(asked) && block.timestamp >= asked.dueAt;
        bool may = _acts(by) && (_isOpen(asked) || isDue);
        bytes32 before = may ? _governed() : bytes32(0);
        bytes32 content = contentOf(proposal);
        _banksBefore = _banks();
        vm.prank(approverOf(by));
        (bool ok,) = address(consortium).call(abi.encodeCall(consortium.enact, (proposal, content)));
        require(may || !ok, "GOV_1: an active bank enacts what is open, or is due");
        if (!ok) return;
        if (!isDue) {
            _settle(proposal, asked, before, true);
            return;
        }
        require(consortium.proposal(proposal).state == ProposalState.Enacted, "what is due is enacted");
        asked.isDecided = true;
        ++enacted;
    }

    /// @dev Any member objects to anything, with its approver or its recovery key.
    function objectTo(uint16 by, uint32 proposal, bool isRecovery) external {
        if (_asked.length == 0) return;
        by = _any(by);
        proposal = uint32(proposal % _asked.length) + 1;
        Asked storage asked = _asked[proposal - 1];
        Member memory member = consortium.member(by);
        bool isIts = asked.kind == ProposalKind.ReplaceKey && asked.subject == by;
        bool mayAct = member.state != MemberState.Evicted && (!isRecovery || member.recovery == recoveryOf(by));
        bool may = isIts && mayAct && (_isOpen(asked) || _isWaiting(asked));
        bytes32 before = _governed();
        bytes32 content = contentOf(proposal);
        vm.prank(isRecovery ? recoveryOf(by) : approverOf(by));
        (bool ok,) = address(consortium).call(abi.encodeCall(consortium.objectToKey, (proposal, content)));
        require(ok == may, "GOV_1: a member keeps its keys while it objects, and nobody else does");
        require(_governed() == before, "an objection changes nothing");
        asked.isDecided = asked.isDecided || ok;
    }

    /// @dev The lead would change the other party's shares, however the votes have left it.
    function change(uint24 later) external {
        uint24 from = uint24(block.timestamp / 1 days + 719_163) + 31 + later % 1_000;
        Shares[] memory shares = new Shares[](1);
        vm.prank(approverOf(LEAD));
        (bool ok, bytes memory answer) =
            address(facilities).call(abi.encodeCall(facilities.proposeShares, (_facility, from, shares, REASON)));
        if (!ok) return;
        bool isOpen = facilities.change(_facility, abi.decode(answer, (uint32))).state == ChangeState.Open;
        bool isEvicted = consortium.member(2).state == MemberState.Evicted;
        require(isOpen != isEvicted, "terms wait for every party that is not evicted");
    }

    function withdraw(uint16 by, uint32 proposal) external {
        if (_asked.length == 0) return;
        by = _any(by);
        proposal = uint32(proposal % _asked.length) + 1;
        Asked storage asked = _asked[proposal - 1];
        bool may = _acts(by) && (_isOpen(asked) || _isWaiting(asked)) && by == asked.proposer;
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
            bool may = (isLift ? consortium.isActiveBank(banks[i]) : _acts(banks[i])) && banks[i] != subject;
            bool wasIt = _isStopped(subject);
            vm.prank(approverOf(banks[i]));
            (bool ok,) = address(consortium).call(call);
            require(may || !ok, "GOV_1: other active banks alone");
            if (ok && !isLift) _noteStop(subject, banks[i], !wasIt && _isStopped(subject));
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

    /// @dev A bank asked for a stop; where it was the second, the bounds hold.
    function _noteStop(uint16 subject, uint16 by, bool isStopped) private {
        if (!isStopped) {
            _lastAsker[subject] = by;
            return;
        }
        uint16[2] memory parts = [_lastAsker[subject], by];
        for (uint256 i; i < 2; ++i) {
            uint256 last = _tookPartAt[parts[i]];
            require(last == 0 || block.timestamp >= last + 30 days, "a bank takes part in one stop in 30 days");
            _tookPartAt[parts[i]] = block.timestamp;
        }
        if (!consortium.isActiveBank(subject)) return;
        uint256 stopped;
        for (uint16 bank = 1; bank <= consortium.memberCount(); ++bank) {
            if (consortium.isActiveBank(bank) && _isStopped(bank)) ++stopped;
        }
        require(stopped == 1 || 3 * stopped < _banks(), "fewer than a third are stopped, or one");
    }

    function wait(uint256 duration) external {
        vm.warp(block.timestamp + duration % 3 days + 1);
    }

    /// @dev A vote or an enactment went through: it did what the votes allow, and no more.
    function _settle(uint32 proposal, Asked storage asked, bytes32 before, bool inFavour) private {
        ConsortiumProposal memory now_ = consortium.proposal(proposal);
        bool isEnacted = now_.state == ProposalState.Enacted;
        bool isWaiting = now_.state == ProposalState.Waiting;
        require(isEnacted || _governed() == before, "GOV_1: only what is enacted changes anything");
        require(!isEnacted || asked.kind != ProposalKind.ReplaceKey, "GOV_1: keys wait for an objection");
        (uint256 yes, uint256 no) = _count(proposal, asked.subject, isEnacted);
        require(yes == now_.yes && no == now_.no, "the votes that count");
        // who can take a bank out could decide everything before; of three or fewer all the others can
        bool isMajority = yes >= 2 && (yes * 3 > 2 * _banksBefore || (yes == now_.electorate && _banksBefore < 4));
        require((isEnacted || isWaiting) == (isMajority && inFavour), "GOV_1: more than two thirds, at least two");
        asked.isDecided = now_.state != ProposalState.Open && !isWaiting;
        if (isWaiting) asked.dueAt = block.timestamp + 7 days;
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
            return admissionOf(next > MOST_MEMBERS ? 1 : next, Role(value % 4 + 1));
        }
        if (kind == ProposalKind.ChangeRole) return abi.encode(subject, value % 4 + 1);
        if (kind == ProposalKind.ReplaceKey) {
            // not the approver, with which the banks act here
            uint8 purpose = [1, 3, 4][value % 3];
            uint256 secret = uint256(keccak256(abi.encode(_asked.length, block.timestamp))) >> 1;
            return purpose == 4 ? sealingReplacement(subject, bytes32(secret)) : replacement(subject, purpose, secret);
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

    function _banks() private view returns (uint256 banks) {
        for (uint16 bank = 1; bank <= consortium.memberCount(); ++bank) {
            if (consortium.isActiveBank(bank)) ++banks;
        }
    }

    function _acts(uint16 bank) private view returns (bool) {
        return consortium.isActiveBank(bank) && !_isStopped(bank);
    }

    function _isStopped(uint16 number) private view returns (bool) {
        return consortium.member(number).stoppedUntil > block.timestamp;
    }

    function _isOpen(Asked storage asked) private view returns (bool) {
        return !asked.isDecided && asked.dueAt == 0 && block.timestamp < asked.at + 14 days;
    }

    function _isWaiting(Asked storage asked) private view returns (bool) {
        return !asked.isDecided && asked.dueAt != 0 && block.timestamp < asked.dueAt + 14 days;
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
        list[0].selectors = new bytes4[](10);
        list[0].selectors[0] = GovernanceHandler.ask.selector;
        list[0].selectors[1] = GovernanceHandler.cast.selector;
        list[0].selectors[2] = GovernanceHandler.assent.selector;
        list[0].selectors[3] = GovernanceHandler.agree.selector;
        list[0].selectors[4] = GovernanceHandler.enact.selector;
        list[0].selectors[5] = GovernanceHandler.withdraw.selector;
        list[0].selectors[6] = GovernanceHandler.emergency.selector;
        list[0].selectors[7] = GovernanceHandler.wait.selector;
        list[0].selectors[8] = GovernanceHandler.objectTo.selector;
        list[0].selectors[9] = GovernanceHandler.change.selector;
    }

    /// @dev What a single call may change is required within it, by the handler.
    /// forge-config: slow.invariant.runs = 800
    /// forge-config: slow.invariant.depth = 125
    function invariant_GOV_1() external view {
        uint256 banks;
        for (uint16 number = 1; number <= handler.memberCount(); ++number) {
            Member memory member = handler.memberNumbered(number);
            bool isActive = member.state == MemberState.Active;
            bool isBank = isActive && (member.role == Role.Lead || member.role == Role.Partner);
            vm.assertEq(handler.isBank(number) ? 1 : 0, isBank ? 1 : 0, "an active bank");
            if (isBank) ++banks;
        }
        vm.assertTrue(banks >= 2, "two active banks are left");
        bool isKept = handler.memberNumbered(1).role == Role.Lead && handler.memberNumbered(2).role == Role.Partner;
        vm.assertTrue(isKept, "the parties of a facility keep their roles");
    }

    function afterInvariant() external view {
        uint256 banks;
        for (uint16 number = 1; number <= handler.memberCount(); ++number) {
            if (handler.isBank(number)) ++banks;
        }
        for (uint32 proposal = 1; proposal <= handler.askedCount(); ++proposal) {
            ConsortiumProposal memory made = handler.proposalNumbered(proposal);
            bool isUndecided = made.state == ProposalState.Open || made.state == ProposalState.Expired;
            bool isOpen = isUndecided && made.dueAt == 0;
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
            if (kind == 5) _waitAndEnact();
            vm.assertEq(handler.enacted(), ++before, "enacted");
            // an eviction leaves nobody to give a role or a key to
            if (kind == 3) {
                setUpAgain();
                before = 0;
            }
        }
    }

    function _waitAndEnact() private {
        for (uint256 i; i < 3; ++i) {
            handler.wait(3 days - 1);
        }
        handler.enact(0, handler.askedCount() - 1);
    }

    function setUpAgain() private {
        handler = new GovernanceHandler();
    }
}
