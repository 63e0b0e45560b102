import { Authenticator } from '@dcl/crypto'
import { createUnsafeIdentity } from '@dcl/crypto/dist/crypto.js'

/** A wallet that exists for one visit. */
export interface ThrowAwayWallet {
  address: string
  /** The chain of signatures (ADR-45) under a text, as JSON: the wallet, and its signature. */
  sign(text: string): { type: string; payload: string; signature: string }[]
}

export function throwAwayWallet(): ThrowAwayWallet {
  const identity = createUnsafeIdentity()
  return {
    address: identity.address,
    sign: (text) => [
      { type: 'SIGNER', payload: identity.address, signature: '' },
      { type: 'ECDSA_SIGNED_ENTITY', payload: text, signature: Authenticator.createSignature(identity, text) },
    ],
  }
}
