import { Authenticator } from '@dcl/crypto'
import type { AuthChain } from '@dcl/schemas'
import { silentLog } from '../cells/chassis/log.ts'
import { createVerifier } from '../cells/identity/verifier.ts'
import { createWallet, threeLinkChain } from '../testing/player/wallet.ts'
import type { Figure } from './figure.ts'

export const name = 'identity'

const PLAYERS = 500
const RETURNS = 4
const REFERENCE_CHECKS = 200
const IN_FLIGHT = 100

/**
 * Auth chains of three links, checked by one thread, beside the same check by `@dcl/crypto` in line. All in processor time of the
 * whole process, so that a busy machine changes little: messages to the thread and back are part of it.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const wallets = Array.from({ length: PLAYERS }, (_, i) => createWallet(`bench ${i}`))
  const signed = (round: number) => wallets.map((wallet, i) => threeLinkChain(wallet, textOf(i, round)))
  const [first, ...returns] = Array.from({ length: 1 + RETURNS }, (_, round) => signed(round))
  const verifier = createVerifier({ log: silentLog, workers: 1 })
  await verifier.warmUp()

  const check = async (chain: AuthChain, i: number) => {
    const client = { network: `192.0.2.${i % IN_FLIGHT}`, isOneClient: true }
    const { ok } = await verifier.verify({ chain, payload: chain.at(-1)?.payload ?? '' }, client)
    if (!ok) throw new Error('a valid chain was refused')
  }
  const reference = async (chain: AuthChain) => {
    const { ok } = await Authenticator.validateSignature(chain.at(-1)?.payload ?? '', chain, null)
    if (!ok) throw new Error('a valid chain was refused')
  }
  await perSecond((first ?? []).slice(0, REFERENCE_CHECKS), reference) // warms up
  const references = await perSecond((first ?? []).slice(0, REFERENCE_CHECKS), reference)
  const ofNew = await perSecond(first ?? [], check)
  const ofReturning = await perSecond(returns.flat(), check)
  await verifier.close()

  const note = `${await verifier.library} library, with the messages to the thread`
  report({ what: 'chains of new players', value: ofNew, unit: 'per s and core', note })
  report({ what: 'chains of returning players', value: ofReturning, unit: 'per s and core', note: 'their delegation is known' })
  report({ what: '@dcl/crypto in line', value: references, unit: 'per s and core', note: 'the reference' })
  report({ what: 'new players against @dcl/crypto', value: ofNew / references, unit: 'x' })
  report({
    what: 'returning players against @dcl/crypto',
    value: ofReturning / references,
    unit: 'x',
    note: 'at least 10 is the goal',
  })
}

/** Each text is signed once, as challenges are. */
const textOf = (player: number, round: number) => `dcl-${round}-${player}`

/** Checks per second of processor time; some are under way at a time, in the order of the chains. */
async function perSecond(chains: readonly AuthChain[], check: (chain: AuthChain, i: number) => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  const work = chains.entries()
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const [i, chain] of work) await check(chain, i)
    }),
  )
  const { user, system } = process.cpuUsage(before)
  return chains.length / ((user + system) / 1e6)
}
