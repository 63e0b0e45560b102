import { encodeRequest } from '../../cells/pulse/core/messages/fixtures.ts'
import { signedHeaders } from '../player/signed-fetch.ts'
import { createWallet } from '../player/wallet.ts'

/** The handshake with a movement relay that the wallet of a number signs. */
export function signedHandshake(index: number): Uint8Array {
  const wallet = createWallet(index)
  return handshakeOf(signedHeaders('/', { wallet, method: 'CONNECT' as never, chain: 'two', timestamp: Date.now() }))
}

/** As `signedHandshake`, for a relay that believes every wallet: signing takes a millisecond each. */
export function unsignedHandshake(index: number): Uint8Array {
  const timestamp = String(Date.now())
  const payload = `connect:/:${timestamp}:{}`
  const wallet = `0x${(index + 1).toString(16).padStart(40, '0')}`
  return handshakeOf({
    'x-identity-auth-chain-0': JSON.stringify({ type: 'SIGNER', payload: wallet, signature: '' }),
    'x-identity-auth-chain-1': JSON.stringify({ type: 'ECDSA_SIGNED_ENTITY', payload, signature: '0x' }),
    'x-identity-timestamp': timestamp,
    'x-identity-metadata': '{}',
  })
}

const handshakeOf = (headers: Record<string, string>): Uint8Array =>
  encodeRequest({ handshake: { authChain: Buffer.from(JSON.stringify(headers)) } })
