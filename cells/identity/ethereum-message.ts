import { createKeccak } from 'hash-wasm'
import { type PeerId, parsePeerId } from '../wire/peer.ts'

const hasher = await createKeccak(256)

/** Length of an Ethereum address; it is the end of the hash of a public key. */
const ADDRESS_BYTES = 20

/** The Keccak-256 hash of bytes: 32 bytes. */
export const keccak256 = (data: Uint8Array): Uint8Array => hasher.init().update(data).digest('binary')

/** The hash that a wallet signs when it signs a text as a person (EIP-191). */
export function personalMessageHash(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8')
  return keccak256(Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${bytes.length}`), bytes]))
}

/** The address of a public key of 65 bytes. */
export function addressOfKey(key: Uint8Array): PeerId {
  const address = Buffer.from(keccak256(key.subarray(1)).subarray(-ADDRESS_BYTES)).toString('hex')
  const peer = parsePeerId(`0x${address}`)
  if (!peer) throw new Error('a hash is no address')
  return peer
}
