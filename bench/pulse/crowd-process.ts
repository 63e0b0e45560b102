import { createSocket } from 'node:dgram'
import { setImmediate } from 'node:timers/promises'
import { unsignedHandshake } from '../../testing/movers/handshake.ts'
import { Mover } from '../../testing/movers/mover.ts'

/** Players that walk within a square of so many metres; sent to this process first. */
export interface CrowdOptions {
  port: number
  players: number
  metres: number
}

/** Asks for so many datagrams that are no relay's, to another port; answered when they are sent. */
export interface BareRequest {
  port: number
  datagrams: number
}

/** The answer to each `step`. */
export interface StepReport {
  /** Datagrams that all players have sent. */
  sent: number
  /** Players whose connection has ended. */
  lost: number
}

const STEP_MS = 50
const ADDRESSES = 200
/** The relay considers so many new ones at once. */
const PER_STEP = 40

let nowMs = 0
let sent = 0
const movers: Mover[] = []

async function add({ port, metres }: CrowdOptions, index: number): Promise<void> {
  const place = () => (Math.random() - 0.5) * metres
  const mover = await Mover.start({
    clock: () => nowMs,
    onSent: () => {
      sent++
    },
    from: `127.0.1.${(index % ADDRESSES) + 1}`,
    relay: { address: '127.0.0.1', port },
    handshake: () => unsignedHandshake(index),
    ...{ realm: 'main', metres, x: place(), z: place(), centre: { x: 0, z: 0 } },
  })
  movers.push(mover)
  void mover.enter().catch(() => {})
}

/** Takes in what has arrived, then half of the players walk: ten steps a second each. */
async function step(options: CrowdOptions, index: number): Promise<void> {
  nowMs += STEP_MS
  for (let i = 0; i < 3; i++) await setImmediate()
  for (let i = 0; i < PER_STEP && movers.length < options.players; i++) await add(options, movers.length)
  for (let i = index % 2; i < movers.length; i += 2) {
    movers[i]?.step()
    movers[i]?.service()
  }
  process.send?.({ sent, lost: movers.filter(({ lost }) => lost !== undefined).length } satisfies StepReport)
}

const bare = createSocket('udp4')
const BARE_BYTES = Buffer.alloc(40)

function sendBare({ port, datagrams }: BareRequest): void {
  const sent = () => process.send?.('sent')
  // Sending begins after this function returns: only the last one's callback says that all are on their way.
  for (let left = datagrams; left > 0; left--) bare.send(BARE_BYTES, port, '127.0.0.1', left === 1 ? sent : undefined)
}

process.once('message', (options: CrowdOptions) => {
  let steps = 0
  process.on('message', (message: 'step' | BareRequest) => {
    if (message === 'step') void step(options, steps++)
    else sendBare(message)
  })
  process.send?.('ready')
})
process.once('disconnect', () => process.exit(0))
