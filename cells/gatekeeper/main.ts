import { connectNats } from '../bus/nats.ts'
import { systemClock } from '../chassis/clock.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import { listen } from '../chassis/listen.ts'
import { createLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { createVerifier } from '../identity/verifier.ts'
import { startGatekeeper } from './cell.ts'
import { readConfig } from './config.ts'

/** Runs a gatekeeper as a process of its own. @throws UserError when the environment, the database or NATS is not usable */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(env)
  const log = createLog('gatekeeper', config.LOG_LEVEL)
  // Only admissions to embedded rooms travel over the bus.
  const bus =
    config.ROOMS_URL && config.NATS_URL
      ? await connectNats({
          servers: config.NATS_URL.split(','),
          name: `gatekeeper ${config.BUS_SCOPE}`,
          user: config.NATS_USER,
          password: config.NATS_PASSWORD,
          caFile: config.NATS_CA_FILE,
          log,
        })
      : undefined
  const verifier = createVerifier({ log, ethereumRpcUrl: config.ETH_RPC_URL })
  const cell = await startGatekeeper(config, {
    bus,
    log,
    clock: systemClock,
    verifier,
    metrics: new Metrics('gatekeeper').withProcess(),
  })
  const http = await listen(cell.app, { host: config.HTTP_SERVER_HOST, port: config.HTTP_SERVER_PORT })
  log.info({ url: http.url }, 'the gatekeeper is listening')
  return stopAll(log, http, cell, { stop: () => verifier.close() }, bus && { stop: () => bus.close() })
}
