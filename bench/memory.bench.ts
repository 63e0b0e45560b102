import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startBroker } from '../cells/bus/fixtures.ts'
import { resources } from '../cells/kube/resources.ts'
import { startApiServer } from '../testing/apiserver/apiserver.ts'
import { parseDockerfile } from '../testing/cluster/dockerfile.ts'
import { settingsOf } from '../testing/cluster/image.ts'
import { freePort } from '../testing/free-port.ts'
import { lookUp } from '../testing/parts/catalogue.ts'
import { startPostgres } from '../testing/postgres-server.ts'
import { type Program, startProgram } from '../testing/program.ts'
import { bundle } from '../tools/bundle.ts'
import type { Figure } from './figure.ts'
import { measureLaptopStart } from './laptop-start.ts'
import { CHART_FLAGS, serviceAccountFiles, until } from './operator-process.ts'
import { memoryOf } from './process-memory.ts'

export const name = 'memory'

const root = fileURLToPath(new URL('../', import.meta.url))
/** After that the runtime has collected what only the start needed. */
const IDLE_MS = 30_000
const LIVEKIT = {
  LIVEKIT_HOST: 'wss://livekit.invalid',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters',
}

const OPERATOR = {
  OPERATOR_NAMESPACE: 'idle',
  IMAGE_REPOSITORY: 'registry.invalid/realm-operator',
  PROVIDER_URL: 'http://127.0.0.1:9',
}

/** A program of the image, how it is started, and the memory it may add to a node when it is idle, in MB. */
interface Measured {
  what: string
  program: string
  flags: readonly string[]
  args?: readonly string[]
  env: Record<string, string>
  limitMb: number
}

/** Starts what a laptop runs, then each program of the image without any player, and reports their memory. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  await measureLaptopStart(report)
  await bundle(join(root, 'bundle'))
  const [nats, postgres, kube] = [lookUp('nats'), lookUp('postgres'), lookUp('kube')]
  const after = new AsyncDisposableStack()
  try {
    const programs: Measured[] = []
    let natsPid: number | undefined
    if ('path' in nats) {
      const broker = after.use(await startBroker(nats.path))
      programs.push(...(await onBus(broker.url)))
      natsPid = broker.pid
      if ('path' in postgres) {
        const server = await startPostgres(postgres.path)
        after.defer(() => server.stop())
        programs.push({ ...service('gatekeeper', 85), env: { ...LIVEKIT, DATABASE_URL: await server.database() } })
      }
    }
    if ('path' in kube) {
      const api = await startApiServer(kube.path)
      after.defer(() => api.stop())
      await api.client().create(resources.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'idle' } })
      const account = await serviceAccountFiles(api, 'idle')
      after.defer(() => account.stop())
      programs.push({ ...service('realm-provider', 75), env: account.env })
      programs.push({ ...operator, env: { ...OPERATOR, ...account.env } })
    }
    const data = await mkdtemp(join(tmpdir(), 'memory-'))
    after.defer(() => rm(data, { recursive: true, force: true }))
    programs.push({ ...service('gatekeeper', 175), what: 'gatekeeper with an embedded database', env: { DATABASE_FOLDER: data } })
    const running = await Promise.all(programs.map((measured) => start(measured, after)))
    await sleep(IDLE_MS)
    for (const { measured, program } of running) reportMemory(measured, program.pid, report)
    // With the clients of all programs above.
    if (natsPid !== undefined) reportMemory({ what: 'nats-server', limitMb: 40 }, natsPid, report)
  } finally {
    await after.disposeAsync()
  }
}

const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'))
const image = settingsOf(stages.at(-1) ?? stages[0])

const service = (service: string, limitMb: number): Omit<Measured, 'env'> => ({
  what: service,
  program: 'cells/main.js',
  flags: image.entrypoint.filter((word) => word.startsWith('-')),
  args: [service],
  limitMb,
})

const operator: Omit<Measured, 'env'> = { what: 'operator', program: 'operator/main.js', flags: CHART_FLAGS, limitMb: 95 }

const onBus = async (url: string): Promise<Measured[]> => {
  const bus = { NATS_URL: url, BUS_SCOPE: 'idle.0' }
  // What the operator sets for a realm with a gatekeeper, a realm provider and catalysts.
  const gatekeeper = { COMMS_GATEKEEPER_URL: 'http://127.0.0.1:9' }
  const ofStats = { REALM_PROVIDER_URL: 'http://127.0.0.1:9', CONTENT_URL: 'http://127.0.0.1:9/content' }
  const compact = async () => ({
    ...{ ...bus, ...gatekeeper, BUS_SCOPE: 'idle.1' },
    ...{ STATS_BUS_SCOPE: 'idle.*', STATS_HTTP_SERVER_PORT: String(await freePort()) },
    ...Object.fromEntries(Object.entries(ofStats).map(([name, value]) => [`STATS_${name}`, value])),
  })
  return [
    { ...service('connector', 75), env: { ...bus, ...gatekeeper } },
    { ...service('archipelago', 75), env: { ...bus, ...LIVEKIT } },
    {
      ...service('archipelago', 85),
      what: 'archipelago with embedded rooms',
      env: { ...bus, ROOMS_URL: 'ws://127.0.0.1:9/rooms' },
    },
    {
      ...service('stats', 65),
      env: { ...bus, ...ofStats },
    },
    { ...service('compact', 85), env: { ...(await compact()), ...LIVEKIT } },
    {
      ...service('compact', 90),
      what: 'compact with embedded rooms',
      env: { ...(await compact()), BUS_SCOPE: 'idle.2', ROOMS_URL: 'ws://127.0.0.1:9/rooms' },
    },
  ]
}

async function start(measured: Measured, after: AsyncDisposableStack): Promise<{ measured: Measured; program: Program }> {
  const port = await freePort()
  const { program: file, flags, args = [], env } = measured
  const listening = { HTTP_SERVER_HOST: '127.0.0.1', HTTP_SERVER_PORT: String(port), LOG_LEVEL: 'error' }
  const program = after.use(
    startProgram(process.execPath, [...flags, join(root, 'bundle', file), ...args], { env: { ...listening, ...env } }),
  )
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.ok ?? false
  const ended = program.ended.then((how) => {
    throw new Error(`${measured.what} ended with ${how}:\n${program.output()}`)
  })
  await Promise.race([until(isReady), ended])
  ended.catch(() => undefined) // killed at the end
  return { measured, program }
}

function reportMemory(
  { what, limitMb }: Pick<Measured, 'what' | 'limitMb'>,
  pid: number,
  report: (figure: Figure) => void,
): void {
  const { rssMb, pssMb, anonymousMb, cpuMs } = memoryOf(pid)
  const verdict = pssMb <= limitMb ? 'within' : 'above'
  // Most of the resident memory is the runtime's own file, which all pods of a node share: each counts with its share of that.
  report({
    what,
    value: pssMb,
    unit: 'MB',
    note: `${verdict} ${limitMb} MB; anonymous ${anonymousMb} MB, resident ${rssMb} MB; ${cpuMs} ms of CPU`,
  })
}
