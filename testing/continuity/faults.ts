import { setTimeout as sleep } from 'node:timers/promises'
import { connectNats } from '../../cells/bus/nats.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { fencingTokenOf, withFencingToken } from '../../cells/wire/extension-fields.ts'
import type { FencingToken } from '../../cells/wire/fencing-token.ts'
import { decodeLeaderHeartbeat } from '../../cells/wire/leader-heartbeat.ts'
import { busPayloads } from '../../cells/wire/packets.ts'
import { subjects } from '../../cells/wire/subjects.ts'
import { type City, type Service, until } from './service-set.ts'
import type { Citizen } from './simulated-player.ts'

/** What a fault did to the players. */
export interface Harm {
  fault: string
  players: number
  /** Players who were told another room than before though they did not go anywhere. */
  moved: number
  /** Players who came back, or were told their room again. */
  toldAgain: number
  /** Players without a connection or a room once it was over, and such as went elsewhere meanwhile and were not told. */
  stranded: number
  kicked: number
  /** Longest time without an island change for somebody who changes islands with every flush, in ms. */
  gapMs: number
}

/** Something that happens to a city, and how long it takes until it is over; the players go on living. */
export interface Fault {
  name: string
  happen(city: City): Promise<void>
}

const at = subjects('continuity.city.0')
const OVER_MS = 60_000
const AFTER_PERIODS = 4
const WANDERERS = 5
const SHUTTLE_MS = 100
const AWAY_PERIODS = 6

/** Kills, upgrades, freezes and restarts, one by one. */
export const faults: readonly Fault[] = [
  { name: 'nothing', happen: async ({ periodMs }) => sleep(AFTER_PERIODS * periodMs) },
  {
    name: 'active archipelago killed with -9',
    happen: async (city) => {
      await city.end(await city.active(), 'SIGKILL')
      await city.active()
      await city.addArchipelago()
    },
  },
  {
    name: 'archipelago upgraded',
    happen: async (city) => {
      const old = await city.active()
      await city.addArchipelago()
      await city.end(old, 'SIGTERM')
      await city.active()
    },
  },
  {
    name: 'every archipelago killed, one started',
    happen: async (city) => {
      await Promise.all([...city.archipelagos].map((archipelago) => city.end(archipelago, 'SIGKILL')))
      await city.addArchipelago()
      await city.active()
      await city.addArchipelago()
    },
  },
  {
    name: 'NATS restarted',
    happen: async (city) => {
      await city.broker.kill()
      await sleep(1_000)
      await city.broker.start()
      await city.active()
    },
  },
  {
    name: 'connector drained',
    happen: async (city) => {
      const [first] = city.connectors
      if (!first) throw new Error('there is no connector')
      await city.addConnector()
      await city.end(first, 'SIGTERM')
      await until('everybody is back', () => city.citizens.every(({ player }) => player !== undefined), OVER_MS)
    },
  },
]

/** Lets a fault happen while players live on and some go elsewhere, and measures what it does to them. */
export async function suffer(city: City, fault: Fault): Promise<Harm> {
  const { citizens, periodMs } = city
  const shuttle = await shuttling(city)
  const wanderers = citizens.slice(0, WANDERERS)
  const residents = citizens.slice(WANDERERS)
  const before = residents.map((resident) => ({ resident, room: resident.room, told: resident.rooms.length }))

  const happening = fault.happen(city)
  const returned = moveOut(wanderers, citizens)
  await happening
  const isTold = ({ citizen, host }: { citizen: Citizen; host: Citizen }) =>
    citizen.room !== undefined && citizen.room === host.room
  const settled = () => residents.every(({ room }) => room !== undefined) && returned.every(isTold)
  await until('everybody knows a room', settled, OVER_MS).catch(() => undefined)
  await sleep(AFTER_PERIODS * periodMs)

  const gapMs = await shuttle.end()
  const harm = {
    fault: fault.name,
    players: citizens.length,
    moved: before.filter(({ resident, room, told }) => resident.rooms.slice(told).some((later) => later !== room)).length,
    toldAgain: before.filter(({ resident, told }) => resident.rooms.length > told).length,
    stranded: residents.filter(({ room }) => room === undefined).length + returned.filter((one) => !isTold(one)).length,
    kicked: citizens.filter(({ wasKicked }) => wasKicked).length,
    gapMs,
  }
  for (const { citizen, home } of returned) citizen.position = home
  await until('the wanderers are home', () => wanderers.every((one) => one.room === residents[0]?.room), OVER_MS)
  return harm
}

/** Some go and stand beside somebody of the last village. */
function moveOut(wanderers: readonly Citizen[], citizens: readonly Citizen[]) {
  const host = citizens.at(-1)
  if (!host) throw new Error('nobody lives here')
  return wanderers.map((citizen) => {
    const home = citizen.position
    citizen.position = host.position
    return { citizen, home, host }
  })
}

/** Somebody who runs between two villages and changes islands with every flush. */
async function shuttling(city: City): Promise<{ end(): Promise<number> }> {
  const stops = [city.citizens.at(WANDERERS)?.position, city.citizens.at(-1)?.position]
  const runner = city.newCitizen('runner', stops[0] ?? { x: 0, y: 0, z: 0 }, city.connectors.at(-1))
  await runner.arrive()
  let told = 0
  let lastAt = performance.now()
  let gapMs = 0
  const running = setInterval(() => {
    if (runner.rooms.length > told) {
      const isFirst = told === 0
      told = runner.rooms.length
      const now = performance.now()
      if (!isFirst) gapMs = Math.max(gapMs, now - lastAt)
      lastAt = now
      runner.position = stops[told % 2] ?? runner.position
    }
    runner.heartbeat()
  }, SHUTTLE_MS / 4)
  await until('the runner runs', () => told > 1, OVER_MS)
  return {
    async end() {
      clearInterval(running)
      gapMs = Math.max(gapMs, performance.now() - lastAt)
      runner.leave()
      await runner.player?.closed
      return Math.round(gapMs)
    },
  }
}

/** What was heard of two archipelagos of which one was frozen while the other took over. */
export interface TwoVoices {
  harm: Harm
  /** Words of the old term that were said after the first of the new one. */
  saidByTheOld: number
  /** Players who heard a forged word of the old term. */
  heardTheOld: number
}

/** Freezes the active archipelago until another took over, wakes it, and says something in its name. */
export async function freeze(city: City): Promise<TwoVoices> {
  const bus = await connectNats({ servers: [city.broker.url], name: 'spy', log: silentLog })
  let [latest, old]: [FencingToken, FencingToken] = ['', '']
  let saidByTheOld = 0
  const note = (term: FencingToken | undefined) => {
    if (term === undefined) return
    if (latest !== '' && term > latest) old = latest
    if (term < latest) saidByTheOld++
    else latest = term
  }
  bus.subscribe(at.leaderHeartbeat, (payload) => note(decodeLeaderHeartbeat(payload)?.term))
  bus.subscribe(at.every.islandChanged, (payload) => note(fencingTokenOf(payload)))
  bus.subscribe(at.islands, (payload) => note(fencingTokenOf(payload)))
  await bus.flush()
  await until('the active one beats', () => latest !== '', OVER_MS)

  const harm = await suffer(city, {
    name: 'active archipelago frozen, then woken',
    happen: async () => {
      const frozen: Service = await city.active()
      frozen.program.signal('SIGSTOP')
      try {
        await until('another takes over', () => old !== '', OVER_MS)
        await sleep(AWAY_PERIODS * city.periodMs)
      } finally {
        frozen.program.signal('SIGCONT')
      }
    },
  })
  const words = saidByTheOld
  const forged = { islandId: 'forged', connStr: 'livekit:wss://livekit.invalid', fromIslandId: undefined, peers: {} }
  for (const { peer } of city.citizens)
    bus.publish(at.islandChanged(peer), withFencingToken(busPayloads.encodeIslandChanged(forged), old))
  await bus.flush()
  await sleep(city.periodMs)
  await bus.close()
  return { harm, saidByTheOld: words, heardTheOld: city.citizens.filter(({ rooms }) => rooms.includes('forged')).length }
}
