import { onTestFinished, vi } from 'vitest'
import { connectPlayer, type Player, type PlayerOptions } from '../../testing/player/player.ts'
import { openSocket, type PlayerSocket, type SocketOptions } from '../../testing/player/socket.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import type { Bus, BusState } from '../bus/bus.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { ManualClock } from '../chassis/clock.ts'
import type { App } from '../chassis/http.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { RunningService } from '../chassis/running-service.ts'
import type { Tracer } from '../chassis/tracing.ts'
import { type ChainVerifier, createVerifier } from '../identity/verifier.ts'
import { withFencingToken } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId, Position } from '../wire/peer.ts'
import type { SessionReports } from '../wire/session-report.ts'
import { type ConnectorConfig, readConfig } from './config.ts'
import { startConnector } from './service.ts'

/** A bus whose connection can be interrupted: meanwhile it drops what is published, as the real one does. */
export interface TestBus extends Bus {
  become(state: BusState): void
}

export function aBus(): TestBus {
  const memory = createMemoryBus(silentLog)
  const listeners = new Set<(state: BusState) => void>()
  let state: BusState = 'connected'
  return {
    ...memory,
    get state() {
      return state
    },
    onState: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    publish: (subject, payload) => {
      if (state === 'connected') memory.publish(subject, payload)
    },
    become(next) {
      state = next
      for (const listener of listeners) listener(next)
    },
  }
}

/** A message of a peer's subjects, `peer.{peer}.{topic}`. */
export interface PublishedMessage {
  topic: string
  peer: string
  payload: Uint8Array
}

export interface TestConnector {
  url: string
  http: string
  service: RunningService
  clock: ManualClock
  bus: TestBus
  /** What connectors published on the bus since the start, in order. */
  published: PublishedMessage[]
  /** The topics published for a peer, in order. */
  topicsOf(peer: PeerId): string[]
  positionsOf(peer: PeerId): (Position | undefined)[]
  join(options?: Partial<PlayerOptions>): Promise<Player>
  socket(options?: Partial<SocketOptions>): Promise<PlayerSocket>
  /** The value of a metric, `name{label="value"}` as scraped; 0 when it was never counted. */
  metric(name: string): Promise<number>
  /** Announces an island to a peer, as the archipelago does. */
  place(peer: PeerId, islandId: string, padding?: number, term?: FencingToken): void
}

let shared: ChainVerifier | undefined

/** The verifier that test connectors share by default: its threads take a while to start. */
export function aVerifier(): ChainVerifier {
  shared ??= createVerifier({ log: silentLog, workers: 1 })
  return shared
}

/** What a test connector has instead of its own; `peerAddress` is the address that all its connections come from. */
interface TestConnectorParts {
  bus?: TestBus
  clock?: ManualClock
  verifier?: ChainVerifier
  relay?: SessionReports
  peerAddress?: string
  tracer?: Tracer
}

/** A connector on a free port, with a clock that stands still; it ends with the test. */
export async function aConnector(
  config: Partial<ConnectorConfig> = {},
  { bus = aBus(), clock = new ManualClock(), verifier = aVerifier(), relay, peerAddress, tracer }: TestConnectorParts = {},
): Promise<TestConnector> {
  const published: PublishedMessage[] = []
  bus.subscribe('peer.*.*', (payload, subject) => {
    const [, peer = '', topic = ''] = subject.split('.')
    published.push({ topic, peer, payload })
  })
  const metrics = new Metrics('connector')
  const service = await startConnector(
    { ...readConfig({}), DRAIN_SECONDS: 0, ...config },
    { bus, clock, verifier, metrics, relay, tracer, log: silentLog },
  )
  const app = peerAddress === undefined ? service.app : connectedFrom(peerAddress, service.app)
  const listening = await listen(app, { port: 0, host: '127.0.0.1' })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= service.stop()
    return stopped
  }
  onTestFinished(async () => {
    const stopping = stop()
    clock.advance(3_600_000)
    await stopping
    await listening.stop()
  })
  const url = `${listening.url.replace('http', 'ws')}/ws`
  return {
    url,
    http: listening.url,
    service: { ...service, stop },
    clock,
    bus,
    published,
    topicsOf: (of) => published.filter(({ peer }) => peer === of).map(({ topic }) => topic),
    positionsOf: (of) =>
      published
        .filter(({ peer, topic }) => peer === of && topic === 'heartbeat')
        .map(({ payload }) => busPayloads.decodeHeartbeat(payload)?.position),
    join: (options = {}) => connectPlayer({ url, wallet: createWallet(), ...options }),
    socket: (options = {}) => openSocket({ url, ...options }),
    async metric(name) {
      const line = (await metrics.registry.metrics()).split('\n').find((text) => text.startsWith(`realm_connector_${name} `))
      return Number(line?.split(' ').at(-1) ?? 0)
    },
    place: (peer, islandId, padding = 0, term) => {
      const message = busPayloads.encodeIslandChanged({
        islandId,
        connStr: `livekit:wss://lk.example?access_token=${'T'.repeat(padding)}`,
        fromIslandId: undefined,
        peers: {},
      })
      bus.publish(`engine.peer.${peer}.island_changed`, term === undefined ? message : withFencingToken(message, term))
    },
  }
}

const connectedFrom = (remoteAddress: string, app: App): App => ({
  ...app,
  upgrade: (request, ...rest) => {
    Object.defineProperty(request.socket, 'remoteAddress', { value: remoteAddress })
    return app.upgrade(request, ...rest)
  },
})

/** Waits until a check does not throw, with a deadline. */
export const until = (check: () => void | Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 5 })
