import { hostname } from 'node:os'
import { systemClock } from '../chassis/clock.ts'
import { UserError } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import { connectBus, runService } from '../process.ts'
import { readConfig } from './config.ts'
import { startStats } from './service.ts'

/** Runs stats as a process of its own. @throws UserError when the environment is invalid or NATS rejects the connection */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const { NATS_URL, ...config } = readConfig(env)
  if (!NATS_URL) throw new UserError('NATS_URL is required', 2)
  return runService('stats', config, async ({ log, metrics }) => {
    const bus = await connectBus('stats', { NATS_URL, ...config }, log, metrics)
    const service = await startStats(config, { bus, log, clock: systemClock, metrics, serverName: `stats-${hostname()}` })
    return { service, dependencies: [{ stop: () => bus.close() }] }
  })
}
