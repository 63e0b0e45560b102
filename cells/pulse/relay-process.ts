import { systemClock } from '../chassis/clock.ts'
import { messageOf, UserError } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { currentSecret } from '../chassis/secret-files.ts'
import { realmKeysIn } from '../identity/realm-token.ts'
import { denyListOf } from '../identity/refused-wallets.ts'
import { createVerifier } from '../identity/verifier.ts'
import { runService } from '../process.ts'
import { type PulseVariables, readConfig } from './config.ts'
import { type ForwardedClients, openForwardedClients } from './forwarded-clients.ts'
import { type HandOverConfig, PASS_ON_MS } from './hand-over/succession.ts'
import { startPulse } from './service.ts'

/**
 * Runs a movement relay until it is told to stop.
 *
 * @param needsPort resolves when the UDP port can be taken
 * @returns the port that it has
 * @throws UserError when its configuration or one of its ports is not usable
 */
export async function runRelay(
  env: NodeJS.ProcessEnv,
  needsPort: () => Promise<void>,
): Promise<{ running: Required<Running>; port: number }> {
  const config = readConfig(env)
  const { ETH_RPC_URL, DENYLIST_URL, UDP_SERVER_ADDRESS: address, UDP_SERVER_PORT: port } = config
  const start = async ({ log, metrics }: Parameters<Parameters<typeof runService>[2]>[0]) => {
    const readKeys = currentSecret(undefined, config.REALM_TOKEN_KEY_FILE)
    const verifier = createVerifier({ log, ethereumRpcUrl: ETH_RPC_URL })
    const denyList = denyListOf({ DENYLIST_URL }, { clock: systemClock, log }, () => endDenied())
    await verifier.warmUp()
    await needsPort()
    const service = await startPulse(
      {
        ...{ address, port, visiblePlayers: config.VISIBLE_PLAYERS, hasPeerPort: config.PEER_SERVER_PORT !== undefined },
        inBatches: true,
        refusalOf: (wallet) => (denyList.has(wallet) ? 'banned' : undefined),
        tokenKeys: () => realmKeysIn(readKeys() ?? ''),
        handOver: handOverOf(config),
      },
      { log, clock: systemClock, verifier, metrics },
    ).catch((error: unknown) => {
      throw new UserError(`UDP port ${port} cannot be used: ${messageOf(error)}`, 5, { cause: error })
    })
    leave = () => service.leave()
    endDenied = () => service.endDenied()
    takenPort = service.port
    const { port: udpPort, handOverPort, isInBatches } = service
    log.info({ port: udpPort, handOverPort, isInBatches, pid: process.pid }, 'players are received over UDP')
    const forwarded = await forwardedClientsOf(config, udpPort, log)
    return { service, dependencies: [...forwarded, denyList, { stop: () => verifier.close() }] }
  }
  let leave = async () => {}
  let endDenied = () => {}
  let takenPort = port
  const running = await runService('pulse', config, start, { drainSeconds: PASS_ON_MS / 1_000 })
  // Ready until the players are with another relay: a load balancer still leads them here.
  const stop = () => leave().then(() => running.stop())
  const stopDeadlineMs = (running.stopDeadlineMs ?? 0) + config.HAND_OVER_WAIT_SECONDS * 1_000
  return { running: { stop, stopDeadlineMs }, port: takenPort }
}

function handOverOf(config: PulseVariables): HandOverConfig | undefined {
  const { HAND_OVER_PORT: port, HAND_OVER_FROM: from, HAND_OVER_FROM_PORT: fromPort, HAND_OVER_KEY_FILE: path } = config
  if (port === undefined || path === undefined) return undefined
  const waitMs = config.HAND_OVER_WAIT_SECONDS * 1_000
  const read = currentSecret(undefined, path)
  return { port, from, fromPort, secrets: () => realmKeysIn(read() ?? ''), waitMs, address: config.UDP_SERVER_ADDRESS }
}

/** None where another process has the port, a relay on the same node for example: those who port-forward to it see the reason in the log. */
async function forwardedClientsOf(
  { FORWARD_PORT: port, UDP_SERVER_ADDRESS: udpAddress }: PulseVariables,
  udpPort: number,
  log: Log,
): Promise<ForwardedClients[]> {
  try {
    return [await openForwardedClients({ port, udpPort, udpAddress: reachable(udpAddress) })]
  } catch (error) {
    log.info({ port, reason: messageOf(error) }, 'no players come through a port-forward')
    return []
  }
}

const reachable = (address: string | undefined): string | undefined =>
  address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
