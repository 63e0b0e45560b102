import { connectNats } from '../bus/nats.ts'
import { systemClock } from '../chassis/clock.ts'
import { operationalRoutes } from '../chassis/health.ts'
import { type App, createApp, splitTarget } from '../chassis/http.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import { listen } from '../chassis/listen.ts'
import { createLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { createSwitchboard } from '../chassis/switchboard.ts'
import { createVerifier } from '../identity/verifier.ts'
import { startRooms } from '../rooms/service.ts'
import { readConfig } from './config.ts'
import { startArchipelago } from './service.ts'

/**
 * Runs an archipelago as a process of its own, with the embedded rooms beside it where ROOMS_URL says so.
 * It answers probes from the start, and becomes ready once the bus is there.
 *
 * @throws UserError when the environment is not usable, the port is taken or NATS refuses us
 */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(env)
  const log = createLog('archipelago', config.LOG_LEVEL)
  const metrics = new Metrics('archipelago').withProcess()
  const waiting = () => ({ ready: false as const, reason: 'waiting for the bus' })
  const waitingMetrics = new Metrics('archipelago')
  const board = createSwitchboard(createApp({ routes: operationalRoutes(waitingMetrics, waiting), log, metrics: waitingMetrics }))
  const http = await listen(board, { host: config.HTTP_SERVER_HOST, port: config.HTTP_SERVER_PORT })
  log.info({ url: http.url, scope: config.BUS_SCOPE }, 'the archipelago is listening')

  const bus = await connectNats({
    servers: config.NATS_URL.split(','),
    name: `archipelago ${config.BUS_SCOPE}`,
    user: config.NATS_USER,
    password: config.NATS_PASSWORD,
    caFile: config.NATS_CA_FILE,
    log,
  }).catch(async (error: unknown) => {
    await http.stop()
    throw error
  })
  // The rooms hear admissions before there is anybody who gives them.
  const verifier = config.ROOMS_URL === undefined ? undefined : createVerifier({ log, ethereumRpcUrl: config.ETH_RPC_URL })
  const rooms =
    verifier &&
    (await startRooms(
      { scope: config.BUS_SCOPE, drainSeconds: config.DRAIN_SECONDS },
      { bus, log, clock: systemClock, verifier, metrics: new Metrics('rooms', metrics.registry) },
    ))
  const archipelago = await startArchipelago(config, { bus, log, clock: systemClock, metrics, roomsAreNew: rooms !== undefined })
  board.mount('', rooms ? besideRooms(archipelago.app, rooms.app) : archipelago.app)
  log.info({ rooms: rooms ? 'embedded' : 'livekit' }, 'the archipelago is on the bus')
  return stopAll(log, archipelago, rooms, http, verifier && { stop: () => verifier.close() }, { stop: () => bus.close() })
}

/** One app out of two: paths of rooms, below whatever cell, belong to the rooms. */
function besideRooms(archipelago: App, rooms: App): App {
  const isRooms = (target = '/') => /^(\/cells\/[^/]+)?\/rooms(\/|$)/.test(splitTarget(target).pathname)
  return {
    handle: (request, response, basePath) => (isRooms(request.url) ? rooms : archipelago).handle(request, response, basePath),
    upgrade: (request, socket, head, basePath) => rooms.upgrade(request, socket, head, basePath),
  }
}
