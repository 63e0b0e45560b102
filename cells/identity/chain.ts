import type { AuthChain } from '@dcl/schemas'
import { type PeerId, parsePeerId } from '../wire/peer.ts'
import { AUTH_LINK } from './auth-link-types.ts'

/** Links of the longest chain that a client sends: the wallet, its delegation, the signed text (comms.md §4.7). */
const MAX_LINKS = 3
const MAX_LINK_CHARACTERS = 8_192

/** A signature that a chain claims to contain; it has not been checked. */
export interface ClaimedSignature {
  /** What can tell whether it is valid: the key of the wallet, or the contract at its address (EIP-1654). */
  readonly checkedBy: 'key' | 'contract'
  readonly signer: PeerId
  readonly text: string
  /** Of a wallet with a key: 65 bytes in hexadecimal. */
  readonly signature: string
  /** Whether `text` lets another key sign for the signer. */
  readonly isDelegation: boolean
}

/** What a chain says: that `peer` signed the payload, if all signatures are valid. */
export interface ChainClaim {
  readonly peer: PeerId
  readonly signatures: readonly ClaimedSignature[]
}

const linkTypes: Readonly<Record<string, Pick<ClaimedSignature, 'checkedBy' | 'isDelegation'> | undefined>> = {
  [AUTH_LINK.delegation]: { checkedBy: 'key', isDelegation: true },
  [AUTH_LINK.contractDelegation]: { checkedBy: 'contract', isDelegation: true },
  [AUTH_LINK.signedText]: { checkedBy: 'key', isDelegation: false },
  [AUTH_LINK.contractSignedText]: { checkedBy: 'contract', isDelegation: false },
}

/** 32 bytes of r and of s, and which of the two keys that fit: 27 or 28, or 0 or 1 as some wallets have it. */
const KEY_SIGNATURE = /^0x[0-9a-fA-F]{128}(?:0?[01]|1[bBcC])$/
/** Of a contract: any number of bytes. */
const CONTRACT_SIGNATURE = /^0x(?:[0-9a-fA-F]{2})+$/

/**
 * Everything about an auth chain that can be decided without cryptography: signer first, delegations that have not expired between,
 * a signature of `payload` last. `@dcl/crypto` also accepts a single SIGNER link whose payload is the challenge itself (comms.md
 * §4.7), and takes any text a wallet ever signed for the name of a delegate; this does not.
 *
 * @returns the signatures to check, or the reason why the chain is not valid
 */
export function readChain(chain: AuthChain, payload: string, nowMs: number): ChainClaim | { readonly reason: string } {
  const [signer, ...links] = chain
  if (chain.length > MAX_LINKS) return { reason: `a chain has at most ${MAX_LINKS} links; this one has ${chain.length}` }
  const peer = signer?.type === AUTH_LINK.signer ? parsePeerId(signer.payload) : undefined
  if (!peer || links.length === 0) return { reason: 'the chain must start with a wallet and end with a signed text' }
  const signatures: ClaimedSignature[] = []
  let by = peer
  for (const [index, { type, payload: text, signature = '' }] of links.entries()) {
    const isLast = index === links.length - 1
    const link = linkTypes[type]
    if (!link || link.isDelegation === isLast)
      return { reason: 'the chain must start with a wallet, delegate, and end with a signed text' }
    if (!(link.checkedBy === 'key' ? KEY_SIGNATURE : CONTRACT_SIGNATURE).test(signature))
      return { reason: `the signature of link ${index + 1} is not one in hexadecimal` }
    const delegation = link.isDelegation ? readDelegation(text) : undefined
    if (delegation && 'reason' in delegation) return delegation
    if (delegation && delegation.expiresAt <= nowMs)
      return { reason: `the delegation expired at ${new Date(delegation.expiresAt).toISOString()}` }
    if (isLast && text !== payload) return { reason: 'the chain signs another text' }
    signatures.push({ ...link, signer: by, text: delegation?.text ?? text, signature })
    if (delegation) by = delegation.delegate
  }
  return { peer, signatures }
}

const DELEGATE = 'Ephemeral address: '
const EXPIRATION = 'Expiration: '

/** Reads the text of a delegation: any first line, the address of the delegate, the time until which it may sign. */
function readDelegation(payload: string): { text: string; delegate: PeerId; expiresAt: number } | { reason: string } {
  const text = payload.replaceAll('\r', '') // as wallets sign it
  const [, address, expiration] = text.split('\n')
  if (!address?.startsWith(DELEGATE) || !expiration?.startsWith(EXPIRATION))
    return { reason: 'the delegation names no ephemeral address and expiration' }
  const delegate = parsePeerId(address.slice(DELEGATE.length).toLowerCase())
  const expiresAt = Date.parse(expiration.slice(EXPIRATION.length))
  if (!delegate) return { reason: 'the delegation is not to an Ethereum address' }
  return Number.isNaN(expiresAt) ? { reason: 'the delegation has no date of expiration' } : { text, delegate, expiresAt }
}

/** Reads the JSON of an untrusted auth chain; undefined when it is no chain. */
export function parseAuthChain(json: string): AuthChain | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    return undefined
  }
  return Array.isArray(parsed) && parsed.every(isLink) ? (parsed as AuthChain) : undefined
}

/** Whether something is one link: three strings of bounded length. */
export function isLink(link: unknown): link is AuthChain[number] {
  if (typeof link !== 'object' || link === null) return false
  const { type, payload, signature = '' } = link as Record<string, unknown>
  return [type, payload, signature].every((field) => typeof field === 'string' && field.length <= MAX_LINK_CHARACTERS)
}
