import { createServer } from 'node:http'
import { performance } from 'node:perf_hooks'
import { Authenticator } from '@dcl/crypto'
import type { AuthChain } from '@dcl/schemas'
import { systemClock } from '../cells/chassis/clock.ts'
import { listen } from '../cells/chassis/listen.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { Metrics } from '../cells/chassis/metrics.ts'
import { openPglite } from '../cells/gatekeeper/adapters/pglite.ts'
import { SqlStorage } from '../cells/gatekeeper/adapters/storage.ts'
import { migrate } from '../cells/gatekeeper/migrations/migrate.ts'
import { startGatekeeper } from '../cells/gatekeeper/service.ts'
import { type ChainVerifier, createVerifier } from '../cells/identity/verifier.ts'
import { grants } from '../cells/rtc/grants.ts'
import { createLivekitTransport } from '../cells/rtc/livekit-transport.ts'
import { signedHeaders, signedText } from '../testing/player/signed-fetch.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { BareHttp } from './bare-http.ts'
import type { Figure } from './figure.ts'

export const name = 'gatekeeper'

/** So many that none of them reaches the limit of a wallet. */
const WALLETS = 2_000
const FLAT_OUT_MS = 5_000
const PACED_MS = 4_000
const ROUND_MS = 1_500
const ROUNDS = 3
const IN_FLIGHT = 16
const [BANS, ADMINS] = [100_000, 10_000]

const livekit = { url: 'wss://livekit.example.org', apiKey: 'key', apiSecret: 'a secret of at least thirty-two characters' }
const config = {
  ...{ BUS_SCOPE: '', COMMIT_HASH: '', CURRENT_VERSION: '', SCENE_ROOM_PREFIX: 'scene-' },
  ...{ LIVEKIT_HOST: livekit.url, LIVEKIT_API_KEY: livekit.apiKey, LIVEKIT_API_SECRET: livekit.apiSecret },
  // Nothing answers there, and nothing has to: only the rooms of banned players are looked at.
  LIVEKIT_API_URL: 'http://127.0.0.1:9',
}

const METADATA = { realmName: 'main', sceneId: 'bafkbench' }
const PATH = '/get-scene-adapter'

/** Something that answers requests for rooms. */
interface Measured {
  url: string
  stop(): Promise<void>
}

/**
 * Signed requests for scene rooms over HTTP, on the embedded database: how many a second, and how long each takes at half of that;
 * the same with many bans and administrators, and beside a server that checks the signature and makes the token in line, as
 * upstream's does, and does nothing else: it asks no database, which upstream does several times for each request.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const verifier = createVerifier({ log: silentLog, workers: 1 })
  const plain = await aGatekeeper(verifier)
  const send = senderOf(plain.url)

  await Promise.all(Array.from({ length: IN_FLIGHT }, send)) // warms up
  const before = process.cpuUsage()
  const { answered, perSecond } = await flatOut(send, FLAT_OUT_MS)
  const cpuMs = cpuMsSince(before) / answered
  report({ what: 'signed scene-adapter requests', value: perSecond, unit: '/s', note: 'one signature thread, three-link chains' })
  report({ what: 'processor time of one', value: cpuMs, unit: 'ms', note: 'with signature thread, database and client' })
  const tookMs = await paced(send, perSecond / 2)
  const p99Ms = tookMs[Math.floor(tookMs.length * 0.99)] ?? Number.NaN
  report({ what: 'signed scene-adapter p99 at half of that', value: p99Ms, unit: 'ms', note: 'client on the same machine' })

  const full = await aGatekeeper(verifier, { bans: BANS, admins: ADMINS })
  const inLine = await anInLineServer()
  const [ofPlain = 0, ofFull = 0, ofInLine = 0] = await cpuMsOf([plain, full, inLine])
  const many = `${BANS.toLocaleString('en')} bans of the platform, as many of scenes, ${ADMINS.toLocaleString('en')} administrators`
  const ratio = { better: 'lower', kind: 'count' } as const
  report({ what: 'processor time with many bans', value: ofFull / ofPlain, unit: 'x', note: many, compare: ratio })
  report({ what: 'ready with that many bans after', value: full.readMs, unit: 'ms', note: 'all bans are read at the start' })
  report({
    what: 'processor time of the same in line',
    value: ofInLine / ofFull,
    unit: 'x',
    note: '@dcl/crypto and the token alone, without a database; of returning players',
    compare: { better: 'higher', kind: 'count' },
  })
  for (const { stop } of [plain, full, inLine]) await stop()
  await verifier.close()
}

/** A gatekeeper on an embedded database with so many bans and administrators. */
async function aGatekeeper(verifier: ChainVerifier, rows?: { bans: number; admins: number }) {
  const database = await openPglite()
  await migrate(database, silentLog)
  if (rows) {
    const wallets = (count: number) =>
      `(SELECT '0x' || lpad(to_hex(n), 40, '0') AS wallet, n FROM generate_series(1, ${count}) AS n) AS w`
    await database.query(
      `INSERT INTO user_bans (banned_address, banned_by, reason) SELECT wallet, 'mod', 'spam' FROM ${wallets(rows.bans)}`,
    )
    await database.query(
      `INSERT INTO scene_bans (place_id, banned_address, banned_by, banned_at) SELECT 'place ' || n % 1000, wallet, 'x', 1 FROM ${wallets(rows.bans)}`,
    )
    await database.query(
      `INSERT INTO scene_admin (place_id, admin, added_by, created_at) SELECT 'place ' || n % 1000, wallet, 'x', 1 FROM ${wallets(rows.admins)}`,
    )
  }
  const storage = new SqlStorage(database)
  const startedMs = performance.now()
  const service = await startGatekeeper(config, {
    log: silentLog,
    clock: systemClock,
    verifier,
    metrics: new Metrics('gatekeeper'),
    storage,
  })
  while (!service.readiness().ready) await new Promise((resolve) => setTimeout(resolve, 10))
  const readMs = performance.now() - startedMs
  const http = await listen(service.app, { host: '127.0.0.1', port: 0 })
  return {
    url: http.url,
    readMs,
    async stop() {
      await http.stop()
      await service.stop()
    },
  }
}

/** The checks and the token of a request, one after the other in the thread of the server. */
async function anInLineServer(): Promise<Measured> {
  const transport = createLivekitTransport(livekit)
  const server = createServer(async ({ headers }, response) => {
    const chain: AuthChain = []
    for (let n = 0; headers[`x-identity-auth-chain-${n}`] !== undefined; n++)
      chain.push(JSON.parse(String(headers[`x-identity-auth-chain-${n}`])))
    const text = signedText(
      'legacy',
      'POST',
      PATH,
      Number(headers['x-identity-timestamp']),
      String(headers['x-identity-metadata']),
    )
    const { ok } = await Authenticator.validateSignature(text, chain, null)
    const adapter = transport.adapter({ identity: chain[0]?.payload ?? '', room: 'scene-main:bafkbench', grant: grants.player })
    const body = JSON.stringify({ adapter })
    response.writeHead(ok ? 200 : 401, { 'content-length': body.length }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`,
    async stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

// Signed in advance, because signing is the work of players. A request is valid for a minute: they are signed anew where that could end.
const signedRequests = () =>
  Array.from({ length: WALLETS }, (_, i) =>
    signedHeaders(PATH, { wallet: createWallet(`bench ${i}`), method: 'POST', metadata: METADATA }),
  )

/** Sends a request, of the next wallet each time, and returns how many milliseconds the answer took. */
function senderOf(url: string): () => Promise<number> {
  const client = new BareHttp(url)
  const requests = signedRequests().map((headers) => client.written('POST', PATH, headers))
  let sent = 0
  return async () => {
    const startedMs = performance.now()
    const { status, text } = await client.send(requests[sent++ % requests.length] ?? Buffer.alloc(0))
    if (status !== 200) throw new Error(`the answer was ${status}: ${text}`)
    return performance.now() - startedMs
  }
}

/** Processor time of one request, in turns: what else the machine does meets all of them alike. */
async function cpuMsOf(servers: readonly Measured[]): Promise<number[]> {
  const sums = servers.map(({ url }) => ({ send: senderOf(url), cpuMs: 0, answered: 0 }))
  for (const { send } of sums) await flatOut(send, ROUND_MS / 3) // warms up
  for (let round = 0; round < ROUNDS; round++)
    for (const sum of sums) {
      const before = process.cpuUsage()
      sum.answered += (await flatOut(sum.send, ROUND_MS)).answered
      sum.cpuMs += cpuMsSince(before)
    }
  return sums.map(({ cpuMs, answered }) => cpuMs / answered)
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

async function flatOut(send: () => Promise<number>, durationMs: number): Promise<{ answered: number; perSecond: number }> {
  const startedMs = performance.now()
  let answered = 0
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() - startedMs < durationMs) {
        await send()
        answered++
      }
    }),
  )
  return { answered, perSecond: answered / ((performance.now() - startedMs) / 1000) }
}

/** Sends requests at an even rate, whether or not earlier ones were answered; returns the sorted times in ms. */
async function paced(send: () => Promise<number>, perSecond: number): Promise<number[]> {
  const startedMs = performance.now()
  const pending: Promise<number>[] = []
  while (performance.now() - startedMs < PACED_MS) {
    while (pending.length < ((performance.now() - startedMs) / 1000) * perSecond) pending.push(send())
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return (await Promise.all(pending)).sort((a, b) => a - b)
}
