import { connectNats } from '../bus/nats.ts'
import { systemClock } from '../chassis/clock.ts'
import { UserError } from '../chassis/errors.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import { listen } from '../chassis/listen.ts'
import { createLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { startStats } from './cell.ts'
import { readConfig } from './config.ts'

/** Runs stats as a process of its own. @throws UserError when the environment is not usable or NATS refuses us */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(env)
  if (!config.NATS_URL) throw new UserError('NATS_URL is required', 2)
  const log = createLog('stats', config.LOG_LEVEL)
  const bus = await connectNats({
    servers: config.NATS_URL.split(','),
    name: `stats ${config.BUS_SCOPE}`,
    user: config.NATS_USER,
    password: config.NATS_PASSWORD,
    caFile: config.NATS_CA_FILE,
    log,
  })
  const cell = await startStats(config, { bus, log, clock: systemClock, metrics: new Metrics('stats').withProcess() })
  const http = await listen(cell.app, { host: config.HTTP_SERVER_HOST, port: config.HTTP_SERVER_PORT })
  log.info({ url: http.url, scope: config.BUS_SCOPE }, 'stats is listening')
  return stopAll(log, http, cell, { stop: () => bus.close() })
}
