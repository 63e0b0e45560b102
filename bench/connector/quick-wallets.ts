import { createHash } from 'node:crypto'
import bindings from 'secp256k1/bindings.js'
import { AUTH_LINK } from '../../cells/identity/auth-link-types.ts'
import { addressOfKey, personalMessageHash } from '../../cells/identity/ethereum-message.ts'

const DAY_MS = 24 * 3600 * 1000

/**
 * The wallet of a player who has played before: it keeps its delegation for a day, as explorers do, and signs in some 50 µs, so that what a
 * load of them costs is not mistaken for what a connector costs.
 */
export interface QuickWallet {
  readonly address: string
  /** The JSON of a chain of three links that signs a challenge. */
  chainOf(challenge: string): string
}

/** A wallet; the same keys for the same seed. */
export function quickWallet(seed: string): QuickWallet {
  const [owner, delegate] = [keyOf(seed), keyOf(`${seed}, delegate`)]
  const expiration = new Date(Date.now() + DAY_MS).toISOString()
  const text = `Decentraland Login\nEphemeral address: ${delegate.address}\nExpiration: ${expiration}`
  const known = [
    { type: AUTH_LINK.signer, payload: owner.address, signature: '' },
    { type: AUTH_LINK.delegation, payload: text, signature: owner.sign(text) },
  ]
  return {
    address: owner.address,
    chainOf: (payload) => JSON.stringify([...known, { type: AUTH_LINK.signedText, payload, signature: delegate.sign(payload) }]),
  }
}

function keyOf(seed: string) {
  const key = createHash('sha256').update(`wallet ${seed}`).digest()
  return {
    address: addressOfKey(bindings.publicKeyCreate(key, false)),
    sign(text: string): string {
      const { signature, recid } = bindings.ecdsaSign(personalMessageHash(text), key)
      return `0x${Buffer.from(signature).toString('hex')}${(27 + recid).toString(16)}`
    },
  }
}
