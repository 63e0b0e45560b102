import { hostname } from 'node:os'
import { readConfig as readArchipelagoConfig } from '../archipelago/config.ts'
import { systemClock } from '../chassis/clock.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import { listen } from '../chassis/listen.ts'
import type { Log } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { readConfig as readConnectorConfig } from '../connector/config.ts'
import { createVerifier } from '../identity/verifier.ts'
import { connectBus, type ProcessParts, runService, type StartedService } from '../process.ts'
import type { StatsEnvironment } from '../stats/config.ts'
import { startStats } from '../stats/service.ts'
import { startCellServices } from './cell-services.ts'
import { readStatistics } from './config.ts'

/**
 * Runs a connector, an archipelago and, with STATS_BUS_SCOPE, the statistics of a realm in one process, which shares its bus with others
 * like it: they elect the active archipelago, and hand players over, as processes of one service do.
 *
 * @throws UserError when the environment is not usable, a port is taken or NATS refuses the connection
 */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConnectorConfig(env)
  const { NATS_URL } = readArchipelagoConfig(env)
  const stats = readStatistics(env)
  const start = async ({ log, metrics, tracer }: ProcessParts): Promise<StartedService> => {
    const sharing = (service: string) => new Metrics(service, metrics.registry)
    for (const service of ['connector', 'archipelago']) sharing(service).withBuild()
    const verifier = createVerifier({ log, ethereumRpcUrl: config.ETH_RPC_URL })
    const [bus, statistics] = await Promise.all([
      connectBus('compact', { ...config, NATS_URL }, log, sharing('connector')),
      stats && runStats({ ...stats, NATS_URL: stats.NATS_URL ?? NATS_URL }, log, sharing('stats')),
      verifier.warmUp(),
    ])
    const distributed = { registry: metrics.registry }
    const services = await startCellServices(
      { connector: env, archipelago: env },
      { bus, log, clock: systemClock, verifier, tracer, distributed },
    )
    log.info(
      { scope: config.BUS_SCOPE, statistics: statistics !== undefined },
      'the services of the cell are connected to the bus',
    )
    return {
      service: services,
      // The statistics answer for as long as there are players here.
      dependencies: [statistics, { stop: () => verifier.close() }, { stop: () => bus.close() }],
    }
  }
  return runService('compact', config, start, { drainSeconds: config.DRAIN_SECONDS, traces: true })
}

/** Starts the statistics at a port of their own, with their own user at the bus: they receive the messages of all cells of the realm. */
async function runStats(config: StatsEnvironment & { NATS_URL: string }, log: Log, metrics: Metrics): Promise<Running> {
  const bus = await connectBus('stats', config, log, metrics)
  const deps = { bus, log, clock: systemClock, metrics: metrics.withBuild() }
  const service = await startStats(config, { ...deps, serverName: `stats-${hostname()}` })
  const http = await listen(service.app, { host: config.HTTP_SERVER_HOST, port: config.HTTP_SERVER_PORT })
  return stopAll(log, http, service, { stop: () => bus.close() })
}
