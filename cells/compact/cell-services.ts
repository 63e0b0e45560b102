import { isDeepStrictEqual } from 'node:util'
import { readConfig as readArchipelagoConfig } from '../archipelago/config.ts'
import { startArchipelago } from '../archipelago/service.ts'
import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { type App, splitTarget } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { RunningService } from '../chassis/running-service.ts'
import { readConfig as readConnectorConfig } from '../connector/config.ts'
import { startConnector } from '../connector/service.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { startRooms } from '../rooms/service.ts'

/** The environments its processes would have if they were several. */
export interface CellSettings {
  connector: NodeJS.ProcessEnv
  archipelago: NodeJS.ProcessEnv
}

/** A whole comms cell in one process. */
export interface CellServices extends RunningService {
  /** Applies other settings while players stay connected. False = these need a new cell, and nothing was changed. */
  reconfigure(settings: CellSettings): Promise<boolean>
}

/** What a compact cell shares with whatever else runs in the process. */
export interface CellServicesDeps {
  bus: Bus
  log: Log
  clock: Clock
  verifier: ChainVerifier
}

const POLL_MS = 20
const MAX_WARMING_MS = 5_000

/**
 * Starts connector, archipelago and embedded rooms together: the same services as in a cluster, over a bus in memory.
 *
 * @throws UserError naming every setting that is not usable
 */
export async function startCellServices(settings: CellSettings, parts: CellServicesDeps): Promise<CellServices> {
  let current = settings
  const { connector: connectorEnv, archipelago: archipelagoEnv } = settings
  const metrics = new Metrics('connector')
  const sharing = (service: string) => new Metrics(service, metrics.registry)

  const connectorConfig = readConnectorConfig(connectorEnv)
  const connector = await startConnector(connectorConfig, { ...parts, metrics })
  const rooms = await startRooms(
    { scope: connectorConfig.BUS_SCOPE, drainSeconds: connectorConfig.DRAIN_SECONDS },
    { ...parts, metrics: sharing('rooms') },
  )
  // Counts of an archipelago begin anew with it, as they would in a new pod.
  const newArchipelago = (env: NodeJS.ProcessEnv, alone: boolean) =>
    startArchipelago(readArchipelagoConfig(env), { ...parts, metrics: new Metrics('archipelago'), alone })
  let archipelago = await newArchipelago(archipelagoEnv, true)

  return {
    app: forked((path) => {
      if (isBelow('/rooms', path)) return rooms.app
      return isBelow('/debug', path) ? archipelago.app : connector.app
    }),
    readiness: () =>
      [connector, archipelago, rooms].map((cell) => cell.readiness()).find(({ ready }) => !ready) ?? { ready: true },
    async reconfigure(wanted) {
      if (!isDeepStrictEqual(wanted.connector, current.connector)) {
        const { DRAIN_SECONDS, ...others } = wanted.connector
        if (!isDeepStrictEqual(others, withoutDrain(current.connector))) return false
        // Read when it stops, so it may change while it runs.
        Object.assign(connectorConfig, { DRAIN_SECONDS: readConnectorConfig(wanted.connector).DRAIN_SECONDS })
      }
      if (!isDeepStrictEqual(wanted.archipelago, current.archipelago)) {
        // As pods do it: the new one stands by, the old one hands over, and nobody moves whom the new rules do not move.
        const successor = await newArchipelago(wanted.archipelago, false)
        await ready(successor, parts.clock)
        await archipelago.stop()
        archipelago = successor
      }
      current = wanted
      return true
    },
    async stop() {
      await Promise.all([connector.stop(), rooms.stop()])
      await archipelago.stop()
    },
  }
}

/** Waits, at most so long, until a cell is ready. */
async function ready(cell: RunningService, clock: Clock): Promise<void> {
  for (let waitedMs = 0; !cell.readiness().ready && waitedMs < MAX_WARMING_MS; waitedMs += POLL_MS)
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve))
}

const withoutDrain = ({ DRAIN_SECONDS: _, ...others }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => others

const isBelow = (base: string, path: string): boolean => path === base || path.startsWith(`${base}/`)

/** Several apps in one: `choose` is asked for each request, with its path inside this one. */
function forked(choose: (path: string) => App): App {
  const chosen = (target = '/', basePath: string) => choose(splitTarget(target).pathname.slice(basePath.length))
  return {
    handle: (request, response, basePath) => chosen(request.url, basePath).handle(request, response, basePath),
    upgrade: (request, socket, head, basePath) => chosen(request.url, basePath).upgrade(request, socket, head, basePath),
  }
}
