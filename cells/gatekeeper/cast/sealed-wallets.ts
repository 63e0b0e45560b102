import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'

const CIPHER = 'aes-256-gcm'
const [IV_BYTES, WALLET_BYTES, TAG_BYTES] = [12, 20, 16]

/**
 * Seals the wallet of a watcher into its identity, so that every replica can remove a banned one, and no other participant can read
 * whose it is. A secret that was changed ends the connections too, because LiveKit restarts with it.
 */
export class SealedWallets {
  readonly #key: Buffer

  constructor(secret: string) {
    this.#key = createHash('sha256').update(`wallets of watchers ${secret}`).digest()
  }

  /** Another text each time. */
  seal(wallet: PeerId): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(CIPHER, this.#key, iv)
    const sealed = Buffer.concat([cipher.update(Buffer.from(wallet.slice(2), 'hex')), cipher.final()])
    return Buffer.concat([iv, sealed, cipher.getAuthTag()]).toString('base64url')
  }

  /** Undefined for any other text. */
  open(text: string): PeerId | undefined {
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length !== IV_BYTES + WALLET_BYTES + TAG_BYTES) return undefined
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, IV_BYTES))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    try {
      const wallet = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
      return parsePeerId(`0x${wallet.toString('hex')}`)
    } catch {
      return undefined
    }
  }
}
