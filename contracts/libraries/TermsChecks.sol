// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IFacilityRegistry} from "../interfaces/IFacilityRegistry.sol";
import {FacilityTerms, PartnerTerms, Rules} from "../types/FacilityTypes.sol";
import {Limits} from "./Limits.sol";
import {Splits} from "./Splits.sol";

/// @title What a facility's terms must satisfy on their own, whoever is a member
library TermsChecks {
    /// @dev 64 characters of UTF-8.
    uint256 private constant _MAX_TEXT_BYTES = 256;
    uint256 private constant _MAX_DECIMALS = 4;
    uint256 private constant _MAX_PARTNERS = 254;
    uint256 private constant _MAX_READERS = 254;
    uint256 private constant _MAX_SEALED_BYTES = 256;

    function check(FacilityTerms calldata terms) internal pure {
        if (!_isText(terms.id)) revert IFacilityRegistry.FacilityBadId(terms.id);
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
        if (terms.readers.length > _MAX_READERS) {
            revert IFacilityRegistry.FacilityTooManyReaders(terms.readers.length, _MAX_READERS);
        }
        for (uint256 i; i < terms.readers.length; ++i) {
            _checkSealed(terms.readers[i].member, terms.readers[i].sealedReferenceKey);
        }
    }

    function checkRules(Rules calldata rules) internal pure {
        if (rules.amountTolerance > Limits.MAX_AMOUNT) {
            revert IFacilityRegistry.FacilityToleranceTooLarge(rules.amountTolerance, Limits.MAX_AMOUNT);
        }
        if (rules.cutOffSeconds >= 1 days) revert IFacilityRegistry.FacilityBadCutOff(rules.cutOffSeconds);
    }

    function _checkPartners(PartnerTerms[] calldata partners) private pure {
        if (partners.length == 0 || partners.length > _MAX_PARTNERS) {
            revert IFacilityRegistry.FacilityBadPartnerCount(partners.length, _MAX_PARTNERS);
        }
        uint256 principal;
        uint256 interest;
        uint256 fee;
        for (uint256 i; i < partners.length; ++i) {
            principal += partners[i].shares.principalBps;
            interest += partners[i].shares.interestBps;
            fee += partners[i].shares.feeBps;
            _checkSealed(partners[i].member, partners[i].sealedReferenceKey);
        }
        if (principal > Splits.WHOLE_BPS) revert IFacilityRegistry.FacilitySharesAboveWhole(0, principal);
        if (interest > Splits.WHOLE_BPS) revert IFacilityRegistry.FacilitySharesAboveWhole(1, interest);
        if (fee > Splits.WHOLE_BPS) revert IFacilityRegistry.FacilitySharesAboveWhole(2, fee);
    }

    function _checkSealed(uint16 member, bytes calldata sealedKey) private pure {
        if (sealedKey.length > _MAX_SEALED_BYTES) {
            revert IFacilityRegistry.FacilityBadSealedKey(member, sealedKey.length, _MAX_SEALED_BYTES);
        }
    }

    function _isText(string calldata text) private pure returns (bool) {
        return bytes(text).length != 0 && bytes(text).length <= _MAX_TEXT_BYTES;
    }

    function _isCurrency(string calldata currency) private pure returns (bool) {
        bytes calldata letters = bytes(currency);
        if (letters.length != 3) return false;
        for (uint256 i; i < 3; ++i) {
            if (letters[i] < "A" || letters[i] > "Z") return false;
        }
        return true;
    }
}
