import { z } from 'zod'
import type { Bus } from './bus/bus.ts'
import { busMetrics } from './bus/metrics.ts'
import { type Clock, systemClock } from './chassis/clock.ts'
import { diagnosticSignals } from './chassis/diagnostic-signals.ts'
import { operationalRoutes, readinessRoute } from './chassis/health.ts'
import { type App, createApp, json, type UpgradeHandler } from './chassis/http.ts'
import { type Running, stopAll } from './chassis/lifecycle.ts'
import { ALL_ADDRESSES, type ListenOptions, listen } from './chassis/listen.ts'
import { createLog, type Log } from './chassis/log.ts'
import { logLevels } from './chassis/log-level.ts'
import { Metrics } from './chassis/metrics.ts'
import { createMounts } from './chassis/mounts.ts'
import { refuseUpgrade } from './chassis/refuse-upgrade.ts'
import type { RunningService } from './chassis/running-service.ts'
import { currentSecret } from './chassis/secret-files.ts'
import { startTracing } from './chassis/start-tracing.ts'
import { noTracer, type Tracer } from './chassis/tracing.ts'

/** Variables of every process; `port` is the default port. */
export const processVariables = (port: number) => ({
  HTTP_SERVER_HOST: z
    .string()
    .default(ALL_ADDRESSES)
    .describe('Address to listen on; `::` is all of this machine, IPv6 and IPv4.'),
  HTTP_SERVER_PORT: z.coerce.number().int().min(0).max(65_535).default(port).describe('Port to listen on; 0 takes a free one.'),
  LOG_LEVEL: z.enum(logLevels).default('info').describe('Least severe level that is logged.'),
  ROUTES_SETTLE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60)
    .default(0)
    .describe('Seconds to keep serving after a request to stop, until routers stop sending requests here.'),
  PROFILE_FOLDER: z
    .string()
    .optional()
    .describe('Folder into which the signal SIGUSR2 writes profiles of CPU and memory; unset = it writes none.'),
  COMMIT_HASH: z.string().default('').describe('Commit the program was built from; reported to clients.'),
  CURRENT_VERSION: z.string().default('').describe('Version of the program; reported to clients.'),
})

/** Variables of every process on the bus. */
export const busVariables = {
  NATS_URL: z.string().optional().describe('URLs of the NATS servers, separated by commas.'),
  NATS_USER: z.string().optional().describe('User name at NATS.'),
  NATS_PASSWORD: z.string().optional().describe('Password at NATS.'),
  NATS_USER_FILE: z.string().optional().describe('File with the user name, which is read again at every login.'),
  NATS_PASSWORD_FILE: z.string().optional().describe('File with the password, which is read again at every login.'),
  NATS_TOKEN: z.string().optional().describe('Token at NATS, instead of a user name and a password.'),
  NATS_TOKEN_FILE: z.string().optional().describe('File with the token, which is read again at every login.'),
  NATS_NKEY_SEED: z
    .string()
    .optional()
    .describe('Seed of the nkey of a user at NATS, `SU…`, instead of a user name and a password.'),
  NATS_NKEY_SEED_FILE: z.string().optional().describe('File with the seed, which is read again at every login.'),
  NATS_CREDENTIALS_FILE: z
    .string()
    .optional()
    .describe(
      'Credentials file of NATS (the JWT and the seed of a user), instead of a user name and a password. It is read again at every login, so it may expire.',
    ),
  NATS_CA_FILE: z.string().optional().describe("PEM file of the authority that signed the servers' certificates."),
  BUS_SCOPE: z
    .string()
    .default('')
    .describe('Prefix of all subjects: only services of the same scope receive the messages of this one (wire/subjects.ts).'),
}

export interface ProcessConfig {
  HTTP_SERVER_HOST: string
  HTTP_SERVER_PORT: number
  LOG_LEVEL: (typeof logLevels)[number]
  ROUTES_SETTLE_SECONDS: number
  PROFILE_FOLDER?: string | undefined
  /** Port of the `peerApp` of the service. */
  PEER_SERVER_PORT?: number | undefined
}

export type BusConfig = Readonly<{ BUS_SCOPE: string } & { [Name in NatsVariable]?: string | undefined }>
type NatsVariable = Exclude<keyof typeof busVariables, 'BUS_SCOPE'>

/** What a process gives the service that it runs. */
export interface ProcessParts {
  log: Log
  metrics: Metrics
  tracer: Tracer
}

interface RunOptions {
  /** How long its own stopping may take. */
  drainSeconds?: number
  clock?: Clock
  /** Whether the service makes spans; false by default. */
  traces?: boolean
}

/** A service that was started, and the dependencies that are stopped after it, in this order. */
export interface StartedService {
  service: RunningService
  dependencies?: readonly (Running | undefined)[]
}

/**
 * Runs a service as a process of its own. It answers probes at once, and is not ready while `start` still waits for a broker or a
 * database: a process that only waits must not be restarted. When it is stopped, it is no longer ready at once, and goes on
 * serving for as long as routers take to notice; only then the service stops. Probes are answered until the last player is gone.
 *
 * @throws UserError when the port is taken, or whatever `start` throws
 */
export async function runService(
  name: string,
  config: ProcessConfig,
  start: (parts: ProcessParts) => Promise<StartedService>,
  { drainSeconds = 0, clock = systemClock, traces = false }: RunOptions = {},
): Promise<Running> {
  const log = createLog(name, config.LOG_LEVEL)
  const signals = diagnosticSignals({ service: name, folder: config.PROFILE_FOLDER, clock, log })
  const early = new Metrics(name)
  const starting = () => ({ ready: false as const, reason: 'starting' })
  const stopping = () => ({ ready: false as const, reason: 'stopping' })
  const earlyApp = {
    upgrades: { '/*': refuseWhileStarting },
    notFound: json(503, { error: 'starting' }, { 'retry-after': '1' }),
  }
  const { HTTP_SERVER_HOST: host, HTTP_SERVER_PORT: port, PEER_SERVER_PORT: peerPort } = config
  const probes = createApp({ ...earlyApp, routes: operationalRoutes(early, starting), log, metrics: early })
  const mounts = createMounts(
    peerPort === undefined ? probes : createApp({ ...earlyApp, routes: [], log, metrics: new Metrics(name) }),
  )
  const http = await listen(mounts, { host, port })
  const peerMounts = peerPort === undefined ? mounts : createMounts(probes)
  const peerHttp = peerPort === undefined ? undefined : await listenOrStop(peerMounts, { host, port: peerPort }, http)
  try {
    const metrics = new Metrics(name).withProcess()
    const tracing = traces ? await startTracing({ service: name, log, metrics, clock }) : undefined
    const { service, dependencies = [] } = await start({ log, metrics, tracer: tracing?.tracer ?? noTracer })
    mounts.mount('', service.app)
    if (service.peerApp) peerMounts.mount('', service.peerApp)
    log.info({ url: http.url }, 'serving')
    const settleMs = config.ROUTES_SETTLE_SECONDS * 1_000
    const settling = {
      stop: async () => {
        peerMounts.mount('/health/ready', createApp({ routes: [readinessRoute('/', stopping)], log, metrics: new Metrics(name) }))
        if (settleMs > 0) await new Promise<void>((resolve) => clock.after(settleMs, resolve))
      },
    }
    return {
      ...stopAll(log, settling, service, http, peerHttp, ...dependencies, tracing, signals),
      stopDeadlineMs: settleMs + drainSeconds * 1_000 + STOP_MARGIN_MS,
    }
  } catch (error) {
    await Promise.all([http.stop(), peerHttp?.stop(), signals.stop()])
    throw error
  }
}

/** Listens, and stops the other port when this one is taken. */
const listenOrStop = (app: App, options: ListenOptions, other: Running): Promise<Running> =>
  listen(app, options).catch(async (error: unknown) => {
    await other.stop()
    throw error
  })

/** After a crash players may reach a pod that has just begun to start: some explorers take a 404 as final. */
const refuseWhileStarting: UpgradeHandler = (_, socket) => {
  refuseUpgrade(socket, 503, 1)
}

/** Beyond the draining: time for closing handshakes and for the last writes. The pods' grace period is at least as long. */
const STOP_MARGIN_MS = 10_000

/** Connects a process to its bus; only then its client library is loaded. @throws UserError when NATS refuses the login, or when it cannot be attempted */
export const connectBus = async (
  name: string,
  { NATS_URL, ...config }: BusConfig & { NATS_URL: string },
  log: Log,
  metrics: Metrics,
): Promise<Bus> => {
  const { connectNats } = await import('./bus/nats.ts')
  return connectNats({
    servers: NATS_URL.split(','),
    name: `${name} ${config.BUS_SCOPE}`.trim(),
    user: secretOf(config.NATS_USER, config.NATS_USER_FILE),
    password: secretOf(config.NATS_PASSWORD, config.NATS_PASSWORD_FILE),
    token: secretOf(config.NATS_TOKEN, config.NATS_TOKEN_FILE),
    nkeySeed: secretOf(config.NATS_NKEY_SEED, config.NATS_NKEY_SEED_FILE),
    credentials: secretOf(undefined, config.NATS_CREDENTIALS_FILE),
    caFile: config.NATS_CA_FILE,
    log,
    metrics: busMetrics(metrics),
  })
}

const secretOf = (value: string | undefined, file: string | undefined) => (value || file ? currentSecret(value, file) : undefined)
