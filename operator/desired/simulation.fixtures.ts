import type { CommsCell, Realm, RealmSpec } from '../../crds/realm.ts'
import type { JoinCounts, PlayerPeak } from '../observed/players.ts'
import type { SyntheticJoin } from '../observed/synthetic-join.ts'
import type { Workload } from '../observed/workload.ts'
import { aRealm, site } from './fixtures.ts'
import { planCell, planRealm, type RealmPlan } from './plan.ts'
import { cellStatus } from './status/cell-status.ts'
import { realmStatus } from './status/realm-status.ts'

/** What runs of a cell in the simulation. */
interface Running {
  /** Whether its pods become ready. */
  works: boolean
  /** Connector pods there are; a draining one is there until `goneAt`. */
  pods: number
  goneAt: number | undefined
}

/** Passes over a realm whose pods do what the test says, in a time of its own. Nothing of it but the deciding is real. */
export class Simulation {
  realm: Realm
  now = Date.parse('2026-11-21T08:00:00Z')
  readonly cells = new Map<string, CommsCell>()
  readonly running = new Map<string, Running>()
  readonly syntheticJoins = new Map<string, SyntheticJoin>()
  /** How it goes for players who come to a cell; other cells cannot be asked. */
  readonly joinCounts = new Map<string, JoinCounts>()
  players: ReadonlyMap<number, number> | undefined
  /** Whether nobody could be asked for them for a while. */
  arePlayersUnknown = false
  /** Whether there were never more players than there are now. */
  isPeakNow = false
  /** Names of cells that a realm provider elsewhere may still lead players to. */
  readonly remotelyRouted = new Set<string>()
  /** Whether pods of this version come up. */
  podsStart: (version: string) => boolean = () => true
  plan: RealmPlan | undefined

  constructor(spec: Parameters<typeof aRealm>[0] = {}) {
    this.realm = aRealm(spec)
  }

  /** Changes what is declared. */
  declare(cells: Partial<RealmSpec['cells']>, rest: Partial<RealmSpec> = {}): void {
    const { spec, metadata } = this.realm
    const changed = { ...spec, ...rest, cells: { ...spec.cells, ...cells } }
    this.realm = { ...this.realm, metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 }, spec: changed }
  }

  /** Somebody writes a field of a cell. */
  edit(name: string, spec: Partial<CommsCell['spec']>): void {
    const cell = this.cell(name)
    this.cells.set(name, { ...cell, metadata: bumped(cell), spec: { ...cell.spec, ...spec } })
  }

  cell(name: string): CommsCell {
    const cell = this.cells.get(name)
    if (!cell) throw new Error(`there is no cell ${name}`)
    return cell
  }

  /** One pass over the realm, then one over each of its cells. */
  pass(): RealmPlan {
    const observed = { cells: [...this.cells.values()], services: SERVICES }
    const syntheticJoinOf = ({ metadata }: CommsCell): SyntheticJoin =>
      this.syntheticJoins.get(metadata.name) ?? { state: 'untried' }
    const mayBeRoutedTo = ({ metadata }: CommsCell) => this.remotelyRouted.has(metadata.name)
    const plan = planRealm(this.realm, observed, site, {
      players: this.players,
      peak: this.#peak(),
      arePlayersUnknown: this.arePlayersUnknown,
      syntheticJoinOf,
      joinCountsOf: ({ metadata }) => this.joinCounts.get(metadata.name) ?? 'unreachable',
      mayBeRoutedTo,
      now: this.now,
    })
    this.plan = plan
    for (const wanted of plan.cells) this.#apply(wanted)
    const kept = new Set(plan.cells.map(({ metadata }) => metadata.name))
    for (const cell of observed.cells)
      if (cell.metadata.ownerReferences && !kept.has(cell.metadata.name)) this.#remove(cell.metadata.name)
    const publication = { state: 'serving', aboutUrl: '' } as const
    const changed = { cells: [...this.cells.values()], services: SERVICES }
    const facts = {
      realm: this.realm,
      plan,
      observed: changed,
      urls: site.urls(this.realm),
      publication,
      failure: undefined,
      now: this.now,
    }
    this.realm = { ...this.realm, status: realmStatus(facts) }
    for (const cell of this.cells.values()) this.#passCell(cell)
    return plan
  }

  /** Passes until nothing changes any more, letting time go on when only time helps; at most so many. */
  settle(atMost = 200): RealmPlan {
    for (let i = 0; i < atMost; i++) {
      const before = this.#text()
      const plan = this.pass()
      if (this.#text() !== before) continue
      if (
        (plan.recheckMs === undefined || plan.recheckMs === plan.scale.recheckMs) &&
        ![...this.running.values()].some(({ goneAt }) => goneAt !== undefined)
      )
        return plan
      if (plan.rollout.halt || [...this.running.values()].some(({ works }) => !works)) return plan
      this.wait(1_000)
    }
    throw new Error('it never came to rest')
  }

  /** Whoever is to be joined is joined. */
  joinCandidates(): void {
    for (const { metadata } of this.plan?.rollout.cellsToJoin ?? []) this.syntheticJoins.set(metadata.name, { state: 'joined' })
  }

  /** Passes until the realm rests, a second each, with a probe that joins whatever it is asked to. */
  rollOut(atMost = 200): void {
    for (let i = 0; i < atMost; i++) {
      this.pass()
      this.joinCandidates()
      this.wait(1_000)
    }
    this.settle()
  }

  wait(ms: number): void {
    this.now += ms
  }

  byVersion = (): string[] => [...this.cells.values()].map(({ spec }) => `${spec.slot}:${spec.version}`).sort()
  names = (): string[] => [...this.cells.keys()].sort()
  routes = (): string[] => this.plan?.routes.map(({ cell }) => cell) ?? []
  states = (): Record<string, string> =>
    Object.fromEntries(this.realm.status?.endpoints?.map(({ cell, state }) => [cell, state]) ?? [])

  #peak = (): PlayerPeak | undefined =>
    this.isPeakNow && this.players
      ? { bySlot: this.players, total: [...this.players.values()].reduce((sum, count) => sum + count, 0) }
      : undefined

  #text = (): string => JSON.stringify([this.realm.status, [...this.cells.values()], this.plan?.routes])

  #apply(wanted: CommsCell): void {
    const known = this.cells.get(wanted.metadata.name)
    const spec = { ...wanted.spec }
    // What we do not say stays as somebody else said it.
    const byHand = known?.spec.desiredState
    if (!spec.desiredState && byHand && this.#handStates.has(wanted.metadata.name)) spec.desiredState = byHand
    if (known && JSON.stringify(sorted(known.spec)) === JSON.stringify(sorted(spec))) return
    const creationTimestamp = known?.metadata.creationTimestamp ?? new Date(this.now).toISOString()
    const metadata = {
      ...wanted.metadata,
      uid: wanted.metadata.name,
      creationTimestamp,
      generation: (known?.metadata.generation ?? 0) + 1,
    }
    this.cells.set(wanted.metadata.name, { ...wanted, metadata, spec, ...(known?.status && { status: known.status }) })
  }

  /** Names of cells whose `desiredState` somebody else wrote. */
  readonly #handStates = new Set<string>()

  /** Somebody cordons or drains a cell, or takes it back. */
  setDesiredState(name: string, desiredState: NonNullable<CommsCell['spec']['desiredState']>): void {
    this.#handStates.add(name)
    this.edit(name, { desiredState })
  }

  #remove(name: string): void {
    this.cells.delete(name)
    this.running.delete(name)
  }

  #passCell(cell: CommsCell): void {
    const { name } = cell.metadata
    const run = this.running.get(name) ?? { works: this.podsStart(cell.spec.version), pods: 0, goneAt: undefined }
    this.running.set(name, run)
    if (run.goneAt !== undefined && run.goneAt <= this.now) Object.assign(run, { pods: 0, goneAt: undefined })
    const desired = planCell(cell).connectors.replicas
    if (desired > 0) Object.assign(run, { pods: desired, goneAt: undefined })
    else if (run.pods > 0) run.goneAt ??= this.now + cell.spec.connectors.drainSeconds * 1000
    const ready = run.works ? desired : 0
    const connectors: Workload = { component: 'connector', desired, updated: desired, ready, existing: run.pods }
    const archipelago: Workload = { component: 'archipelago', desired: 1, updated: 1, ready: run.works ? 1 : 0, existing: 1 }
    const status = cellStatus({ cell, observed: { connectors, archipelago }, failure: undefined, now: this.now })
    this.cells.set(name, { ...cell, status })
  }
}

/** A realm at rest. */
export function settled(spec: ConstructorParameters<typeof Simulation>[0]): Simulation {
  const simulation = new Simulation(spec)
  simulation.settle()
  return simulation
}

/** The rollout of a realm, with what the test is about. */
export const rollout = (changes: Partial<RealmSpec['rollout']> = {}): Pick<RealmSpec, 'rollout'> => ({
  rollout: { paused: false, joinProbe: 'Required', minJoinRate: 90, progressDeadlineSeconds: 600, ...changes },
})

const SERVICES: Workload[] = (['gatekeeper', 'stats', 'nats'] as const).map((component) => ({
  component,
  desired: 1,
  updated: 1,
  ready: 1,
  existing: 1,
}))

const bumped = ({ metadata }: CommsCell): CommsCell['metadata'] => ({ ...metadata, generation: (metadata.generation ?? 0) + 1 })

const sorted = (spec: object): [string, unknown][] => Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1))
