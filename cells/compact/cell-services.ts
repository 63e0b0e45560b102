import { isDeepStrictEqual } from 'node:util'
import type { Registry } from 'prom-client'
import { type ArchipelagoConfig, readConfig as readArchipelagoConfig } from '../archipelago/config.ts'
import { startArchipelago } from '../archipelago/service.ts'
import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { type App, createApp } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { splitTarget } from '../chassis/request-target.ts'
import type { RunningService } from '../chassis/running-service.ts'
import type { Tracer } from '../chassis/tracing.ts'
import { readConfig as readConnectorConfig } from '../connector/config.ts'
import { startConnector } from '../connector/service.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { isRoomsPath } from '../rooms/rooms-path.ts'
import { startRooms } from '../rooms/service.ts'
import { trustedProxiesOf } from '../sockets/connection-variables.ts'
import type { SessionReports } from '../wire/session-report.ts'

/** The environment that each service would have as a process of its own. */
export interface CellSettings {
  connector: NodeJS.ProcessEnv
  archipelago: NodeJS.ProcessEnv
}

/** All services of a CommsCell in one process. */
export interface CellServices extends RunningService {
  /** Applies other settings while players stay connected. False: these settings need a new start, and nothing was changed. */
  reconfigure(settings: CellSettings): Promise<boolean>
}

/** What the services share with the rest of the process; it is not stopped with them. */
export interface CellServicesDeps {
  bus: Bus
  log: Log
  clock: Clock
  verifier: ChainVerifier
  tracer?: Tracer | undefined
  /** The movement relay of the process, which takes the reports of this realm. */
  relay?: SessionReports | undefined
  /**
   * Given where the process has a bus that it shares with other processes: the archipelago elects its leader with theirs, the settings never
   * change, and these are the metrics of the whole process. By default the bus is in memory, and nothing else of the cell is on it.
   */
  distributed?: { registry: Registry }
}

const POLL_MS = 20
/** Milliseconds a new archipelago has to get ready before the old one is stopped in any case. */
const MAX_WARM_UP_MS = 5_000

/**
 * Starts connector, archipelago and embedded rooms together: the same services as in processes of their own.
 *
 * @throws UserError naming every invalid setting
 */
export async function startCellServices(settings: CellSettings, deps: CellServicesDeps): Promise<CellServices> {
  let current = settings
  const { connector: connectorEnv, archipelago: archipelagoEnv } = settings
  const { distributed, log } = deps
  const metrics = new Metrics('connector', distributed?.registry)
  const sharing = (service: string) => new Metrics(service, metrics.registry)

  const connectorConfig = readConnectorConfig(connectorEnv)
  const archipelagoConfig = readArchipelagoConfig(archipelagoEnv)
  const connector = await startConnector(connectorConfig, { ...deps, metrics })
  // Before there is an archipelago that publishes admissions. Settings that may change may need the rooms later.
  const rooms =
    distributed && archipelagoConfig.ROOMS_URL === undefined
      ? undefined
      : await startRooms(
          {
            scope: connectorConfig.BUS_SCOPE,
            drainSeconds: connectorConfig.DRAIN_SECONDS,
            limits: { maxConnectionsPerAddress: connectorConfig.MAX_CONNECTIONS_PER_ADDRESS },
            proxies: trustedProxiesOf(connectorConfig),
            refused: connectorConfig,
          },
          { ...deps, metrics: sharing('rooms') },
        )
  // The counters of an archipelago start anew with it, as they would in a new pod.
  const archipelagoMetrics = () => (distributed ? sharing('archipelago') : new Metrics('archipelago'))
  const newArchipelago = (config: ArchipelagoConfig, startedAlone: boolean) =>
    startArchipelago(config, {
      ...deps,
      metrics: archipelagoMetrics(),
      ...(distributed ? { roomsAreNew: rooms !== undefined } : { alone: startedAlone }),
    })
  let archipelago = await newArchipelago(archipelagoConfig, true)

  const readiness = (): Readiness =>
    [connector, archipelago, rooms].flatMap((service) => service?.readiness() ?? []).find(({ ready }) => !ready) ?? {
      ready: true,
    }
  const ofProcess = sharing('compact')
  const operational = createApp({ log, metrics: ofProcess, routes: operationalRoutes(ofProcess, readiness) })

  return {
    app: appByPath((path) => {
      if (rooms && isRoomsPath(path)) return rooms.app
      if (isBelow('/debug', path)) return archipelago.app
      return isBelow('/health', path) || isBelow('/metrics', path) ? operational : connector.app
    }),
    readiness,
    async reconfigure(next) {
      if (!isDeepStrictEqual(next.connector, current.connector)) {
        if (!isDeepStrictEqual(withoutDrain(next.connector), withoutDrain(current.connector))) return false
        // Read when the connector stops, so it may change while it runs.
        Object.assign(connectorConfig, { DRAIN_SECONDS: readConnectorConfig(next.connector).DRAIN_SECONDS })
      }
      if (!isDeepStrictEqual(next.archipelago, current.archipelago)) {
        // As pods do: the new archipelago is on standby, then the old one hands over; other peers stay on their islands.
        const successor = await newArchipelago(readArchipelagoConfig(next.archipelago), false)
        await untilReady(successor, deps.clock)
        await archipelago.stop()
        archipelago = successor
      }
      current = next
      return true
    },
    async stop() {
      await Promise.all([connector.stop(), rooms?.stop()])
      await archipelago.stop()
    },
  }
}

async function untilReady(service: RunningService, clock: Clock): Promise<void> {
  for (let waitedMs = 0; !service.readiness().ready && waitedMs < MAX_WARM_UP_MS; waitedMs += POLL_MS)
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve))
}

const withoutDrain = ({ DRAIN_SECONDS: _, ...others }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => others

const isBelow = (base: string, path: string): boolean => path === base || path.startsWith(`${base}/`)

/** Several apps in one: `choose` selects one for each request, by the path below the mount point. */
function appByPath(choose: (path: string) => App): App {
  const chosen = (target = '/', basePath: string) => choose(splitTarget(target).pathname.slice(basePath.length))
  return {
    handle: (request, response, basePath) => chosen(request.url, basePath).handle(request, response, basePath),
    upgrade: (request, socket, head, basePath) => chosen(request.url, basePath).upgrade(request, socket, head, basePath),
  }
}
