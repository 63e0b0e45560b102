import type { CommsCell, Realm, RealmSpec } from '../../crds/realm.ts'
import type { JoinCounts, PlayerPeak } from '../observed/players.ts'
import type { SyntheticJoin } from '../observed/synthetic-join.ts'
import type { Workload } from '../observed/workload.ts'
import { planCell, planRealm, type RealmPlan } from './plan.ts'
import { aRealm, site } from './realm.fixtures.ts'
import { cellStatus } from './status/cell-status.ts'
import { realmStatus } from './status/realm-status.ts'

/** The pods of one cell. */
interface SimulatedPods {
  /** Whether its pods become ready. */
  works: boolean
  /** Connector pods that exist; those of a draining cell until `goneAt`. */
  pods: number
  goneAt: number | undefined
}

/** Reconcile passes over one realm, with simulated time and pods that behave as the test says. Only planning and statuses are real. */
export class Simulation {
  realm: Realm
  now = Date.parse('2026-11-21T08:00:00Z')
  readonly cells = new Map<string, CommsCell>()
  readonly running = new Map<string, SimulatedPods>()
  readonly syntheticJoins = new Map<string, SyntheticJoin>()
  /** Join counts by cell; a cell without an entry does not answer. */
  readonly joinCounts = new Map<string, JoinCounts>()
  players: ReadonlyMap<number, number> | undefined
  /** Whether the numbers of players have been missing for a while. */
  arePlayersUnknown = false
  /** Whether the peak of the period is the players of this moment. */
  isPeakNow = false
  /** Names of cells to which a realm provider of another cluster may still send players. */
  readonly remotelyRouted = new Set<string>()
  /** Whether the pods of the services run what was applied. */
  areServicesUp = true
  /** Whether pods of a version become ready. */
  podsStart: (version: string) => boolean = () => true
  plan: RealmPlan | undefined

  constructor(spec: Parameters<typeof aRealm>[0] = {}) {
    this.realm = aRealm(spec)
  }

  /** Changes the spec of the realm. */
  declare(cells: Partial<RealmSpec['cells']>, rest: Partial<RealmSpec> = {}): void {
    const { spec, metadata } = this.realm
    const changed = { ...spec, ...rest, cells: { ...spec.cells, ...cells } }
    this.realm = { ...this.realm, metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 }, spec: changed }
  }

  /** Changes the spec of a cell, as a user would. */
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
    const observed = { cells: [...this.cells.values()], services: this.#services() }
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
    for (const desired of plan.cells) this.#apply(desired)
    const names = new Set(plan.cells.map(({ metadata }) => metadata.name))
    for (const cell of observed.cells)
      if (cell.metadata.ownerReferences && !names.has(cell.metadata.name)) this.#remove(cell.metadata.name)
    const publication = { state: 'serving', aboutUrl: '' } as const
    const changed = { cells: [...this.cells.values()], services: this.#services() }
    const input = {
      realm: this.realm,
      plan,
      observed: changed,
      urls: site.urls(this.realm),
      publication,
      failure: undefined,
      now: this.now,
    }
    this.realm = { ...this.realm, status: realmStatus(input) }
    for (const cell of this.cells.values()) this.#passCell(cell)
    return plan
  }

  /** Passes until nothing changes any more, advancing time where only time changes anything. @throws when the realm does not settle */
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
    throw new Error(`the realm did not settle in ${atMost} passes`)
  }

  /** Makes every synthetic join that the plan asks for succeed. */
  joinCandidates(): void {
    for (const { metadata } of this.plan?.rollout.cellsToJoin ?? []) this.syntheticJoins.set(metadata.name, { state: 'joined' })
  }

  /** Passes, one per second, with synthetic joins that succeed, and then until the realm has settled. */
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

  #services = (): Workload[] => SERVICES.map((service) => ({ ...service, updated: this.areServicesUp ? 1 : 0 }))

  #peak = (): PlayerPeak | undefined =>
    this.isPeakNow && this.players
      ? { bySlot: this.players, total: [...this.players.values()].reduce((sum, count) => sum + count, 0) }
      : undefined

  #text = (): string => JSON.stringify([this.realm.status, [...this.cells.values()], this.plan?.routes])

  #apply(desired: CommsCell): void {
    const known = this.cells.get(desired.metadata.name)
    const spec = { ...desired.spec }
    // Server-side apply keeps a field that the operator leaves out and a user has set.
    const ofUser = known?.spec.desiredState
    if (!spec.desiredState && ofUser && this.#userStates.has(desired.metadata.name)) spec.desiredState = ofUser
    const isSame = known && JSON.stringify(sorted(known.spec)) === JSON.stringify(sorted(spec))
    if (isSame) {
      const { annotations: _, ...metadata } = known.metadata
      const { annotations } = desired.metadata
      this.cells.set(desired.metadata.name, { ...known, metadata: { ...metadata, ...(annotations && { annotations }) } })
      return
    }
    // The API server knows whole seconds.
    const creationTimestamp = known?.metadata.creationTimestamp ?? new Date(this.now).toISOString().replace(/\.\d+Z$/, 'Z')
    const metadata = {
      ...desired.metadata,
      uid: desired.metadata.name,
      creationTimestamp,
      generation: (known?.metadata.generation ?? 0) + 1,
    }
    this.cells.set(desired.metadata.name, { ...desired, metadata, spec, ...(known?.status && { status: known.status }) })
  }

  /** Names of cells whose `desiredState` a user has set. */
  readonly #userStates = new Set<string>()

  /** Cordons or drains a cell, or takes it back, as a user would. */
  setDesiredState(name: string, desiredState: NonNullable<CommsCell['spec']['desiredState']>): void {
    this.#userStates.add(name)
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
    const connectors: Workload = { component: 'connector', desired, current: desired, updated: ready, ready, existing: run.pods }
    const archipelago: Workload = {
      component: 'archipelago',
      desired: 1,
      current: 1,
      updated: run.works ? 1 : 0,
      ready: run.works ? 1 : 0,
      existing: 1,
    }
    const status = cellStatus({ cell, observed: { connectors, archipelago }, failure: undefined, now: this.now })
    this.cells.set(name, { ...cell, status })
  }
}

/** A simulation of a realm that has settled. */
export function settled(spec: ConstructorParameters<typeof Simulation>[0]): Simulation {
  const simulation = new Simulation(spec)
  simulation.settle()
  return simulation
}

/** `spec.rollout` with the defaults of the API server. */
export const rollout = (changes: Partial<RealmSpec['rollout']> = {}): Pick<RealmSpec, 'rollout'> => ({
  rollout: { paused: false, joinProbe: 'Required', minJoinRate: 90, progressDeadlineSeconds: 600, ...changes },
})

const SERVICES: Workload[] = (['gatekeeper', 'stats', 'nats'] as const).map((component) => ({
  component,
  desired: 1,
  current: 1,
  updated: 1,
  ready: 1,
  existing: 1,
}))

const bumped = ({ metadata }: CommsCell): CommsCell['metadata'] => ({ ...metadata, generation: (metadata.generation ?? 0) + 1 })

const sorted = (spec: object): [string, unknown][] => Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1))
