import { systemClock } from '../chassis/clock.ts'
import { UserError } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import { createVerifier } from '../identity/verifier.ts'
import { connectBus, type ProcessParts, runService } from '../process.ts'
import { readConfig } from './config.ts'
import { startConnector } from './service.ts'

/** A connector as a process of its own. @throws UserError when its configuration, its broker or its port is not usable */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const { NATS_URL, ...config } = readConfig(env)
  if (!NATS_URL) throw new UserError('NATS_URL is required', 2)
  const start = async ({ log, metrics, tracer }: ProcessParts) => {
    const verifier = createVerifier({ log, ethereumRpcUrl: config.ETH_RPC_URL })
    // Ready only when a handshake takes no longer than any other: on a busy node the first one would wait for seconds.
    const [bus] = await Promise.all([connectBus('connector', { NATS_URL, ...config }, log, metrics), verifier.warmUp()])
    const service = await startConnector(config, { bus, log, clock: systemClock, verifier, metrics, tracer })
    return { service, dependencies: [{ stop: () => verifier.close() }, { stop: () => bus.close() }] }
  }
  return runService('connector', config, start, { drainSeconds: config.DRAIN_SECONDS, traces: true })
}
