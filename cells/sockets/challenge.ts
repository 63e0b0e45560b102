import type { ClientAddress } from '../chassis/client-address.ts'
import { randomHex } from '../chassis/random-hex.ts'
import { parseAuthChain } from '../identity/chain.ts'
import type { ChainVerdict, ChainVerifier } from '../identity/verifier.ts'

const CHALLENGE_BYTES = 32

/** A challenge for one socket; see `SignInFacts`. */
export const freshChallenge = (): string => `dcl-${randomHex(CHALLENGE_BYTES)}`

/** Whether the auth chain proves that its wallet signed the challenge. Never rejects. `nowMs` defaults to the clock of the verifier. */
export function verifyChallenge(
  verifier: ChainVerifier,
  { authChainJson, challenge, nowMs }: { authChainJson: string; challenge: string; nowMs?: number },
  client: ClientAddress,
): Promise<ChainVerdict> {
  const chain = parseAuthChain(authChainJson)
  if (!chain) return Promise.resolve({ ok: false, reason: 'this is not an auth chain' })
  return verifier.verify({ chain, payload: challenge, nowMs }, client)
}
