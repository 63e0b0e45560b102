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

const WALLETS = 100
const FLAT_OUT_MS = 5_000
const PACED_MS = 4_000
const IN_FLIGHT = 16

/** Signed requests for scene rooms over HTTP, on the embedded database: how many a second, and how long each takes at half of that. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const verifier = createVerifier({ log: silentLog, workers: 1 })
  const cell = await startGatekeeper(
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
  const http = await listen(cell.app, { host: '127.0.0.1', port: 0 })
  const url = `${http.url}/get-scene-adapter`
  // Signed ahead: the players' work is not ours to measure. A request is good for a minute, more than all of this takes.
  const requests = Array.from({ length: WALLETS }, (_, i) =>
    signedHeaders('/get-scene-adapter', {
      wallet: createWallet(`bench ${i}`),
      method: 'POST',
      metadata: { realmName: 'main', sceneId: 'bafkbench' },
    }),
  )
  let next = 0
  async function ask(): Promise<number> {
    const startedMs = performance.now()
    const headers = requests[next++ % requests.length] ?? {}
    const answer = await fetch(url, { method: 'POST', headers })
    await answer.arrayBuffer()
    if (answer.status !== 200) throw new Error(`the gatekeeper answered ${answer.status}`)
    return performance.now() - startedMs
  }

  await Promise.all(Array.from({ length: IN_FLIGHT }, ask)) // warms up
  const before = { cpu: process.cpuUsage(), asked: next }
  const perSecond = await flatOut(ask)
  const { user, system } = process.cpuUsage(before.cpu)
  const cpuMs = (user + system) / 1000 / (next - before.asked)
  report({ what: 'signed scene-adapter requests', value: perSecond, unit: '/s', note: 'one signature thread, three-link chains' })
  report({ what: 'processor time of one', value: cpuMs, unit: 'ms', note: 'with signature thread, database and client' })
  const tookMs = await paced(ask, perSecond / 2)
  const p99Ms = tookMs[Math.floor(tookMs.length * 0.99)] ?? Number.NaN
  report({ what: 'signed scene-adapter p99 at half of that', value: p99Ms, unit: 'ms', note: 'client on the same machine' })

  await http.stop()
  await cell.stop()
  await verifier.close()
}

async function flatOut(ask: () => Promise<number>): Promise<number> {
  const startedMs = performance.now()
  let answered = 0
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() - startedMs < FLAT_OUT_MS) {
        await ask()
        answered++
      }
    }),
  )
  return answered / ((performance.now() - startedMs) / 1000)
}

/** Asks at an even pace, whether or not earlier questions were answered; sorted times in ms. */
async function paced(ask: () => Promise<number>, perSecond: number): Promise<number[]> {
  const startedMs = performance.now()
  const asked: Promise<number>[] = []
  while (performance.now() - startedMs < PACED_MS) {
    while (asked.length < ((performance.now() - startedMs) / 1000) * perSecond) asked.push(ask())
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return (await Promise.all(asked)).sort((a, b) => a - b)
}
