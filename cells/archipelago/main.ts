import { systemClock } from '../chassis/clock.ts'
import type { App } from '../chassis/http.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import { Metrics } from '../chassis/metrics.ts'
import { splitTarget } from '../chassis/request-target.ts'
import { connectBus, type ProcessParts, runService, type StartedService } from '../process.ts'
import { isRoomsPath } from '../rooms/rooms-path.ts'
import { trustedProxiesOf } from '../sockets/connection-variables.ts'
import { type ArchipelagoEnvironment, readConfig } from './config.ts'
import { type ArchipelagoDeps, startArchipelago } from './service.ts'

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

async function start(config: ArchipelagoEnvironment, { log, metrics }: ProcessParts): Promise<StartedService> {
  const bus = await connectBus('archipelago', config, log, metrics)
  const shared = { bus, log, clock: systemClock, metrics }
  // The rooms subscribe to admissions before there is an archipelago that publishes any.
  const opened = config.ROOMS_URL === undefined ? undefined : await openRooms(config, shared)
  const archipelago = await startArchipelago(config, { ...shared, roomsAreNew: opened !== undefined })
  log.info({ scope: config.BUS_SCOPE, rooms: opened ? 'embedded' : 'livekit' }, 'the archipelago is connected to the bus')
  const app = opened ? withRooms(archipelago.app, opened.rooms.app) : archipelago.app
  return {
    // The rooms stop before the HTTP server, which would otherwise cut off the players they still have to disconnect.
    service: { app, readiness: archipelago.readiness, ...stopAll(log, archipelago, opened?.rooms) },
    dependencies: [opened && { stop: () => opened.verifier.close() }, { stop: () => bus.close() }],
  }
}

/** The embedded rooms of this process. Only where there are any, what they need is loaded: WebSockets and the check of signatures. */
async function openRooms(config: ArchipelagoEnvironment, shared: Omit<ArchipelagoDeps, 'transport'>) {
  const [{ createVerifier }, { startRooms }] = await Promise.all([
    import('../identity/verifier.ts'),
    import('../rooms/service.ts'),
  ])
  const verifier = createVerifier({ log: shared.log, ethereumRpcUrl: config.ETH_RPC_URL })
  const rooms = await startRooms(
    {
      scope: config.BUS_SCOPE,
      drainSeconds: config.DRAIN_SECONDS,
      limits: { maxConnectionsPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS },
      proxies: trustedProxiesOf(config),
      refused: config,
    },
    { ...shared, verifier, metrics: new Metrics('rooms', shared.metrics.registry) },
  )
  return { verifier, rooms }
}

/** One app out of two: paths of rooms, below any cell, belong to the rooms. */
function withRooms(archipelago: App, rooms: App): App {
  const isRooms = (target = '/') => isRoomsPath(splitTarget(target).pathname)
  return {
    handle: (request, response, basePath) => (isRooms(request.url) ? rooms : archipelago).handle(request, response, basePath),
    upgrade: (request, socket, head, basePath) => rooms.upgrade(request, socket, head, basePath),
  }
}
