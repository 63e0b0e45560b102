import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig as readArchipelagoConfig } from '../../cells/archipelago/config.ts'
import { startArchipelago } from '../../cells/archipelago/service.ts'
import type { Bus } from '../../cells/bus/bus.ts'
import { createMemoryBus } from '../../cells/bus/memory.ts'
import { type Clock, ManualClock, systemClock } from '../../cells/chassis/clock.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import { type HttpListener, listen } from '../../cells/chassis/listen.ts'
import { type Log, silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { createMounts } from '../../cells/chassis/mounts.ts'
import type { RunningService } from '../../cells/chassis/running-service.ts'
import { readConfig as readConnectorConfig } from '../../cells/connector/config.ts'
import { startConnector } from '../../cells/connector/service.ts'
import { expectDeclared } from '../../cells/gatekeeper/fixtures.ts'
import { startGatekeeper } from '../../cells/gatekeeper/service.ts'
import { createVerifier } from '../../cells/identity/verifier.ts'
import { aRealm, playerCounts } from '../../cells/realm-provider/fixtures.ts'
import { startRealmProvider } from '../../cells/realm-provider/service.ts'
import { createLocalSource } from '../../cells/realm-provider/sources/local.ts'
import { joinRoom } from '../../cells/rooms/fixtures.ts'
import { startRooms } from '../../cells/rooms/service.ts'
import { startStats } from '../../cells/stats/service.ts'
import { encodeAdmission } from '../../cells/wire/admission.ts'
import { subjects } from '../../cells/wire/subjects.ts'
import { connectPlayer } from '../player/player.ts'
import { signedFetch } from '../player/signed-fetch.ts'
import { createWallet, type Wallet } from '../player/wallet.ts'

/** HTTP servers of the services; `peers` is the port of the realm provider that is not public. */
export type FuzzedServer = 'connector' | 'rooms' | 'gatekeeper' | 'stats' | 'provider' | 'peers'

/** Bearer tokens: of the replicas, and of two publishers that may take names that begin with theirs. */
export const tokens = { replica: 'replica-token-0123456789', alpha: 'alpha-token-0123456789', beta: 'beta-token-0123456789' }

/** The realm of this cluster, whose name no publisher may take, and its adapter. */
export const ownRealm = { name: 'main', adapter: 'archipelago:archipelago:wss://main.example/cells/0/ws' }

/** All services of a realm and a realm provider, on real ports, connected by a bus in memory. */
export interface FuzzedServices extends Running {
  urls: Readonly<Record<FuzzedServer, string>>
  /** Base URLs of WebSockets: of the connector, and of the embedded rooms without the name of the room. */
  sockets: { connector: string; rooms: string }
  bus: Bus
  /** Lets a wallet into an embedded room. */
  admit(wallet: Wallet, room: string): Promise<void>
  /** Announces that the caller signs in honestly: any other welcome is a problem. */
  expectWelcome(): void
  /** Bugs that services counted, exceptions of bus listeners, and unexpected welcomes, since the last call. */
  problems(): Promise<string[]>
  /** A player joins, gets an island, enters its room and a scene; every public API answers. @throws when one does not */
  serveHonestly(): Promise<void>
  /** Lets time pass and messages be delivered. */
  pass(ms: number): Promise<void>
}

const FLUSH_MS = 100
const ISLAND_WITHIN_MS = 20_000

/** Starts them all. With a `ManualClock`, time passes only in `pass`; the gatekeeper, whose database takes real time, has none. */
export async function startFuzzedServices({
  clock = systemClock,
  archipelago: env = {},
  log = silentLog,
}: {
  clock?: Clock
  archipelago?: NodeJS.ProcessEnv
  log?: Log
} = {}): Promise<FuzzedServices> {
  const thrown: string[] = []
  const bus = watchedBus(thrown)
  const verifier = createVerifier({ log, workers: 1 })
  const all = { bus, clock, verifier, log }
  const metrics = {
    connector: new Metrics('connector'),
    rooms: new Metrics('rooms'),
    archipelago: new Metrics('archipelago'),
    gatekeeper: new Metrics('gatekeeper'),
    stats: new Metrics('stats'),
    provider: new Metrics('realm-provider'),
  }
  const many = { MAX_CONNECTIONS_PER_ADDRESS: '1000', DRAIN_SECONDS: '0' }
  const roomsPort = await listenToNothing()
  const sockets = { rooms: `${roomsPort.url.replace('http', 'ws')}/rooms`, connector: '' }
  const connector = await startConnector(readConnectorConfig({ ...many, HANDSHAKES_PER_SECOND: '100000' }), {
    ...all,
    metrics: metrics.connector,
  })
  const rooms = await startRooms(
    { scope: '', drainSeconds: 0, limits: { upgradesPerSecond: 100_000, maxConnectionsPerAddress: 1_000 } },
    { ...all, metrics: metrics.rooms },
  )
  const archipelago = await startArchipelago(
    readArchipelagoConfig({
      NATS_URL: 'nats://unused',
      ROOMS_URL: sockets.rooms,
      ARCHIPELAGO_FLUSH_FREQUENCY: String(FLUSH_MS / 1_000),
      ...env,
    }),
    { ...all, metrics: metrics.archipelago, alone: true },
  )
  const stats = await startStats({ BUS_SCOPE: '', COMMIT_HASH: '', CURRENT_VERSION: '' }, { ...all, metrics: metrics.stats })
  const gatekeeper = await startGatekeeper(gatekeeperConfig, {
    ...{ ...all, clock: systemClock, metrics: metrics.gatekeeper },
    onAnswer: expectDeclared,
  })
  const { provider, stop: stopProvider } = await startProvider(clock, log, metrics.provider)
  roomsPort.mounts.mount('', rooms.app)

  const served = { connector, gatekeeper, stats, provider }
  const listeners = new Map<FuzzedServer, HttpListener>([['rooms', roomsPort]])
  for (const [name, { app }] of Object.entries(served))
    listeners.set(name as FuzzedServer, await listen(app, { host: '127.0.0.1', port: 0 }))
  if (provider.peerApp) listeners.set('peers', await listen(provider.peerApp, { host: '127.0.0.1', port: 0 }))
  const urls = Object.fromEntries([...listeners].map(([name, { url }]) => [name, url])) as Record<FuzzedServer, string>
  sockets.connector = `${urls.connector.replace('http', 'ws')}/ws`

  const pass = (ms: number) => passTime(clock, ms)
  let honest = 0
  const expectWelcome = () => {
    honest++
  }
  const admit = async ({ peer }: Wallet, room: string) => {
    bus.publish(subjects('').admission(peer), encodeAdmission({ room, kind: 'island' }))
    await bus.flush()
  }
  return {
    urls,
    sockets,
    bus,
    admit,
    expectWelcome,
    pass,
    async problems() {
      const found = thrown.splice(0).map((error) => `a bus listener threw ${error}`)
      for (const [name, { bugs }] of Object.entries(metrics)) {
        const { values } = await bugs.get()
        for (const { value, labels } of values) if (value > 0) found.push(`${name} counted ${value} bugs: ${labels.scope}`)
        bugs.reset()
      }
      const welcomes =
        (await counterValue(metrics.connector, 'realm_connector_handshakes_total', 'welcomed')) +
        (await counterValue(metrics.rooms, 'realm_rooms_joins_total'))
      if (welcomes > honest) found.push(`${welcomes - honest} welcomes without a valid chain`)
      honest = welcomes
      return found
    },
    serveHonestly: () => serveHonestly({ urls, sockets, expectWelcome, pass }),
    async stop() {
      const stopping = Promise.all([connector.stop(), rooms.stop(), archipelago.stop(), stats.stop(), gatekeeper.stop()])
      if (clock instanceof ManualClock) await passTime(clock, 60_000)
      await Promise.all([stopping, provider.stop(), stopProvider()])
      await Promise.all([...listeners.values()].map((each) => each.stop()))
      await Promise.all([verifier.close(), bus.close()])
    },
  }
}

/** The signing key of LiveKit tokens. */
export const livekitSecret = 'a secret of at least thirty-two characters'

/** Tokens of the gatekeeper's protected routes. */
export const moderation = { moderatorToken: 'moderator-token-0123456789', serviceToken: 'service-token-0123456789' }

const gatekeeperConfig = {
  BUS_SCOPE: '',
  COMMIT_HASH: '',
  CURRENT_VERSION: '',
  SCENE_ROOM_PREFIX: 'scene-',
  LIVEKIT_HOST: 'livekit.example.org',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: livekitSecret,
  MODERATOR_TOKEN: moderation.moderatorToken,
  COMMS_GATEKEEPER_AUTH_TOKEN: moderation.serviceToken,
}

/** A port whose URL is known before there is a service that serves it. */
async function listenToNothing(): Promise<HttpListener & { mounts: ReturnType<typeof createMounts> }> {
  const mounts = createMounts({ handle: (_, response) => response.destroy(), upgrade: () => false })
  return { ...(await listen(mounts, { host: '127.0.0.1', port: 0 })), mounts }
}

/** A bus that notes what listeners throw; the one in memory only logs it. */
function watchedBus(thrown: string[]): Bus {
  const bus = createMemoryBus(silentLog)
  return {
    ...bus,
    subscribe: (pattern, listener) =>
      bus.subscribe(pattern, (payload, subject) => {
        try {
          listener(payload, subject)
        } catch (error) {
          thrown.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
        }
      }),
  }
}

async function startProvider(
  clock: Clock,
  log: Log,
  metrics: Metrics,
): Promise<{ provider: RunningService; stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'fuzz-publishers-'))
  const publishers = (['alpha', 'beta'] as const).map((name) => ({
    name,
    tokenFile: join(folder, name),
    names: [`${name}-*`, 'both-*'],
  }))
  for (const { name, tokenFile } of publishers) await writeFile(tokenFile, tokens[name as 'alpha'])
  const source = createLocalSource()
  source.set(aRealm({ name: ownRealm.name }))
  const provider = await startRealmProvider(
    {
      COMMIT_HASH: '',
      CURRENT_VERSION: '',
      REPLICA_TOKEN: tokens.replica,
      PEER_SERVER_PORT: 0,
      PUBLICATION_PUBLISHERS: JSON.stringify(publishers),
    },
    { source, stats: playerCounts(), log, clock, metrics },
  )
  return { provider, stop: () => rm(folder, { recursive: true }) }
}

async function passTime(clock: Clock, ms: number): Promise<void> {
  if (!(clock instanceof ManualClock)) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20)))
    return
  }
  for (let passed = 0; passed < ms; passed += 500) {
    clock.advance(Math.min(500, ms - passed))
    for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}

async function counterValue(metrics: Metrics, name: string, outcome?: string): Promise<number> {
  const found = await metrics.registry.getSingleMetric(name)?.get()
  const values = found?.values ?? []
  return Number(values.find(({ labels }) => outcome === undefined || labels.outcome === outcome)?.value ?? 0)
}

let honestPlayers = 0

async function serveHonestly({
  urls,
  sockets,
  expectWelcome,
  pass,
}: Pick<FuzzedServices, 'urls' | 'sockets' | 'expectWelcome' | 'pass'>): Promise<void> {
  const wallet = createWallet(`honest ${honestPlayers++}`)
  const paths = [`${urls.connector}/health/live`, `${urls.gatekeeper}/health/ready`, `${urls.peers}/health/ready`]
  for (const url of [...paths, `${urls.stats}/peers`, `${urls.stats}/islands`, `${urls.rooms}/rooms`, `${urls.provider}/realms`])
    await answered(await fetch(url))
  const about = (await answered(await fetch(`${urls.provider}/${ownRealm.name}/about`))) as { comms: { adapter: string } }
  if (about.comms.adapter !== ownRealm.adapter) throw new Error(`/about names the adapter ${about.comms.adapter}`)
  const metadata = { realmName: ownRealm.name, sceneId: 'scene' }
  await answered(await signedFetch(`${urls.gatekeeper}/get-scene-adapter`, { wallet, method: 'POST', metadata }))

  expectWelcome()
  const player = await connectPlayer({ url: sockets.connector, wallet, chain: 'three' })
  const beats = setInterval(() => player.heartbeat({ x: 8, y: 0, z: 8 }), FLUSH_MS)
  try {
    player.heartbeat({ x: 8, y: 0, z: 8 })
    for (let waitedMs = 0; !player.island; waitedMs += 20) {
      if (waitedMs > ISLAND_WITHIN_MS) throw new Error('an honest player got no island')
      await pass(FLUSH_MS)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const room = /^ws-room:(.*)\/rooms\/(.*)$/.exec(player.island.connStr)
    if (!room) throw new Error(`an honest player was sent to ${player.island.connStr}`)
    expectWelcome()
    const member = await joinRoom(urls.rooms, room[2] ?? '', wallet)
    member.socket.close()
    await member.closed
  } finally {
    clearInterval(beats)
    player.close()
    await player.closed
  }
}

async function answered(response: Response): Promise<unknown> {
  const body = await response.text()
  if (response.status !== 200) throw new Error(`${response.url} answered ${response.status}: ${body.slice(0, 200)}`)
  return body.startsWith('{') || body.startsWith('[') ? JSON.parse(body) : body
}
