import { randomBytes } from 'node:crypto'
import { parseAuthChain } from '../identity/chain.ts'
import type { ChainVerdict, ChainVerifier } from '../identity/verifier.ts'

const CHALLENGE_BYTES = 32

/** A challenge for one socket; see `SignInFacts`. */
export const freshChallenge = (): string => `dcl-${randomBytes(CHALLENGE_BYTES).toString('hex')}`

/** Whether the auth chain proves that its wallet signed the challenge. Never rejects. `nowMs` defaults to the system clock. */
export function verifyChallenge(
  verifier: ChainVerifier,
  { authChainJson, challenge }: { authChainJson: string; challenge: string },
  nowMs?: number,
): Promise<ChainVerdict> {
  const chain = parseAuthChain(authChainJson)
  return chain ? verifier.verify(chain, challenge, nowMs) : Promise.resolve({ ok: false, reason: 'this is not an auth chain' })
}
