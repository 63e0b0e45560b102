import type { Clock } from '../../cells/chassis/clock.ts'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import type { ChainVerifier } from '../../cells/identity/verifier.ts'
import { type Pulse, startPulse } from '../../cells/pulse/service.ts'
import { PULSE_PORT } from '../../cells/wire/relay-address.ts'
import type { SessionReports } from '../../cells/wire/session-report.ts'

export interface MovementRelayOptions {
  /** The address the realms listen on. */
  host: string
  /** UDP port; absent = the port that explorers know, or the next free one. */
  port: number | undefined
  clock: Clock
  log: Log
  verifier: ChainVerifier
}

/** The movement relay of this machine; one serves all realms. */
export interface MovementRelay extends Running {
  /** As explorers are given it. */
  readonly host: string
  readonly port: number
  /** Where the connectors of a realm report their sessions. */
  reportsOf(realmName: string): SessionReports
}

/** Ports that are tried in all. */
const PORTS = 20

/** Starts a movement relay in this process. @throws UserError when its port is taken */
export async function startMovementRelay({ host, port, ...parts }: MovementRelayOptions): Promise<MovementRelay> {
  const isAny = host === '::' || host === '0.0.0.0'
  const start = (candidate: number) =>
    startPulse({ address: isAny ? undefined : host, port: candidate }, { ...parts, metrics: new Metrics('pulse') })
  const pulse = port === undefined ? await firstFree(start) : await start(port).catch((error) => refuse(port, error))
  return { host: isAny ? '127.0.0.1' : host, port: pulse.port, reportsOf: pulse.reportsOf, stop: () => pulse.stop() }
}

async function firstFree(start: (port: number) => Promise<Pulse>): Promise<Pulse> {
  for (let port = PULSE_PORT; ; port++) {
    try {
      return await start(port)
    } catch (error) {
      if (port === PULSE_PORT + PORTS - 1 || !isTaken(error)) refuse(port, error)
    }
  }
}

const isTaken = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'

function refuse(port: number, error: unknown): never {
  const remedy = 'choose another one with --movement-port'
  throw new UserError(`the UDP port ${port} of the movement relay cannot be used: ${messageOf(error)}; ${remedy}`, 5, {
    cause: error,
  })
}
