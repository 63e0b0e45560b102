import { fork } from 'node:child_process'
import { once } from 'node:events'
import { systemClock } from '../chassis/clock.ts'
import { exitProcess } from '../chassis/exit-process.ts'
import type { Running } from '../chassis/lifecycle.ts'
import { createLog } from '../chassis/log.ts'
import { PULSE_PORT } from '../wire/relay-address.ts'
import { openEarlyPort } from './early-port.ts'
import { otherAddressesOf } from './hand-over/other-addresses.ts'
import { RELAY_FLAGS } from './relay-flags.ts'
import { type FromRelay, PORT_IS_FREE, RelaySupervisor, type Restart } from './relay-supervisor.ts'

/** Set by the supervisor in the process of the relay: how often it has started it again. */
const RESTARTS = 'RELAY_RESTARTS'

/** A movement relay as a process of its own, and one that starts it again. @throws UserError when its configuration or a port is not usable */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  if (env[RESTARTS] !== undefined && process.send) return relay(env)
  const supervisor = new RelaySupervisor({
    start: (restart) => {
      const port = restart && { UDP_SERVER_PORT: String(restart.port) }
      const relayEnv = { ...env, ...port, [RESTARTS]: String(restart?.number ?? 0) }
      return fork(process.argv[1] ?? '', process.argv.slice(2), {
        env: relayEnv,
        execArgv: [...process.execArgv, ...RELAY_FLAGS],
      })
    },
    // What is wrong with these variables is said by the relay.
    openPort: (restart) => earlyPort(env, restart).catch(() => undefined),
    exit: exitProcess,
    clock: systemClock,
    log: createLog('pulse'),
  })
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => supervisor.signal(signal))
  return supervisor
}

async function relay(env: NodeJS.ProcessEnv): Promise<Running> {
  const tell = (message: FromRelay) => process.send?.(message)
  // The supervisor was killed.
  process.once('disconnect', () => exitProcess(1))
  const { runRelay } = await import('./relay-process.ts')
  const { running, port } = await runRelay(env, async () => {
    tell({ kind: 'needsPort' })
    for (let message: unknown; message !== PORT_IS_FREE; ) [message] = await once(process, 'message')
  })
  tell({ kind: 'serving', port, stopDeadlineMs: running.stopDeadlineMs })
  return running
}

/** Takes the port before the variables are checked: the program that does so is the largest part of what has to be loaded. */
async function earlyPort({ UDP_SERVER_PORT, UDP_SERVER_ADDRESS, HAND_OVER_FROM, ...env }: NodeJS.ProcessEnv, restart?: Restart) {
  const port = restart?.port ?? Number(UDP_SERVER_PORT || PULSE_PORT)
  // Any free port: no client can know it.
  if (port === 0) return undefined
  const ownPort = Number(env.HAND_OVER_PORT)
  const from = { host: HAND_OVER_FROM ?? '', port: Number(env.HAND_OVER_FROM_PORT || ownPort), ownPort }
  return openEarlyPort({
    port,
    ...(UDP_SERVER_ADDRESS && { address: UDP_SERVER_ADDRESS }),
    hasPredecessor: async () => !restart && from.host !== '' && (await otherAddressesOf(from)).length > 0,
  })
}
