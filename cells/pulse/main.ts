import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from '../chassis/lifecycle.ts'
import { PULSE_PORT } from '../wire/relay-address.ts'
import { EarlyPort } from './early-port.ts'
import { otherAddressesOf } from './hand-over/other-addresses.ts'

/** A movement relay as a process of its own. @throws UserError when its configuration or one of its ports is not usable */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  // What is wrong with these variables is said when all are read.
  const early = await openEarlyPort(env).catch(() => undefined)
  for (const load of parts) {
    await load()
    if (early) await sleep(RECEIVE_MS)
  }
  const { runRelay } = await import('./relay-process.ts')
  return runRelay(env, early)
}

/** What the program needs, in parts: nothing is received while one is loaded. */
const parts = [() => import('../chassis/config.ts'), () => import('../process.ts'), () => import('../identity/verifier.ts')]
/** After each part: clients whose datagrams wait are answered. */
const RECEIVE_MS = 20

/** Takes the port before the variables are checked: the program that does so is the largest part of what has to be loaded. */
function openEarlyPort({ UDP_SERVER_PORT, UDP_SERVER_ADDRESS, HAND_OVER_FROM, ...env }: NodeJS.ProcessEnv): Promise<EarlyPort> {
  const ownPort = Number(env.HAND_OVER_PORT)
  const from = { host: HAND_OVER_FROM ?? '', port: Number(env.HAND_OVER_FROM_PORT || ownPort), ownPort }
  return EarlyPort.open({
    port: Number(UDP_SERVER_PORT || PULSE_PORT),
    ...(UDP_SERVER_ADDRESS && { address: UDP_SERVER_ADDRESS }),
    hasPredecessor: async () => from.host !== '' && (await otherAddressesOf(from)).length > 0,
  })
}
