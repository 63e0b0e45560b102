import { createEthereumMessageHash, parseEphemeralPayload } from '@dcl/crypto'
import { computeAddress } from '@dcl/crypto/dist/crypto.js'
import { type AuthChain, AuthLinkType } from '@dcl/schemas'
import { recover } from 'tiny-secp256k1'

/**
 * Whether a chain of plain wallets is valid (comms.md §4.7), by the rules of the signature library and in a third of its time:
 * players who come back after a failure wait mostly for this. Only `true` is final; any other chain is checked by the library,
 * which finds out what is wrong with it, if anything.
 */
export function isValidPlainChain([signer, ...links]: AuthChain, payload: string, nowMs: number): boolean {
  let authority = signer?.type === AuthLinkType.SIGNER ? signer.payload : ''
  for (const [i, { type, payload: text, signature = '' }] of links.entries()) {
    if (type === AuthLinkType.ECDSA_PERSONAL_SIGNED_ENTITY)
      return i === links.length - 1 && text === payload && isSignedBy(authority, text, signature)
    if (type !== AuthLinkType.ECDSA_PERSONAL_EPHEMERAL) return false
    const delegation = delegationIn(text)
    if (!delegation || delegation.expiration <= nowMs || !isSignedBy(authority, delegation.message, signature)) return false
    authority = delegation.ephemeralAddress
  }
  return false
}

function delegationIn(text: string): ReturnType<typeof parseEphemeralPayload> | undefined {
  try {
    return parseEphemeralPayload(text)
  } catch {
    return undefined
  }
}

/** r and s, 32 bytes each, and which of the two keys that fit: 27 or 28, or 0 or 1 as some wallets have it. */
const SIGNATURE = /^0x([0-9a-f]{128})(00|01|1b|1c)$/i

function isSignedBy(address: string, text: string, signature: string): boolean {
  const [, rs = '', v = ''] = SIGNATURE.exec(signature) ?? []
  if (v === '') return false
  try {
    const key = recover(createEthereumMessageHash(text), Buffer.from(rs, 'hex'), Number.parseInt(v, 16) % 27 === 1 ? 1 : 0, false)
    return key !== null && computeAddress(key).toLowerCase() === address.toLowerCase()
  } catch {
    return false
  }
}
