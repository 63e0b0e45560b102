import type { Clock } from '../chassis/clock.ts'
import { withDeadline } from '../chassis/deadline.ts'
import { messageOf, Refusal } from '../chassis/errors.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import type { Rejection, SignedClaim } from './core/signed-request.ts'

/** Signatures that may wait here: some seconds of work for one core. Beyond, players are asked to come back. */
const MAX_SIGNATURES_WAITING = 1_000
const SIGNATURE_TIMEOUT_MS = 10_000

/**
 * The last step of gatekeeper.md §2.3: whether the wallet a request claims really signed it. Nothing when it did.
 *
 * @throws Refusal UNAVAILABLE when that cannot be found out now. Upstream answers 401 whatever the cause; explorers take 401
 * for "forbidden here", so being busy must not look like it.
 */
export async function checkSignature(
  { chain, payload }: SignedClaim,
  nowMs: number,
  { verifier, clock }: { verifier: ChainVerifier; clock: Clock },
): Promise<Rejection | undefined> {
  if (verifier.pending >= MAX_SIGNATURES_WAITING) throw new Refusal('UNAVAILABLE', 'Too many signatures are being checked')
  const verdict = await withDeadline(verifier.verify(chain, payload, nowMs), {
    clock,
    ms: SIGNATURE_TIMEOUT_MS,
    what: 'checking a signature',
  }).catch((error: unknown) => ({ ok: false, undecided: true, reason: messageOf(error) }) as const)
  if (verdict.ok) return undefined
  if (verdict.undecided) throw new Refusal('UNAVAILABLE', `The signature could not be checked: ${verdict.reason}`)
  return { status: 401, cause: 'signature', message: `Invalid signature: ${verdict.reason}` }
}
