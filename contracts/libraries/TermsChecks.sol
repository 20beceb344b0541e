// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IFacilityRegistry} from "../interfaces/IFacilityRegistry.sol";
import {Bounds, FacilityTerms, PartnerTerms, Rules, Shares} from "../types/FacilityTypes.sol";
import {Limits} from "./Limits.sol";
import {Splits} from "./Splits.sol";

/// @title What a facility's terms must satisfy on their own, whoever is a member
library TermsChecks {
    /// @dev 64 characters of UTF-8.
    uint256 private constant _MAX_TEXT_BYTES = 256;
    uint256 private constant _MAX_ID_BYTES = 64;
    /// @dev Bit n: an id may hold the byte n.
    uint256 private constant _ID_BYTES = 0x7fffffe87fffffe03ff6 << 44;
    uint256 private constant _MAX_DECIMALS = 4;
    uint256 private constant _MAX_PARTNERS = 254;
    uint256 private constant _MAX_READERS = 254;
    uint256 private constant _MAX_SEALED_BYTES = 256;
    /// @dev Principal, interest, fee.
    uint256 private constant _COMPONENTS = 3;

    /// @return firstShares the first version of the shares, as the partners' terms hold it
    function check(FacilityTerms memory terms) internal pure returns (Shares[] memory firstShares) {
        if (!_isId(terms.id)) revert IFacilityRegistry.FacilityBadId(terms.id);
        if (!_isText(terms.timeZone)) revert IFacilityRegistry.FacilityBadTimeZone(terms.timeZone);
        if (!_isCurrency(terms.currency) || terms.decimals > _MAX_DECIMALS) {
            revert IFacilityRegistry.FacilityBadCurrency(terms.currency, terms.decimals);
        }
        if (terms.rules.effectiveFrom != 0) {
            revert IFacilityRegistry.FacilityFirstRulesDated(terms.rules.effectiveFrom);
        }
        checkRules(terms.rules);
        _checkSealed(terms.lead, terms.leadSealedReferenceKey);
        _checkPartners(terms.partners);
        _checkBounds(terms.bounds);
        firstShares = new Shares[](terms.partners.length);
        for (uint256 i; i < firstShares.length; ++i) {
            firstShares[i] = terms.partners[i].shares;
        }
        checkShares(firstShares, terms.bounds);
        if (terms.readers.length > _MAX_READERS) {
            revert IFacilityRegistry.FacilityTooManyReaders(terms.readers.length, _MAX_READERS);
        }
        for (uint256 i; i < terms.readers.length; ++i) {
            _checkSealed(terms.readers[i].member, terms.readers[i].sealedReferenceKey);
        }
    }

    function checkRules(Rules memory rules) internal pure {
        if (rules.amountTolerance > Limits.MAX_AMOUNT) {
            revert IFacilityRegistry.FacilityToleranceTooLarge(rules.amountTolerance, Limits.MAX_AMOUNT);
        }
        if (rules.cutOffSeconds >= 1 days) revert IFacilityRegistry.FacilityBadCutOff(rules.cutOffSeconds);
    }

    /// @dev A version of the shares, each partner's at place n - 1: no component above the whole, all within the bounds.
    function checkShares(Shares[] memory shares, Bounds memory bounds) internal pure {
        uint256 largest = bounds.largestPartnerBps == 0 ? Splits.WHOLE_BPS : bounds.largestPartnerBps;
        for (uint256 component; component < _COMPONENTS; ++component) {
            uint256 sum;
            for (uint256 i; i < shares.length; ++i) {
                sum += _bpsOf(shares[i], component);
            }
            if (sum > Splits.WHOLE_BPS) revert IFacilityRegistry.FacilitySharesAboveWhole(uint8(component), sum);
            uint256 rest = Splits.WHOLE_BPS - sum;
            if (rest < bounds.leastLeadBps) {
                revert IFacilityRegistry.FacilityLeadBelowBound(uint8(component), rest, bounds.leastLeadBps);
            }
            for (uint256 i; i < shares.length; ++i) {
                uint256 bps = _bpsOf(shares[i], component);
                if (bps > largest) {
                    revert IFacilityRegistry.FacilityPartnerAboveBound(i + 1, uint8(component), bps, largest);
                }
            }
        }
    }

    function _checkPartners(PartnerTerms[] memory partners) private pure {
        if (partners.length == 0 || partners.length > _MAX_PARTNERS) {
            revert IFacilityRegistry.FacilityBadPartnerCount(partners.length, _MAX_PARTNERS);
        }
        for (uint256 i; i < partners.length; ++i) {
            _checkSealed(partners[i].member, partners[i].sealedReferenceKey);
        }
    }

    function _checkBounds(Bounds memory bounds) private pure {
        if (bounds.leastLeadBps > Splits.WHOLE_BPS || bounds.largestPartnerBps > Splits.WHOLE_BPS) {
            revert IFacilityRegistry.FacilityBadBounds(bounds.leastLeadBps, bounds.largestPartnerBps);
        }
    }

    function _checkSealed(uint16 member, bytes memory sealedKey) private pure {
        if (sealedKey.length > _MAX_SEALED_BYTES) {
            revert IFacilityRegistry.FacilityBadSealedKey(member, sealedKey.length, _MAX_SEALED_BYTES);
        }
    }

    function _bpsOf(Shares memory shares, uint256 component) private pure returns (uint256) {
        if (component == 0) return shares.principalBps;
        return component == 1 ? shares.interestBps : shares.feeBps;
    }

    /// @dev 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a point: fit for addresses and for names of files.
    function _isId(string memory id) private pure returns (bool) {
        bytes memory text = bytes(id);
        if (text.length == 0 || text.length > _MAX_ID_BYTES || text[0] == ".") return false;
        for (uint256 i; i < text.length; ++i) {
            if (_ID_BYTES & (1 << uint8(text[i])) == 0) return false;
        }
        return true;
    }

    function _isText(string memory text) private pure returns (bool) {
        return bytes(text).length != 0 && bytes(text).length <= _MAX_TEXT_BYTES;
    }

    function _isCurrency(string memory currency) private pure returns (bool) {
        bytes memory letters = bytes(currency);
        if (letters.length != 3) return false;
        for (uint256 i; i < 3; ++i) {
            if (letters[i] < "A" || letters[i] > "Z") return false;
        }
        return true;
    }
}
