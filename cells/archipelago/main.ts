import { systemClock } from '../chassis/clock.ts'
import { type App, splitTarget } from '../chassis/http.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import { Metrics } from '../chassis/metrics.ts'
import { createVerifier } from '../identity/verifier.ts'
import { connectBus, runService, type StartedService } from '../process.ts'
import { startRooms } from '../rooms/service.ts'
import { trustedProxiesOf } from '../sockets/connection-variables.ts'
import { type ArchipelagoEnvironment, readConfig } from './config.ts'
import { startArchipelago } from './service.ts'

/**
 * Runs an archipelago as a process of its own; with ROOMS_URL it also serves the embedded rooms.
 *
 * @throws UserError when the environment is not usable, the port is taken or NATS refuses the connection
 */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(env)
  const drainSeconds = config.ROOMS_URL === undefined ? 0 : config.DRAIN_SECONDS
  return runService('archipelago', config, (parts) => start(config, parts), { drainSeconds })
}

async function start(
  config: ArchipelagoEnvironment,
  { log, metrics }: Parameters<Parameters<typeof runService>[2]>[0],
): Promise<StartedService> {
  const bus = await connectBus('archipelago', config, log, metrics)
  const verifier = config.ROOMS_URL === undefined ? undefined : createVerifier({ log, ethereumRpcUrl: config.ETH_RPC_URL })
  // The rooms subscribe to admissions before there is an archipelago that publishes any.
  const rooms =
    verifier &&
    (await startRooms(
      {
        scope: config.BUS_SCOPE,
        drainSeconds: config.DRAIN_SECONDS,
        limits: { maxConnectionsPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS },
        proxies: trustedProxiesOf(config),
        refused: config,
      },
      { bus, log, clock: systemClock, verifier, metrics: new Metrics('rooms', metrics.registry) },
    ))
  const archipelago = await startArchipelago(config, { bus, log, clock: systemClock, metrics, roomsAreNew: rooms !== undefined })
  log.info({ scope: config.BUS_SCOPE, rooms: rooms ? 'embedded' : 'livekit' }, 'the archipelago is connected to the bus')
  const app = rooms ? withRooms(archipelago.app, rooms.app) : archipelago.app
  return {
    // The rooms stop before the HTTP server, which would otherwise cut off the players they still have to disconnect.
    service: { app, readiness: archipelago.readiness, ...stopAll(log, archipelago, rooms) },
    dependencies: [verifier && { stop: () => verifier.close() }, { stop: () => bus.close() }],
  }
}

/** One app out of two: paths of rooms, below any cell, belong to the rooms. */
function withRooms(archipelago: App, rooms: App): App {
  const isRooms = (target = '/') => /^(\/cells\/[^/]+)?\/rooms(\/|$)/.test(splitTarget(target).pathname)
  return {
    handle: (request, response, basePath) => (isRooms(request.url) ? rooms : archipelago).handle(request, response, basePath),
    upgrade: (request, socket, head, basePath) => rooms.upgrade(request, socket, head, basePath),
  }
}
