import { type AuthChain, AuthLinkType } from '@dcl/schemas'
import { type PeerId, parsePeerId } from '../wire/peer.ts'

/** No client needs more than three links; ten is what signed fetch tolerates. */
const MAX_LINKS = 10
const MAX_LINK_CHARACTERS = 8_192

const signedEntity: ReadonlySet<string> = new Set([
  AuthLinkType.ECDSA_PERSONAL_SIGNED_ENTITY,
  AuthLinkType.ECDSA_EIP_1654_SIGNED_ENTITY,
])
const delegation: ReadonlySet<string> = new Set([AuthLinkType.ECDSA_PERSONAL_EPHEMERAL, AuthLinkType.ECDSA_EIP_1654_EPHEMERAL])
const contractLink: ReadonlySet<string> = new Set([
  AuthLinkType.ECDSA_EIP_1654_EPHEMERAL,
  AuthLinkType.ECDSA_EIP_1654_SIGNED_ENTITY,
])

/**
 * The wallet an auth chain claims to speak for, when the chain has a shape worth checking: signer first, a signed entity last,
 * nothing but delegations between. The library's own validation accepts a single SIGNER link whose payload is the challenge
 * itself (comms.md §4.7), and takes any text a wallet ever signed for the name of a delegate, so these rules come before any
 * cryptography.
 */
export function claimedSigner(chain: AuthChain): PeerId | undefined {
  const [signer] = chain
  const last = chain[chain.length - 1]
  if (!signer || !last || chain.length < 2 || chain.length > MAX_LINKS) return undefined
  if (signer.type !== AuthLinkType.SIGNER || !signedEntity.has(last.type)) return undefined
  if (!chain.slice(1, -1).every(({ type }) => delegation.has(type))) return undefined
  return parsePeerId(signer.payload)
}

/** Whether only a contract on Ethereum can tell if the chain is valid: such a check waits for a server outside. */
export const needsEthereum = (chain: AuthChain): boolean => chain.some(({ type }) => contractLink.has(type))

/** Reads the JSON of an untrusted auth chain; undefined when it is no chain. */
export function parseAuthChain(json: string): AuthChain | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    return undefined
  }
  return Array.isArray(parsed) && parsed.length <= MAX_LINKS && parsed.every(isLink) ? (parsed as AuthChain) : undefined
}

/** Whether something is one link: three strings of bounded length. */
export function isLink(link: unknown): link is AuthChain[number] {
  if (typeof link !== 'object' || link === null) return false
  const { type, payload, signature = '' } = link as Record<string, unknown>
  return [type, payload, signature].every((field) => typeof field === 'string' && field.length <= MAX_LINK_CHARACTERS)
}
