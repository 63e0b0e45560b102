import { createECDH, createHash } from 'node:crypto'
import { Authenticator, type IdentityType } from '@dcl/crypto'
import { computeAddress, createUnsafeIdentity } from '@dcl/crypto/dist/crypto.js'
import { type AuthChain, type AuthLink, AuthLinkType } from '@dcl/schemas'
import { type PeerId, parsePeerId } from '../../cells/wire/peer.ts'

/** A real wallet: its key, its checksummed address as explorers store it, and its peer id. */
export interface Wallet {
  identity: IdentityType
  address: string
  peer: PeerId
  /** The ephemeral key of the wallet's explorer: created at first use, valid for a day. */
  delegation(): Delegation
}

/** A wallet's signed delegation to an ephemeral key (comms.md §4.7). */
export interface Delegation {
  key: IdentityType
  link: AuthLink
}

/** How a player signs: two links as guests do, three as players with a browser wallet do. */
export type ChainKind = 'two' | 'three'

const DAY_MS = 24 * 3600 * 1000

/** A wallet; the same one for the same seed, a random one without. */
export const createWallet = (seed?: string | number): Wallet =>
  seed === undefined ? walletOf(createUnsafeIdentity()) : walletOfKey(createHash('sha256').update(`wallet ${seed}`).digest('hex'))

/** The wallet of a private key, 32 bytes in hex. */
export function walletOfKey(privateKey: string): Wallet {
  const curve = createECDH('secp256k1')
  curve.setPrivateKey(privateKey, 'hex')
  const publicKey = curve.getPublicKey().subarray(1) // without the byte that says "uncompressed"
  return walletOf({ privateKey, publicKey: publicKey.toString('hex'), address: computeAddress(publicKey) })
}

function walletOf(identity: IdentityType): Wallet {
  const peer = parsePeerId(identity.address)
  if (!peer) throw new Error(`no address: ${identity.address}`)
  let delegation: Delegation | undefined
  const wallet: Wallet = {
    identity,
    address: identity.address,
    peer,
    delegation: () => {
      delegation ??= delegate(wallet)
      return delegation
    },
  }
  return wallet
}

/**
 * Lets an ephemeral key sign for the wallet until `expiresAt`: by default a day from now; a past time makes an expired
 * delegation.
 */
export function delegate(wallet: Wallet, expiresAt = new Date(Date.now() + DAY_MS), key = createUnsafeIdentity()): Delegation {
  const payload = Authenticator.getEphemeralMessage(key.address, expiresAt)
  return { key, link: { type: AuthLinkType.ECDSA_PERSONAL_EPHEMERAL, payload, signature: sign(wallet.identity, payload) } }
}

/** The chain of the given kind. */
export const chainOf = (kind: ChainKind, wallet: Wallet, payload: string): AuthChain =>
  kind === 'two' ? twoLinkChain(wallet, payload) : threeLinkChain(wallet, payload)

/** The wallet signs the payload itself. */
export const twoLinkChain = (wallet: Wallet, payload: string): AuthChain => [
  signer(wallet),
  { type: AuthLinkType.ECDSA_PERSONAL_SIGNED_ENTITY, payload, signature: sign(wallet.identity, payload) },
]

/** An ephemeral key signs the payload for the wallet. */
export const threeLinkChain = (wallet: Wallet, payload: string, delegation = wallet.delegation()): AuthChain => [
  signer(wallet),
  delegation.link,
  { type: AuthLinkType.ECDSA_PERSONAL_SIGNED_ENTITY, payload, signature: sign(delegation.key, payload) },
]

/** The chain of a contract wallet: its delegation has the type EIP-1654, which only the contract on the blockchain can verify. */
export const contractWalletChain = (wallet: Wallet, payload: string, delegation = wallet.delegation()): AuthChain => [
  signer(wallet),
  { ...delegation.link, type: AuthLinkType.ECDSA_EIP_1654_EPHEMERAL },
  { type: AuthLinkType.ECDSA_PERSONAL_SIGNED_ENTITY, payload, signature: sign(delegation.key, payload) },
]

/** A forgery that the signature library accepts: a single link, whose "wallet" is the text to be signed. */
export const oneLinkChain = (payload: string): AuthChain => [{ type: AuthLinkType.SIGNER, payload, signature: '' }]

const signer = (wallet: Wallet): AuthLink => ({ type: AuthLinkType.SIGNER, payload: wallet.address, signature: '' })

const sign = (identity: IdentityType, text: string): string => Authenticator.createSignature(identity, text)
