import { setTimeout as sleep } from 'node:timers/promises'
import { connectNats } from '../../cells/bus/nats.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { fencingTokenOf, withFencingToken } from '../../cells/wire/extension-fields.ts'
import type { FencingToken } from '../../cells/wire/fencing-token.ts'
import { decodeLeaderHeartbeat } from '../../cells/wire/leader-heartbeat.ts'
import { busPayloads } from '../../cells/wire/packets.ts'
import { subjects } from '../../cells/wire/subjects.ts'
import { type Service, type ServiceSet, until } from './service-set.ts'
import type { SimulatedPlayer } from './simulated-player.ts'

/** How a fault affected the players. */
export interface FaultEffects {
  fault: string
  players: number
  /** Players whose room changed although they did not move. */
  moved: number
  /** Players who reconnected, or to whom a room was announced again. */
  announcedAgain: number
  /** Players without a connection or a room afterwards, and players who moved to another group and did not receive its room. */
  stranded: number
  kicked: number
  /** Longest time between two island changes of a player who changes islands with every flush, in ms. */
  gapMs: number
}

/** A fault of the services. It is over when `cause` resolves; meanwhile players stay connected. */
export interface Fault {
  name: string
  cause(services: ServiceSet): Promise<void>
}

const at = subjects('continuity.test.0')
const OVER_MS = 60_000
const AFTER_PERIODS = 4
const MOVERS = 5
const RUNNER_PERIOD_MS = 100
const AWAY_PERIODS = 6

export const faults: readonly Fault[] = [
  { name: 'nothing', cause: async ({ periodMs }) => sleep(AFTER_PERIODS * periodMs) },
  {
    name: 'active archipelago killed with -9',
    cause: async (services) => {
      await services.stop(await services.active(), 'SIGKILL')
      await services.active()
      await services.addArchipelago()
    },
  },
  {
    name: 'archipelago upgraded',
    cause: async (services) => {
      const old = await services.active()
      await services.addArchipelago()
      await services.stop(old, 'SIGTERM')
      await services.active()
    },
  },
  {
    name: 'every archipelago killed, one started',
    cause: async (services) => {
      await Promise.all([...services.archipelagos].map((archipelago) => services.stop(archipelago, 'SIGKILL')))
      await services.addArchipelago()
      await services.active()
      await services.addArchipelago()
    },
  },
  {
    name: 'NATS restarted',
    cause: async (services) => {
      await services.broker.kill()
      await sleep(1_000)
      await services.broker.start()
      await services.active()
    },
  },
  {
    name: 'connector drained',
    cause: async (services) => {
      const [first] = services.connectors
      if (!first) throw new Error('there is no connector')
      await services.addConnector()
      await services.stop(first, 'SIGTERM')
      await until('every player is connected', () => services.players.every(({ player }) => player !== undefined), OVER_MS)
    },
  },
]

/** Causes a fault while players are connected and some of them move to another group, and measures how it affected them. */
export async function measureFault(services: ServiceSet, fault: Fault): Promise<FaultEffects> {
  const { players, periodMs } = services
  const runner = await startRunner(services)
  const movers = players.slice(0, MOVERS)
  const residents = players.slice(MOVERS)
  const before = residents.map((resident) => ({ resident, room: resident.room, known: resident.rooms.length }))

  const causing = fault.cause(services)
  const moved = moveToLastGroup(movers, players)
  await causing
  const sharesRoom = ({ player, neighbour }: (typeof moved)[number]) =>
    player.room !== undefined && player.room === neighbour.room
  const settled = () => residents.every(({ room }) => room !== undefined) && moved.every(sharesRoom)
  await until('every player has a room', settled, OVER_MS).catch(() => undefined)
  await sleep(AFTER_PERIODS * periodMs)

  const gapMs = await runner.stop()
  const effects = {
    fault: fault.name,
    players: players.length,
    moved: before.filter(({ resident, room, known }) => resident.rooms.slice(known).some((later) => later !== room)).length,
    announcedAgain: before.filter(({ resident, known }) => resident.rooms.length > known).length,
    stranded: residents.filter(({ room }) => room === undefined).length + moved.filter((one) => !sharesRoom(one)).length,
    kicked: players.filter(({ wasKicked }) => wasKicked).length,
    gapMs,
  }
  for (const { player, home } of moved) player.position = home
  await until('the movers are back in their group', () => movers.every(({ room }) => room === residents[0]?.room), OVER_MS)
  return effects
}

/** Moves players beside the last player of the last group. */
function moveToLastGroup(movers: readonly SimulatedPlayer[], players: readonly SimulatedPlayer[]) {
  const neighbour = players.at(-1)
  if (!neighbour) throw new Error('there are no players')
  return movers.map((player) => {
    const home = player.position
    player.position = neighbour.position
    return { player, home, neighbour }
  })
}

/**
 * A player who moves between two groups and changes islands with every flush; `stop` returns the longest time between two
 * changes.
 */
async function startRunner(services: ServiceSet): Promise<{ stop(): Promise<number> }> {
  const stops = [services.players.at(MOVERS)?.position, services.players.at(-1)?.position]
  const runner = services.newPlayer('runner', stops[0] ?? { x: 0, y: 0, z: 0 }, services.connectors.at(-1))
  await runner.arrive()
  let changes = 0
  let lastAt = performance.now()
  let gapMs = 0
  const running = setInterval(() => {
    if (runner.rooms.length > changes) {
      const isFirst = changes === 0
      changes = runner.rooms.length
      const now = performance.now()
      if (!isFirst) gapMs = Math.max(gapMs, now - lastAt)
      lastAt = now
      runner.position = stops[changes % 2] ?? runner.position
    }
    runner.heartbeat()
  }, RUNNER_PERIOD_MS / 4)
  await until('the runner changes islands', () => changes > 1, OVER_MS)
  return {
    async stop() {
      clearInterval(running)
      gapMs = Math.max(gapMs, performance.now() - lastAt)
      runner.leave()
      await runner.player?.closed
      return Math.round(gapMs)
    },
  }
}

/** What players received from two archipelagos of which one was frozen while the other took over. */
export interface TakeoverEffects {
  effects: FaultEffects
  /** Messages of the former term after the first message of the new one. */
  sentByFormer: number
  /** Players who received a forged announcement of the former term. */
  receivedFromFormer: number
}

/**
 * Stops the active archipelago's process until the standby took over, continues it, and publishes a forged announcement of its
 * term.
 */
export async function freezeActive(services: ServiceSet): Promise<TakeoverEffects> {
  const bus = await connectNats({ servers: [services.broker.url], name: 'observer', log: silentLog })
  let [latest, former]: [FencingToken, FencingToken] = ['', '']
  let sentByFormer = 0
  const note = (term: FencingToken | undefined) => {
    if (term === undefined) return
    if (latest !== '' && term > latest) former = latest
    if (term < latest) sentByFormer++
    else latest = term
  }
  bus.subscribe(at.leaderHeartbeat, (payload) => note(decodeLeaderHeartbeat(payload)?.term))
  bus.subscribe(at.every.islandChanged, (payload) => note(fencingTokenOf(payload)))
  bus.subscribe(at.islands, (payload) => note(fencingTokenOf(payload)))
  await bus.flush()
  await until('the active archipelago sends a leader heartbeat', () => latest !== '', OVER_MS)

  const effects = await measureFault(services, {
    name: 'active archipelago frozen, then continued',
    cause: async () => {
      const frozen: Service = await services.active()
      frozen.program.signal('SIGSTOP')
      try {
        await until('the standby takes over', () => former !== '', OVER_MS)
        await sleep(AWAY_PERIODS * services.periodMs)
      } finally {
        frozen.program.signal('SIGCONT')
      }
    },
  })
  const sent = sentByFormer
  const forged = { islandId: 'forged', connStr: 'livekit:wss://livekit.invalid', fromIslandId: undefined, peers: {} }
  for (const { peer } of services.players)
    bus.publish(at.islandChanged(peer), withFencingToken(busPayloads.encodeIslandChanged(forged), former))
  await bus.flush()
  await sleep(services.periodMs)
  await bus.close()
  return {
    effects,
    sentByFormer: sent,
    receivedFromFormer: services.players.filter(({ rooms }) => rooms.includes('forged')).length,
  }
}
