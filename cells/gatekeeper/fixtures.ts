import type { TestContext } from 'vitest'
import { signedFetch } from '../../testing/player/signed-fetch.ts'
import type { Wallet } from '../../testing/player/wallet.ts'
import { ManualClock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import type { HttpResponse } from '../chassis/http-response.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { type ChainVerifier, createVerifier } from '../identity/verifier.ts'
import type { PeerId } from '../wire/peer.ts'
import type { PlayerConnection, Storage } from './adapters/storage.ts'
import type { Declaration } from './api/declaration.ts'
import { answersOf } from './api/openapi.ts'
import type { GatekeeperConfig } from './config.ts'
import type { PlatformBan } from './core/active-bans.ts'
import { type GatekeeperDependencies, startGatekeeper } from './service.ts'

/** A storage in memory; it fails with the message in `broken` while that is set. */
export interface MemoryStorage extends Storage {
  bans: PlatformBan[]
  connections: Map<PeerId, PlayerConnection>
  /** Arguments of the calls that delete records. */
  forgotten: [beforeMs: number, limit: number][]
  broken: string | undefined
  stopped: boolean
}

const unavailable = async () => {
  throw new Refusal('UNAVAILABLE', 'This test has no database')
}

export function aStorage(): MemoryStorage {
  const check = async () => {
    if (storage.broken) throw new Error(storage.broken)
  }
  const storage: MemoryStorage = {
    database: {
      async query() {
        await check()
        return []
      },
      transaction: unavailable,
    },
    bans: [],
    connections: new Map(),
    forgotten: [],
    broken: undefined,
    stopped: false,
    async unliftedBans() {
      await check()
      return storage.bans
    },
    async unliftedBansOf(wallets) {
      await check()
      return storage.bans.filter(({ bannedAddress }) => wallets.some((wallet) => wallet === bannedAddress))
    },
    async bansSince(version) {
      await check()
      const current = JSON.stringify(storage.bans)
      return { version: current, wallets: current === version ? [] : undefined }
    },
    async recordConnections(connections) {
      await check()
      for (const connection of connections) storage.connections.set(connection.address, connection)
    },
    async forgetConnections(beforeMs, limit) {
      storage.forgotten.push([beforeMs, limit])
      await check()
      return 0
    },
    connectionOf: async (address) => storage.connections.get(address),
    ping: check,
    stop: async () => {
      storage.stopped = true
    },
  }
  return storage
}

export const aBan = (ban: Partial<PlatformBan>): PlatformBan => ({
  id: '4c2f8a52-4f0f-4d3b-9a6b-0a3c4c0d8e11',
  bannedAddress: '0x',
  bannedBy: 'mod',
  reason: 'spam',
  customMessage: null,
  bannedDeviceId: null,
  bannedAt: 1_700_000_000_000,
  expiresAt: null,
  liftedAt: null,
  liftedBy: null,
  createdAt: 1_700_000_000_000,
  ...ban,
})

export const aConfig = (config: Partial<GatekeeperConfig> = {}): GatekeeperConfig => ({
  BUS_SCOPE: '',
  COMMIT_HASH: 'abc',
  CURRENT_VERSION: '1.2.3',
  SCENE_ROOM_PREFIX: 'scene-',
  LIVEKIT_HOST: 'livekit.example.org',
  LIVEKIT_API_URL: 'http://127.0.0.1:9',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters',
  ...config,
})

/** Every answer of a route in any test is one that its declaration has: so the OpenAPI document holds. @throws if it is not */
export function expectDeclared(declaration: Declaration, { status, body }: HttpResponse): void {
  const declared = answersOf(declaration)[status]
  const route = `${declaration.method} ${declaration.path}`
  if (!declared) throw new Error(`${route} declares no answer ${status}`)
  const problem = declared.body?.safeParse(JSON.parse(String(body))).error
  if (problem) throw new Error(`${route} answered ${status} with another body than it declares: ${problem.message}`)
}

let shared: ChainVerifier | undefined
/** Checks real signatures; shared by the tests of a file, its threads end with the process. */
export const aVerifier = (): ChainVerifier => {
  shared ??= createVerifier({ log: silentLog, workers: 1 })
  return shared
}

/** Starts a gatekeeper on a free local port, with a manual clock set to the time of the test vectors. */
export async function aGatekeeper(
  t: TestContext,
  {
    config,
    bans = [],
    broken,
    ...dependencies
  }: { config?: Partial<GatekeeperConfig>; bans?: PlatformBan[]; broken?: string } & Partial<GatekeeperDependencies> = {},
) {
  const clock = (dependencies.clock as ManualClock | undefined) ?? new ManualClock(1_700_000_000_000)
  const storage = aStorage()
  storage.bans = bans
  storage.broken = broken
  const metrics = new Metrics('gatekeeper')
  const service = await startGatekeeper(aConfig(config), {
    log: silentLog,
    clock,
    verifier: aVerifier(),
    metrics,
    storage,
    onAnswer: expectDeclared,
    ...dependencies,
  })
  const http = await listen(service.app, { host: '127.0.0.1', port: 0 })
  t.onTestFinished(async () => {
    await http.stop()
    await service.stop()
  })
  const ask = (wallet: Wallet, metadata: Record<string, unknown>, more: Partial<Parameters<typeof signedFetch>[1]> = {}) =>
    signedFetch(`${http.url}/get-scene-adapter`, { wallet, method: 'POST', metadata, timestamp: clock.now(), ...more })
  return { service, clock, storage, metrics, url: http.url, ask }
}

/** Status and body of an answer. */
export const answerOf = async (response: Response): Promise<[number, unknown]> => [response.status, await response.json()]
