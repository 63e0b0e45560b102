import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'vitest'
import type { Endpoint, Realm, RealmSpec, RealmStatus } from '../../crds/realm.ts'
import { ManualClock, systemClock } from '../chassis/clock.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { RealmStats } from './adapters/stats-poller.ts'
import type { RealmProviderConfig } from './config.ts'
import { type RealmProviderDependencies, startRealmProvider } from './service.ts'
import { createLocalSource } from './sources/local.ts'

type Finishing = Pick<TestContext, 'onTestFinished'>

/** A cell's endpoint at a slot. */
export const anEndpoint = (slot: number, state: Endpoint['state'] = 'Serving'): Endpoint => ({
  slot,
  adapter: `archipelago:archipelago:wss://main.example/cells/${slot}/ws`,
  cell: `main-${slot}`,
  state,
})

/** The scene of a World. */
export const aSceneUrn = 'urn:decentraland:entity:bafkscene?=&baseUrl=https://c.example/contents/'

/** A Realm; by default with one serving cell. */
export function aRealm(
  given: {
    name?: string
    namespace?: string
    realmName?: string
    createdAt?: string
    deleted?: boolean
    replicas?: number
    content?: Partial<RealmSpec['content']>
    endpoints?: Endpoint[]
    statsUrl?: string
    movement?: NonNullable<RealmStatus['movement']>
    /** Makes it a World. */
    world?: Partial<NonNullable<RealmSpec['world']>>
    gatekeeperUrl?: string
  } = {},
): Realm {
  const { name = 'main', namespace = 'realms', endpoints = [anEndpoint(0)] } = given
  return {
    apiVersion: 'comms.decentraland.org/v1alpha1',
    kind: 'Realm',
    metadata: {
      name,
      namespace,
      creationTimestamp: given.createdAt ?? '2026-01-01T00:00:00Z',
      ...(given.deleted && { deletionTimestamp: '2026-01-02T00:00:00Z' }),
    },
    spec: {
      ...(given.realmName && { realmName: given.realmName }),
      mode: given.world ? 'World' : 'City',
      ...(given.world && { world: { scenes: [aSceneUrn], access: { type: 'Public' }, capacity: 100, ...given.world } }),
      version: '1.0.0',
      cells: {
        replicas: given.replicas ?? 1,
        max: 4,
        assignment: 'LeastLoaded',
        template: {
          connectors: { replicas: 1, drainSeconds: 30 },
          topology: 'Split',
          archipelago: { joinDistance: 64, leaveDistance: 80, islandSize: 100, flushPeriodMilliseconds: 2000 },
        },
      },
      gatekeeper: { replicas: 1, database: { type: 'Embedded' } },
      nats: { type: 'Managed' },
      movement: { type: 'Managed' },
      livekit: { type: 'None' },
      content: {
        catalysts: [],
        networkId: 1,
        scenesUrn: [],
        globalScenesUrn: [],
        map: { minimapEnabled: true, sizes: [{ left: -150, top: 150, right: 150, bottom: -150 }] },
        ...given.content,
      },
      exposure: { type: 'None' },
      networkPolicy: { type: 'None' },
      publication: { providers: [] },
      rollout: { paused: false, joinProbe: 'Required', minJoinRate: 90, progressDeadlineSeconds: 600 },
    },
    status: {
      endpoints,
      ...((given.statsUrl || given.gatekeeperUrl) && {
        urls: {
          ...(given.statsUrl && { stats: given.statsUrl }),
          ...(given.gatekeeperUrl && { gatekeeper: given.gatekeeperUrl }),
        },
      }),
      ...(given.movement && { movement: given.movement }),
    },
  }
}

/** Stats with the given players by name of the realm, and no hot scenes. */
export const playerCounts = (counts: Record<string, number> = {}): RealmStats => ({
  playerCount: ({ realmName }) => (counts[realmName] === undefined ? undefined : { total: counts[realmName] }),
  hotScenes: () => [],
  stop: async () => {},
})

/** Starts a realm provider on a free local port, with a manual clock unless `realTime` is set. */
export async function aProvider(
  { onTestFinished }: Finishing,
  given: { config?: Partial<RealmProviderConfig>; realTime?: boolean; port?: number } & Partial<RealmProviderDependencies> = {},
) {
  const local = createLocalSource()
  const metrics = new Metrics('realm-provider')
  const manual = new ManualClock()
  const { config, realTime, port = 0, ...deps } = given
  const service = await startRealmProvider(
    { COMMIT_HASH: '', CURRENT_VERSION: '', ALLOW_LOCAL_URLS: 'true', ...config },
    { source: local, log: silentLog, clock: realTime ? systemClock : manual, metrics, ...deps },
  )
  const http = await listen(service.app, { host: '127.0.0.1', port })
  const peerPort = config?.PEER_SERVER_PORT ?? 0
  const peer = service.peerApp && (await listen(service.peerApp, { host: '127.0.0.1', port: peerPort }))
  onTestFinished(async () => {
    await Promise.all([http.stop(), peer?.stop()])
    await service.stop()
  })
  const get = (path: string, init?: RequestInit) => fetch(http.url + path, init)
  return {
    source: local,
    clock: manual,
    metrics,
    service,
    url: http.url,
    peerUrl: peer?.url ?? '',
    get,
    json: async (path: string, init?: RequestInit): Promise<unknown> => (await get(path, init)).json(),
  }
}

const keepAlive = new Agent({ keepAlive: true, maxSockets: 32 })

/** Sends paths and Host headers that `fetch` would not send. */
export const rawGet = (
  url: string,
  path: string,
  host?: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    request(
      { hostname, port, path, agent: keepAlive, headers: { ...headers, ...(host !== undefined && { host }) } },
      (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          body += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      },
    )
      .on('error', reject)
      .end()
  })

/** The `/about` of a healthy catalyst; `versions` of content and lambdas. */
export const aCatalystAbout = (publicUrl: string, versions: [string, string] = ['8.0.3', '4.12.0']) => ({
  healthy: true,
  acceptingUsers: true,
  configurations: { networkId: 1, realmName: 'catalyst', globalScenesUrn: [], scenesUrn: [] } as Record<string, unknown>,
  content: {
    healthy: true,
    synchronizationStatus: 'Syncing',
    version: versions[0],
    commitHash: 'c0ffee1',
    publicUrl: `${publicUrl}/content/`,
  },
  lambdas: { healthy: true, version: versions[1], commitHash: 'c0ffee2', publicUrl: `${publicUrl}/lambdas/` },
  comms: { healthy: true, protocol: 'v3', fixedAdapter: 'offline:offline' },
})

/** A local HTTP service that answers with the given JSON by path, with 404 elsewhere, and while `hanging` only once it is released. */
export async function aService({ onTestFinished }: Finishing, answers: Record<string, unknown> = {}) {
  const held: (() => void)[] = []
  const release = () => {
    state.hanging = false
    for (const answer of held.splice(0)) answer()
  }
  const state = { answers, status: 200, hanging: false, asked: [] as string[], release }
  const server = createServer((incoming, response) => {
    state.asked.push(incoming.url ?? '')
    const respond = () => {
      const answer = state.answers[incoming.url ?? '']
      response.writeHead(answer === undefined ? 404 : state.status).end(JSON.stringify(answer ?? {}))
    }
    if (state.hanging) held.push(respond)
    else respond()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const die = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onTestFinished(die)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, state, die }
}
