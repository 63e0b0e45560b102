import { parseEphemeralPayload } from '@dcl/crypto'
import { type AuthChain, AuthLinkType } from '@dcl/schemas'
import { addressOfKey, personalMessageHash } from './ethereum-message.ts'
import type { SignatureLibrary } from './signature-library.ts'

/**
 * Whether a chain of plain wallets is valid (comms.md §4.7), by the rules of `@dcl/crypto` and in a fraction of its time: players
 * who come back after a failure wait mostly for this. Only `true` is final; any other chain is checked by `@dcl/crypto`, which
 * finds out what is wrong with it, if anything.
 */
export function isValidPlainChain(
  [signer, ...links]: AuthChain,
  payload: string,
  { library, nowMs }: { library: SignatureLibrary; nowMs: number },
): boolean {
  let authority = signer?.type === AuthLinkType.SIGNER ? signer.payload : ''
  const isSigned = (text: string, signature: string) => isSignedBy(library, authority, text, signature)
  for (const [i, { type, payload: text, signature = '' }] of links.entries()) {
    if (type === AuthLinkType.ECDSA_PERSONAL_SIGNED_ENTITY)
      return i === links.length - 1 && text === payload && isSigned(text, signature)
    if (type !== AuthLinkType.ECDSA_PERSONAL_EPHEMERAL) return false
    const delegation = delegationIn(text)
    if (!delegation || delegation.expiration <= nowMs || !isSigned(delegation.message, signature)) return false
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

/**
 * r and s, 32 bytes each, and which of the two keys that fit: 27 or 28, or 0 or 1 as some wallets have it, with or without a
 * leading zero.
 */
const SIGNATURE = /^0x([0-9a-fA-F]{128})(0?[01]|1[bBcC])$/

function isSignedBy(library: SignatureLibrary, address: string, text: string, signature: string): boolean {
  const [, rs = '', v = ''] = SIGNATURE.exec(signature) ?? []
  if (v === '') return false
  try {
    const recoveryId = Number.parseInt(v, 16) % 27 === 1 ? 1 : 0
    const key = library.recover(personalMessageHash(text), Buffer.from(rs, 'hex'), recoveryId)
    return addressOfKey(key) === address.toLowerCase()
  } catch {
    return false
  }
}
