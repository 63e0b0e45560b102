import { refuseArguments, scriptArguments } from '../script-arguments.ts'
import { signedHandshake, unsignedHandshake } from './handshake.ts'
import { Mover, received } from './mover.ts'
import { startWitness } from './witness.ts'

// Simulated players who walk in a square of a realm, ten steps a second, at any movement relay. Prints each second what they receive.

const options = {
  players: { type: 'string', default: '1000' },
  metres: { type: 'string', default: '60' },
  x: { type: 'string', default: '8' },
  z: { type: 'string', default: '8' },
  seconds: { type: 'string', default: '60' },
  /** For a relay that believes every wallet: signing takes a millisecond each. */
  unsigned: { type: 'boolean', default: false },
  /** A Bevy explorer stands in the midst; what it is told of is printed, too. */
  witness: { type: 'boolean', default: false },
} as const
const usage =
  'npm run movers -- HOST:PORT REALM [--players 1000] [--metres 60] [--x 8] [--z 8] [--seconds 60] [--unsigned] [--witness]'
const { values, positionals } = scriptArguments(options, usage)
const [relay = '127.0.0.1:7777', realm = 'main'] = positionals
const [address = '', port = ''] = relay.split(':')
const [players, metres, x, z, seconds] = [values.players, values.metres, values.x, values.z, values.seconds].map(Number) as [
  number,
  number,
  number,
  number,
  number,
]
if (!address || !(Number(port) > 0)) refuseArguments(`${relay} is no HOST:PORT`, usage)
if (![players, metres, x, z, seconds].every(Number.isFinite))
  refuseArguments('each option but --unsigned and --witness is a number', usage)

const STEPS_PER_SECOND = 10
const SLICES = 10
/** The relay lets so many sign in at once, and so many of one address; each player has an address of many. */
const AT_ONCE = 50
const ADDRESSES = 200
/** As explorers do. */
const RETRY_MS = 2_000
const WITNESS_START_SECONDS = 60

const movers = new Set<Mover>()

/** Enters at the second attempt where the first one fails, as explorers do. */
async function enter(index: number, attempts = 10): Promise<void> {
  const place = (centre: number) => centre + (Math.random() - 0.5) * metres
  const mover = await Mover.start({
    from: address.startsWith('127.') ? `127.0.1.${(index % ADDRESSES) + 1}` : '0.0.0.0',
    relay: { address, port: Number(port) },
    handshake: () => (values.unsigned ? unsignedHandshake : signedHandshake)(index),
    ...{ realm, metres, x: place(x), z: place(z), centre: { x, z } },
  })
  movers.add(mover)
  try {
    await mover.enter()
  } catch (error) {
    movers.delete(mover)
    await mover.stop()
    if (attempts === 1) throw error
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    await enter(index, attempts - 1)
  }
}

let next = 0
const enterInTurn = async () => {
  while (next < players) await enter(next++)
}

let slice = 0
const startedAt = performance.now()
const sliceMs = 1_000 / STEPS_PER_SECOND / SLICES

/** A slice of the players each 10 ms, so that the load is even; of slices that are late, as many as a turn has. */
function walk(): void {
  const due = Math.floor((performance.now() - startedAt) / sliceMs)
  for (slice = Math.max(slice, due - SLICES); slice < due; slice++) {
    let index = 0
    for (const mover of movers) {
      if (index++ % SLICES !== slice % SLICES || mover.lost !== undefined) continue
      mover.step()
      mover.service()
    }
  }
}
setInterval(walk, sliceMs)

await Promise.all(Array.from({ length: AT_ONCE }, enterInTurn))
console.log(`${players} players walk in ${metres} m`)

const witness = values.witness
  ? await startWitness({ relay, realm, x, z, lifetimeSeconds: seconds + WITNESS_START_SECONDS })
  : undefined
let witnessed = 0
let before = { ...received }
let busy = process.cpuUsage()
for (let second = 0; second < seconds; second++) {
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const { user, system } = process.cpuUsage(busy)
  busy = process.cpuUsage()
  const lost = [...movers].filter((mover) => mover.lost !== undefined).length
  console.log(
    JSON.stringify({
      lost,
      datagrams: received.datagrams - before.datagrams,
      deltas: received.deltas - before.deltas,
      messages: received.messages - before.messages,
      cpuPercent: Math.round((user + system) / 10_000),
      ...(witness && { witnessed: witness.movements() - witnessed }),
    }),
  )
  before = { ...received }
  witnessed = witness?.movements() ?? 0
}
await witness?.stop()
for (const mover of movers) mover.leave()
process.exit(0)
