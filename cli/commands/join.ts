import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import { throwAwayWallet } from '../join/throw-away-wallet.ts'
import { type Step, visit } from '../join/visit.ts'
import { tableOf } from '../output/table.ts'

export interface JoinOptions {
  /** Parcel to stand on; far from everything by default, so that the player joins no island of others. */
  at?: readonly [number, number]
  /** Milliseconds to stay. */
  for?: number
  timeout: number
  output: 'table' | 'json'
}

export interface JoinPorts {
  print(text: string): Promise<void>
  /** Milliseconds since an arbitrary start. */
  now(): number
  sleep(ms: number): Promise<void>
}

const PARCEL_METRES = 16
const FAR_PARCELS = 60_000
const HEARTBEAT_MS = 1_000

/**
 * Enters a realm as an explorer does, with a throw-away wallet, and prints the time of each step.
 *
 * @throws UserError 4 when a step fails or the player is disconnected; the message names the step
 */
export async function join(url: string, options: JoinOptions, ports: JoinPorts): Promise<void> {
  const { print, now, sleep } = ports
  const steps: { step: Step; ms: number; what: string }[] = []
  let step: Step = 'about'
  let begunAt = now()
  const [x, y] = options.at ?? [FAR_PARCELS, FAR_PARCELS]
  const position = { x: (x + 0.5) * PARCEL_METRES, y: 0, z: (y + 0.5) * PARCEL_METRES }
  /** The table is printed before the player stays, so that its reader knows what there is to wait for; the document at the end. */
  const showTable = async () => {
    if (options.output === 'json' || steps.length === 0) return
    const rows = steps.map((each) => [each.step, `${each.ms.toFixed(0)} ms`, each.what])
    await print(tableOf([['STEP', 'TIME', 'WHAT'], ...rows]))
  }
  const showDocument = async (sent: number, failure: string | null) => {
    if (options.output === 'json') await print(`${JSON.stringify({ steps, heartbeats: sent, failure }, null, 2)}\n`)
  }
  const failed = async (what: string, sent: number, cause?: unknown) => {
    await showDocument(sent, what)
    throw new UserError(what, 4, { cause })
  }
  const entered = await visit({
    url: url.replace(/\/+$/, '').replace(/\/about$/, ''),
    wallet: throwAwayWallet(),
    position,
    timeoutMs: options.timeout,
    onBegin: (begun) => {
      step = begun
      begunAt = now()
    },
    onStep: (done, what) => steps.push({ step: done, ms: now() - begunAt, what }),
  }).catch(async (error: unknown) => {
    await showTable()
    return failed(`${step}: ${messageOf(error)}`, 0, error)
  })
  await showTable()
  let closed: string | undefined
  void entered.closed.then((reason) => {
    closed = reason
  })
  let sent = 0
  try {
    for (const endsAt = now() + (options.for ?? 0); now() < endsAt && closed === undefined; sent++) {
      entered.moveTo({ ...position, x: position.x + (sent % PARCEL_METRES) / 2 })
      await sleep(HEARTBEAT_MS)
    }
    if (closed !== undefined) await failed(`disconnected after ${sent} heartbeats: ${closed}`, sent)
  } finally {
    entered.leave()
  }
  await showDocument(sent, null)
}
