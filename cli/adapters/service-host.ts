import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Bus } from '../../cells/bus/bus.ts'
import type { Clock } from '../../cells/chassis/clock.ts'
import { Refusal } from '../../cells/chassis/errors.ts'
import { type App, json } from '../../cells/chassis/http.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import type { Mounts } from '../../cells/chassis/mounts.ts'
import type { RunningService } from '../../cells/chassis/running-service.ts'
import type { Tracer } from '../../cells/chassis/tracing.ts'
import { type CellServices, startCellServices } from '../../cells/compact/cell-services.ts'
import { startWorldGatekeeper } from '../../cells/compact/world-gatekeeper.ts'
import { readConfig as readGatekeeperConfig } from '../../cells/gatekeeper/config.ts'
import { startGatekeeper } from '../../cells/gatekeeper/service.ts'
import type { ChainVerifier } from '../../cells/identity/verifier.ts'
import { readConfig as readStatsConfig } from '../../cells/stats/config.ts'
import { startStats } from '../../cells/stats/service.ts'
import type { SessionReports } from '../../cells/wire/session-report.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import type { Realm } from '../../crds/realm.ts'
import type { WorldsFile } from '../../crds/world.ts'
import type { Settings } from '../../operator/desired/settings.ts'
import type { CellRunSpec, LocalRuntime, ServiceRunSpec } from '../../operator/local/runtime.ts'

export interface ServiceHostOptions {
  mounts: Mounts
  bus: Bus
  log: Log
  clock: Clock
  verifier: ChainVerifier
  tracer?: Tracer | undefined
  /** Folder below which each realm keeps its data. */
  dataFolder: string
  /** Where the connectors of a realm report their sessions; undefined = the realm names another relay than that of this machine. */
  reportsOf: (realm: ObjectKey) => SessionReports | undefined
  /** Path of a realm on our one port: `/main`. */
  pathOf: (realm: ObjectKey) => string
  /** The value of a Secret's key; undefined when the manifest does not have it. */
  secretValue: (namespace: string, secret: string, key: string) => string | undefined
}

/** Runs cells and services in this process, each below its path on the one port. */
export function createServiceHost(parts: ServiceHostOptions): LocalRuntime {
  const { mounts, bus, log, clock, verifier, tracer, pathOf } = parts
  const cells = new Map<string, CellServices>()
  const routes = new Map<string, { targets: Map<number, string>; unmount: () => void }>()

  /** The app at a slot's stable URL; each request goes to the cell that serves the slot at that moment. */
  function slotApp(realm: string, slot: number): App {
    const cellApp = () => cells.get(`${realm.split('/')[0]}/${routes.get(realm)?.targets.get(slot)}`)?.app
    return {
      handle(request, response, basePath) {
        const app = cellApp()
        if (app) return app.handle(request, response, basePath)
        const { status, headers, body } = json(503, { error: 'this cell is starting' })
        response.writeHead(status, { ...headers }).end(body)
      },
      upgrade: (request, socket, head, basePath) => cellApp()?.upgrade(request, socket, head, basePath) ?? false,
    }
  }

  const settingsOf = (namespace: string, settings: Settings) => environmentOf(settings, namespace, parts)
  const cellSettings = ({ cell, plan }: CellRunSpec) => ({
    connector: settingsOf(cell.metadata.namespace, plan.connectors.settings),
    archipelago: settingsOf(cell.metadata.namespace, plan.archipelago.settings),
  })

  async function startService({ realm: { metadata }, plan }: ServiceRunSpec): Promise<RunningService> {
    const env = settingsOf(metadata.namespace, plan.settings)
    const shared = { bus, log: log.child({ realm: metadata.name }), clock, metrics: new Metrics(plan.component) }
    if (plan.component === 'stats') return startStats(readStatsConfig(env), shared)
    if (!env.DATABASE_URL) env.DATABASE_FOLDER = join(parts.dataFolder, `${metadata.namespace}.${metadata.name}`, 'gatekeeper')
    else delete env.DATABASE_FOLDER
    if (plan.hosting) env.WORLDS_FILE = await writeWorlds(parts.dataFolder, metadata, plan)
    const config = readGatekeeperConfig(env)
    const start = config.ROOMS_SERVER === 'Self' ? startWorldGatekeeper : startGatekeeper
    return start(config, { ...shared, verifier, tracer, worldSecretOf: secretsOfWorlds(parts, metadata.namespace, plan) })
  }

  return {
    async startCell(order) {
      const key = keyText(order.cell.metadata)
      const { namespace } = order.cell.metadata
      const relay = parts.reportsOf({ namespace, name: order.cell.spec.realmRef.name })
      const services = await startCellServices(cellSettings(order), {
        bus,
        log: log.child({ cell: key }),
        clock,
        verifier,
        tracer,
        relay,
      })
      cells.set(key, services)
      return {
        readiness: () => services.readiness(),
        update: (changed) => services.reconfigure(cellSettings(changed)),
        async stop() {
          // New players must not reach the cell while it drains.
          if (cells.get(key) === services) cells.delete(key)
          await services.stop()
        },
      }
    },
    async startService(order) {
      const service = await startService(order)
      const unmount = mounts.mount(`${pathOf(order.realm.metadata)}/${order.plan.component}`, service.app)
      return {
        readiness: () => service.readiness(),
        async update(changed) {
          // Other worlds need no other process.
          if (!isDeepStrictEqual(withoutWorlds(changed), withoutWorlds(order))) return false
          await writeWorlds(parts.dataFolder, changed.realm.metadata, changed.plan)
          return true
        },
        async stop() {
          unmount()
          await service.stop()
        },
      }
    },
    route({ metadata }: Pick<Realm, 'metadata'>, slots) {
      const realm = keyText(metadata)
      const known = routes.get(realm)
      const targets = new Map(slots.map(({ slot, cell }) => [slot, cell]))
      if (known && sameKeys(known.targets, targets)) {
        known.targets = targets
        return
      }
      known?.unmount()
      const mounted = slots.map(({ slot }) => mounts.mount(`${pathOf(metadata)}/cells/${slot}`, slotApp(realm, slot)))
      const unmount = () => {
        for (const end of mounted) end()
      }
      if (slots.length > 0) routes.set(realm, { targets, unmount })
      else routes.delete(realm)
    },
  }
}

/** Writes the file that is a ConfigMap in a cluster. */
async function writeWorlds(
  dataFolder: string,
  { namespace, name }: ObjectKey,
  { hosting }: ServiceRunSpec['plan'],
): Promise<string> {
  const folder = join(dataFolder, `${namespace}.${name}`)
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'worlds.json')
  await writeFile(file, JSON.stringify({ worlds: hosting?.worlds ?? [] } satisfies WorldsFile))
  return file
}

const secretsOfWorlds =
  ({ secretValue }: Pick<ServiceHostOptions, 'secretValue'>, namespace: string, { hosting }: ServiceRunSpec['plan']) =>
  (key: string): string | undefined =>
    hosting?.secret && secretValue(namespace, hosting.secret.name, key)

const withoutWorlds = ({ realm, plan: { hosting, ...plan } }: ServiceRunSpec) => ({ realm, plan, secret: hosting?.secret })

/** Settings as the environment of a process: Secrets in the clear, the bus in memory. */
function environmentOf(settings: Settings, namespace: string, { secretValue }: ServiceHostOptions): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { NATS_URL: 'memory', LOG_LEVEL: 'warn' }
  for (const [name, setting] of Object.entries(settings)) {
    const value = typeof setting === 'string' ? setting : secretValue(namespace, setting.secret, setting.key)
    if (value !== undefined) env[name] = value
    // A production manifest names a database whose Secret stays in the cluster; a laptop then uses the embedded one.
    else if (name !== 'DATABASE_URL' && typeof setting !== 'string')
      throw new Refusal('UNAVAILABLE', `the Secret ${namespace}/${setting.secret} with key ${setting.key} is not in the manifest`)
  }
  return env
}

const sameKeys = (a: ReadonlyMap<number, string>, b: ReadonlyMap<number, string>): boolean =>
  a.size === b.size && [...a.keys()].every((key) => b.has(key))
