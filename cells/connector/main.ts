import { connectNats } from '../bus/nats.ts'
import { systemClock } from '../chassis/clock.ts'
import { UserError } from '../chassis/errors.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import { listen } from '../chassis/listen.ts'
import { createLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { createVerifier } from '../identity/verifier.ts'
import { startConnector } from './cell.ts'
import { readConfig } from './config.ts'

/** A connector as a process of its own. @throws UserError when its configuration, its broker or its port is not usable */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(env)
  if (!config.NATS_URL) throw new UserError('NATS_URL is required', 2)
  const log = createLog('connector', config.LOG_LEVEL)
  const metrics = new Metrics('connector').withProcess()
  const bus = await connectNats({
    servers: config.NATS_URL.split(','),
    name: 'connector',
    user: config.NATS_USER,
    password: config.NATS_PASSWORD,
    caFile: config.NATS_CA_FILE,
    log,
  })
  const verifier = createVerifier({ log, ethereumRpcUrl: config.ETH_RPC_URL })
  const cell = await startConnector(config, { bus, log, clock: systemClock, verifier, metrics })
  const listening = await listen(cell.app, { port: config.HTTP_SERVER_PORT, host: config.HTTP_SERVER_HOST })
  log.info({ url: listening.url }, 'listening')
  // Health is answered until the last player is gone.
  return stopAll(log, cell, listening, { stop: () => verifier.close() }, { stop: () => bus.close() })
}
