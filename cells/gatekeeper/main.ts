import { systemClock } from '../chassis/clock.ts'
import type { Running } from '../chassis/lifecycle.ts'
import { createVerifier } from '../identity/verifier.ts'
import { connectBus, runService } from '../process.ts'
import { readConfig } from './config.ts'
import { startGatekeeper } from './service.ts'

/** Runs a gatekeeper as a process of its own. @throws UserError when the environment, the database or NATS cannot be used */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(env)
  const { NATS_URL } = config
  // Loaded only where the rooms are here: with them come WebSockets and their sessions.
  const world = config.ROOMS_SERVER === 'Self' ? await import('../compact/world-gatekeeper.ts') : undefined
  return runService(
    'gatekeeper',
    config,
    async ({ log, metrics, tracer }) => {
      // The bus is used only for admissions to embedded rooms of a cell.
      const usesBus = config.ROOMS_URL && !world && NATS_URL
      const bus = usesBus ? await connectBus('gatekeeper', { ...config, NATS_URL }, log, metrics) : undefined
      const verifier = createVerifier({ log, ethereumRpcUrl: config.ETH_RPC_URL })
      await verifier.warmUp()
      const parts = { bus, log, clock: systemClock, verifier, metrics, tracer }
      const service = await (world ? world.startWorldGatekeeper : startGatekeeper)(config, parts)
      return { service, dependencies: [{ stop: () => verifier.close() }, bus && { stop: () => bus.close() }] }
    },
    { drainSeconds: world?.ROOMS_DRAIN_SECONDS ?? 0, traces: true },
  )
}
