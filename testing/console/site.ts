import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../cells/chassis/clock.ts'
import { createApp } from '../../cells/chassis/http.ts'
import { listen } from '../../cells/chassis/listen.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { aCatalystAbout, anEndpoint, aRealm } from '../../cells/realm-provider/fixtures.ts'
import { startRealmProvider } from '../../cells/realm-provider/service.ts'
import { createLocalSource } from '../../cells/realm-provider/sources/local.ts'
import { Snapshot } from '../../cells/stats/core/snapshot.ts'
import { statsRoutes } from '../../cells/stats/routes.ts'
import type { Condition, Realm } from '../../crds/realm.ts'
import { crowd } from './crowd.ts'

/** The token that shows wallets. */
export const CONSOLE_TOKEN = 'the-token-of-the-console'
const PERIOD_MS = 1_000
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

/**
 * A realm provider with its console, and realms with simulated players. Their statistics are the real ones; what is simulated is the
 * bus before them, and a catalyst.
 */
export async function startConsoleSite(peers: number) {
  const catalyst = await startCatalyst()
  const main = await startStatistics('main', peers, 4)
  const garden = await startStatistics('garden', Math.round(peers / 40), 1)
  const source = createLocalSource()
  for (const realm of realmsOf({ main: main.url, garden: garden.url, catalyst: catalyst.url })) source.set(realm)
  const config = { COMMIT_HASH: '', CURRENT_VERSION: '0.1.0', ALLOW_LOCAL_URLS: 'true' as const, CONSOLE_TOKEN }
  const metrics = new Metrics('realm-provider')
  const provider = await startRealmProvider(config, { source, log: silentLog, clock: systemClock, metrics })
  const http = await listen(provider.app, { host: '127.0.0.1', port: 0 })
  const visitors = setInterval(() => {
    for (const name of ['main', 'main', 'main', 'garden', 'winter'])
      void fetch(`${http.url}/${name}/about`).catch(() => undefined)
  }, 500)
  return {
    url: http.url,
    stop: async () => {
      clearInterval(visitors)
      await provider.stop()
      await Promise.all([http, main, garden, catalyst].map((part) => part.stop()))
    },
  }
}

async function startStatistics(realmName: string, peers: number, slots: number) {
  const snapshot = new Snapshot()
  const people = crowd(peers, slots)
  people.report(snapshot, systemClock)
  const timer = setInterval(() => people.move(snapshot, systemClock), PERIOD_MS)
  const hotScenes = { current: () => [] }
  const app = createApp({
    log: silentLog,
    metrics: new Metrics('stats'),
    routes: statsRoutes({
      snapshot,
      hotScenes: hotScenes as unknown as Parameters<typeof statsRoutes>[0]['hotScenes'],
      clock: systemClock,
      build: { version: '0.1.0', commitHash: '' },
      realmName,
    }),
  })
  const http = await listen(app, { host: '127.0.0.1', port: 0 })
  return {
    url: http.url,
    stop: async () => {
      clearInterval(timer)
      await http.stop()
    },
  }
}

async function startCatalyst() {
  const server = createServer((request, response) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    response.end(JSON.stringify(request.url === '/about' ? aCatalystAbout(url) : {}))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

const condition = (type: string, status: Condition['status'], reason: string, message: string, hours: number): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: hoursAgo(hours),
})

const GOOD = [
  condition('Ready', 'True', 'AllServing', 'every cell and service works', 70),
  condition('AcceptingPlayers', 'True', 'CellsServing', 'players can connect', 70),
  condition('DependenciesReady', 'True', 'Reachable', 'NATS and LiveKit are reachable', 70),
  condition('DataDurable', 'True', 'OnVolume', 'bans are on a volume', 70),
  condition('Published', 'True', 'ServedByProvider', 'the realm provider serves this realm', 70),
]

function realmsOf(urls: { main: string; garden: string; catalyst: string }): Realm[] {
  const movement = {
    host: 'relay.example.org:7777',
    bevy: 'PULSE_SERVER=relay.example.org:7777',
    godot: 'decentraland://?realm=https://realms.example.org/main&pulse-server=relay.example.org:7777',
    unity: '--base-domain example.org',
  }
  const main = aRealm({
    replicas: 4,
    endpoints: [0, 1, 2, 3].map((slot) => anEndpoint(slot)),
    statsUrl: urls.main,
    movement,
    content: { catalysts: [urls.catalyst, 'https://catalyst.invalid'] },
  })
  const garden = aRealm({
    name: 'garden',
    statsUrl: urls.garden,
    createdAt: '2026-01-02T00:00:00Z',
    content: { map: { minimapEnabled: true, sizes: [{ left: -20, top: 20, right: 20, bottom: -20 }] } },
  })
  const broken = aRealm({ name: 'harbour', endpoints: [anEndpoint(0, 'Unhealthy')] })
  const asleep = aRealm({ name: 'winter', replicas: 0, endpoints: [] })
  return [
    withConditions(main, [...GOOD, condition('Reconciling', 'True', 'RollingOut', '2 of 4 cells run the new version', 0.02)]),
    withConditions(garden, GOOD),
    withConditions(broken, [
      condition('Ready', 'False', 'CellsNotReady', 'cell harbour-0: the connectors are not ready: image pull back-off', 0.4),
      condition(
        'DependenciesReady',
        'False',
        'Unreachable',
        'wss://livekit.example.org does not answer; check spec.livekit.url',
        0.5,
      ),
    ]),
    withConditions(asleep, [condition('AcceptingPlayers', 'False', 'Hibernated', 'the realm is hibernated', 200)]),
  ]
}

const withConditions = (realm: Realm, conditions: Condition[]): Realm => ({
  ...realm,
  status: {
    ...realm.status,
    replicas: realm.spec.cells.replicas,
    readyReplicas: realm.spec.cells.replicas,
    updatedReplicas: realm.spec.cells.replicas,
    conditions,
  },
})
