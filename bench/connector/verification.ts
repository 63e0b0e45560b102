import { silentLog } from '../../cells/chassis/log.ts'
import { parseAuthChain } from '../../cells/identity/chain.ts'
import { createVerifier } from '../../cells/identity/verifier.ts'
import { type QuickWallet, quickWallet } from './quick-wallets.ts'

const PLAYERS = 1_000
const IN_FLIGHT = 100

/** Seconds of processor time in which one chain is verified, messages to the thread included: the first one of a player, and later ones. */
export async function verificationSeconds(): Promise<{ new: number; returning: number }> {
  const walletsOf = (crowd: string) => Array.from({ length: PLAYERS }, (_, i) => quickWallet(`${crowd} ${i}`))
  const verifier = createVerifier({ log: silentLog, workers: 1 })
  await verifier.warmUp()
  async function round(wallets: readonly QuickWallet[], number: number): Promise<number> {
    const chains = wallets.map((wallet, i) => [`dcl-${number}${i}`, wallet.chainOf(`dcl-${number}${i}`)] as const)
    const work = chains.entries()
    const before = process.cpuUsage()
    const inTurn = async () => {
      for (const [i, [payload, json]] of work) {
        const chain = parseAuthChain(json) ?? []
        const { ok } = await verifier.verify({ chain, payload }, { network: `192.0.2.${i % IN_FLIGHT}`, isOneClient: true })
        if (!ok) throw new Error('a valid chain was refused')
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, inTurn))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1e6 / PLAYERS
  }
  const [before, crowd] = [walletsOf('before'), walletsOf('crowd')]
  for (const number of [0, 1]) await round(before, number) // warms up
  const times = { new: await round(crowd, 2), returning: await round(crowd, 3) }
  await verifier.close()
  return times
}
