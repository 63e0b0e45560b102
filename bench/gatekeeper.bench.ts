import { performance } from 'node:perf_hooks'
import { systemClock } from '../cells/chassis/clock.ts'
import { listen } from '../cells/chassis/listen.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { Metrics } from '../cells/chassis/metrics.ts'
import { startGatekeeper } from '../cells/gatekeeper/service.ts'
import { createVerifier } from '../cells/identity/verifier.ts'
import { signedHeaders } from '../testing/player/signed-fetch.ts'
import { createWallet } from '../testing/player/wallet.ts'
import type { Figure } from './figure.ts'

export const name = 'gatekeeper'

/** So many that none of them reaches the limit of a wallet. */
const WALLETS = 500
const FLAT_OUT_MS = 5_000
const PACED_MS = 4_000
const IN_FLIGHT = 16

/**
 * Signed requests for scene rooms over HTTP, on the embedded database: how many a second, and how long each takes at half of
 * that.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const verifier = createVerifier({ log: silentLog, workers: 1 })
  const service = await startGatekeeper(
    {
      BUS_SCOPE: '',
      COMMIT_HASH: '',
      CURRENT_VERSION: '',
      SCENE_ROOM_PREFIX: 'scene-',
      LIVEKIT_HOST: 'wss://livekit.example.org',
      LIVEKIT_API_KEY: 'key',
      LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters',
    },
    { log: silentLog, clock: systemClock, verifier, metrics: new Metrics('gatekeeper') },
  )
  const http = await listen(service.app, { host: '127.0.0.1', port: 0 })
  const url = `${http.url}/get-scene-adapter`
  // Signed in advance, because signing is the work of players. A request is valid for a minute, longer than the benchmark takes.
  const requests = Array.from({ length: WALLETS }, (_, i) =>
    signedHeaders('/get-scene-adapter', {
      wallet: createWallet(`bench ${i}`),
      method: 'POST',
      metadata: { realmName: 'main', sceneId: 'bafkbench' },
    }),
  )
  let sent = 0
  async function send(): Promise<number> {
    const startedMs = performance.now()
    const headers = requests[sent++ % requests.length] ?? {}
    const answer = await fetch(url, { method: 'POST', headers })
    await answer.arrayBuffer()
    if (answer.status !== 200) throw new Error(`the gatekeeper answered ${answer.status}`)
    return performance.now() - startedMs
  }

  await Promise.all(Array.from({ length: IN_FLIGHT }, send)) // warms up
  const before = { cpu: process.cpuUsage(), sent }
  const perSecond = await flatOut(send)
  const { user, system } = process.cpuUsage(before.cpu)
  const cpuMs = (user + system) / 1000 / (sent - before.sent)
  report({ what: 'signed scene-adapter requests', value: perSecond, unit: '/s', note: 'one signature thread, three-link chains' })
  report({ what: 'processor time of one', value: cpuMs, unit: 'ms', note: 'with signature thread, database and client' })
  const tookMs = await paced(send, perSecond / 2)
  const p99Ms = tookMs[Math.floor(tookMs.length * 0.99)] ?? Number.NaN
  report({ what: 'signed scene-adapter p99 at half of that', value: p99Ms, unit: 'ms', note: 'client on the same machine' })

  await http.stop()
  await service.stop()
  await verifier.close()
}

async function flatOut(send: () => Promise<number>): Promise<number> {
  const startedMs = performance.now()
  let answered = 0
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() - startedMs < FLAT_OUT_MS) {
        await send()
        answered++
      }
    }),
  )
  return answered / ((performance.now() - startedMs) / 1000)
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
