// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {FoundingMember, KeyProof} from "../types/ConsortiumTypes.sol";

/// @title Proofs that a key is held by who claims it: signatures of typed data (EIP-712)
/// @dev The domain names the chain and the registry's proxy. No nonce is needed: a key is given once, for ever.
library KeyProofs {
    bytes32 private constant _DOMAIN = keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
    bytes32 private constant _DOMAIN_NAME = keccak256("Tallystick");
    bytes32 private constant _ADMISSION = keccak256(
        "Admission(string name,uint8 role,address operator,address approver,address recovery,bytes32 sealingKey)"
    );
    bytes32 private constant _KEY_REPLACEMENT = keccak256("KeyReplacement(uint16 member,uint8 purpose,address key)");

    /// @notice What each of a newcomer's keys signs: all that it is to be admitted with, so that nobody alters a part.
    function ofAdmission(FoundingMember memory newcomer) internal view returns (bytes32 digest) {
        return _digest(
            keccak256(
                abi.encode(
                    _ADMISSION,
                    keccak256(bytes(newcomer.name)),
                    newcomer.role,
                    newcomer.operator,
                    newcomer.approver,
                    newcomer.recovery,
                    newcomer.sealingKey
                )
            )
        );
    }

    /// @notice What a key signs that is to replace another of `member`.
    /// @param key an address in the low bits
    function ofReplacement(uint16 member, uint8 purpose, bytes32 key) internal view returns (bytes32 digest) {
        return _digest(keccak256(abi.encode(_KEY_REPLACEMENT, member, purpose, key)));
    }

    /// @notice Whether `key` made the proof; where there is no key, whether there is no proof.
    /// @param key an address in the low bits; 0 = none
    function isBy(KeyProof memory proof, bytes32 key, bytes32 digest) internal pure returns (bool) {
        if (key == 0) return proof.r == 0 && proof.vs == 0;
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecover(digest, proof.r, proof.vs);
        return fault == ECDSA.RecoverError.NoError && bytes32(uint256(uint160(signer))) == key;
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(_DOMAIN, _DOMAIN_NAME, block.chainid, address(this)));
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }
}
