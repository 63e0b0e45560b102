import { createMemoryBus } from '../bus/memory.ts'
import type { App } from '../chassis/http.ts'
import { stopAll } from '../chassis/lifecycle.ts'
import { Metrics } from '../chassis/metrics.ts'
import { splitTarget } from '../chassis/request-target.ts'
import type { RunningService } from '../chassis/running-service.ts'
import type { GatekeeperEnvironment } from '../gatekeeper/config.ts'
import { type GatekeeperDependencies, startGatekeeper } from '../gatekeeper/service.ts'
import type { Bans } from '../identity/bans.ts'
import { noBans } from '../identity/bans.ts'
import { startRooms } from '../rooms/service.ts'
import { trustedProxiesOf } from '../sockets/connection-variables.ts'

/** Seconds over which players are disconnected; a pod has fifteen to stop in all. */
export const ROOMS_DRAIN_SECONDS = 5

/** The sweep is for gatekeepers that do not say when their bans change. */
const BAN_SWEEP_INTERVAL_MS = 30_000

/**
 * Starts a gatekeeper that serves the embedded rooms of its worlds itself, below `/rooms`: a world without LiveKit needs no other process,
 * and no message bus, because admissions stay in memory.
 *
 * @throws UserError when the database cannot be used
 */
export async function startWorldGatekeeper(
  config: GatekeeperEnvironment,
  dependencies: GatekeeperDependencies,
): Promise<RunningService> {
  const { log, metrics } = dependencies
  const bus = createMemoryBus(log)
  // No player is admitted to a room before the gatekeeper runs.
  let bans = noBans
  const current: Bans = {
    isBanned: (peer) => bans.isBanned(peer),
    bannedOf: (peers, version) => bans.bannedOf(peers, version),
    version: () => bans.version(),
  }
  const rooms = await startRooms(
    {
      scope: config.BUS_SCOPE,
      drainSeconds: ROOMS_DRAIN_SECONDS,
      limits: { maxConnectionsPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS },
      proxies: trustedProxiesOf(config),
      refused: { DENYLIST_URL: config.DENYLIST_URL, BAN_SWEEP_INTERVAL_MS },
    },
    { ...dependencies, bus, bans: current, metrics: new Metrics('rooms', metrics.registry) },
  )
  const gatekeeper = await startGatekeeper(config, { ...dependencies, bus, rooms })
  bans = gatekeeper.bans
  return {
    app: withRooms(gatekeeper.app, rooms.app),
    readiness: gatekeeper.readiness,
    // The rooms first: the HTTP server would otherwise cut off the players they still have to disconnect.
    stop: stopAll(log, rooms, gatekeeper, { stop: () => bus.close() }).stop,
  }
}

/** The path of a gatekeeper on a host that it shares. */
const PREFIX = '/gatekeeper'

/** One app out of two: the rooms have `/rooms`, at the root and below `/gatekeeper`, and all WebSockets. */
function withRooms(gatekeeper: App, rooms: App): App {
  const prefixOf = (target = '/', basePath: string) =>
    splitTarget(target).pathname.slice(basePath.length).startsWith(`${PREFIX}/`) ? PREFIX : ''
  const isRooms = (target = '/', basePath: string) =>
    /^(\/gatekeeper)?\/rooms(\/|$)/.test(splitTarget(target).pathname.slice(basePath.length))
  return {
    handle: (request, response, basePath) =>
      isRooms(request.url, basePath)
        ? rooms.handle(request, response, basePath + prefixOf(request.url, basePath))
        : gatekeeper.handle(request, response, basePath),
    upgrade: (request, socket, head, basePath) =>
      rooms.upgrade(request, socket, head, basePath + prefixOf(request.url, basePath)),
  }
}
