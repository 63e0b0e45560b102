import type { Clock } from '../../cells/chassis/clock.ts'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import type { CommsCell, CommsCellStatus, Realm, RealmStatus } from '../../crds/realm.ts'
import type { Kind } from '../../crds/resources.ts'
import { gatekeeperRealmOf, isGuest } from '../../crds/world.ts'
import { hostingOf, isServed } from '../desired/hosted-worlds.ts'
import type { CellPlan, RealmPlan } from '../desired/plan.ts'
import type { Component, ObservedCell, ObservedHost, ObservedRealm, Workload } from '../observed/workload.ts'
import type { Cluster } from '../reconcile/cluster.ts'
import { ObjectStore } from './object-store.ts'
import type { CellRunSpec, LocalRuntime, ServiceRunSpec } from './runtime.ts'
import { allSettled, Supervisor } from './supervisor.ts'

export interface LocalClusterOptions {
  runtime: LocalRuntime
  clock: Clock
  log: Log
}

/** Between checks of the readiness of all parts. */
const READINESS_PERIOD_MS = 250
/** The services of a realm that run on one machine too. */
const SERVICES = ['gatekeeper', 'stats'] as const

/** The Cluster port in one process: objects in memory, cells and services in the process itself, without pods or scheduling. */
export class LocalCluster implements Cluster, Running {
  readonly #options: LocalClusterOptions
  readonly #store: ObjectStore
  readonly #cells: Supervisor<CellRunSpec>
  readonly #services: Supervisor<ServiceRunSpec>
  #lastReadiness = ''
  #cancelCheck = () => {}
  #stopped = false

  constructor(options: LocalClusterOptions) {
    const { runtime, clock } = options
    this.#options = options
    this.#store = new ObjectStore(clock)
    this.#cells = new Supervisor((spec) => runtime.startCell(spec))
    this.#services = new Supervisor((spec) => runtime.startService(spec))
    this.#cancelCheck = clock.after(READINESS_PERIOD_MS, () => this.#checkReadiness())
  }

  /** Creates or changes a Realm. Its `spec` must be complete and valid. */
  declare(realm: Pick<Realm, 'metadata' | 'spec'>): void {
    this.#store.applyRealm(realm)
    this.#notifyWorlds(realm.metadata)
  }

  /** Deletes a Realm; resolves once nothing of it runs. */
  async delete(key: ObjectKey): Promise<void> {
    const realm = this.realm(key)
    if (!realm) return
    this.#store.realms.delete(keyText(key))
    this.#options.runtime.route(realm, [])
    const cells = this.#store.cellsOf(realm)
    const stopping = [
      ...cells.map(({ metadata }) => this.#cells.remove(keyText(metadata))),
      ...SERVICES.map((component) => this.#services.remove(serviceName(realm, component))),
    ]
    for (const cell of cells) this.#store.deleteCell(cell)
    this.#store.notify('Realm', key)
    this.#notifyWorlds(key)
    await allSettled(stopping)
  }

  /** A world, and the realm whose gatekeeper it uses, depend on each other. */
  #notifyWorlds({ namespace, name }: ObjectKey): void {
    for (const { metadata, spec } of this.realms())
      if (metadata.namespace === namespace && metadata.name !== name && (spec.world || spec.gatekeeper.worldHosting))
        this.#store.notify('Realm', metadata)
  }

  realms(): readonly Realm[] {
    return [...this.#store.realms.values()]
  }

  cells(): readonly CommsCell[] {
    return [...this.#store.cells.values()]
  }

  /** Calls the listener after each change of a Realm or its status; the returned function removes it. */
  onUpdate(listener: () => void): () => void {
    return this.#store.onChange((kind) => kind === 'Realm' && listener())
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelCheck()
    await allSettled([this.#cells.removeAll(), this.#services.removeAll()])
  }

  realm(key: ObjectKey): Realm | undefined {
    return this.#store.realms.get(keyText(key))
  }

  cell(key: ObjectKey): CommsCell | undefined {
    return this.#store.cells.get(keyText(key))
  }

  keys(kind: Kind): readonly ObjectKey[] {
    const objects = kind === 'Realm' ? this.realms() : this.cells()
    return objects.map(({ metadata: { namespace, name } }) => ({ namespace, name }))
  }

  onChange(listener: (kind: Kind, key: ObjectKey) => void): () => void {
    return this.#store.onChange(listener)
  }

  observeRealm(realm: Realm): ObservedRealm {
    const services = SERVICES.flatMap((component) => workloadOf(component, this.#services, serviceName(realm, component)) ?? [])
    return {
      cells: this.#store.cellsOf(realm),
      services,
      guests: this.#guestsOf(realm),
      ...(isGuest(realm) && { host: this.#hostOf(realm) }),
    }
  }

  #guestsOf({ metadata: { namespace, name } }: Realm): Realm[] {
    return this.realms().filter(
      (realm) => isGuest(realm) && realm.metadata.namespace === namespace && gatekeeperRealmOf(realm) === name,
    )
  }

  #hostOf(guest: Realm): ObservedHost | undefined {
    const realm = this.realm({ namespace: guest.metadata.namespace, name: gatekeeperRealmOf(guest) })
    return (
      realm && {
        realm,
        gatekeeper: workloadOf('gatekeeper', this.#services, serviceName(realm, 'gatekeeper')),
        isAddressTaken: false,
        serves: isServed(hostingOf(realm, this.#guestsOf(realm)), guest),
      }
    )
  }

  observeCell({ metadata, spec }: CommsCell): ObservedCell {
    return {
      connectors: workloadOf('connector', this.#cells, keyText(metadata), spec.connectors.replicas),
      archipelago: workloadOf('archipelago', this.#cells, keyText(metadata)),
    }
  }

  async realizeRealm(realm: Realm, { cells, services, routes }: RealmPlan): Promise<readonly Component[]> {
    if (this.#stopped || !this.#store.has(realm)) return []
    for (const cell of cells) this.#store.applyCell(cell)
    // Routes change before cells stop: no player is routed to a cell that is about to stop.
    this.#options.runtime.route(realm, routes)
    const names = new Set(cells.map(({ metadata }) => metadata.name))
    for (const cell of this.#store.cellsOf(realm)) {
      if (names.has(cell.metadata.name)) continue
      this.#stopCell(cell)
      this.#store.deleteCell(cell)
    }
    const changed = await allSettled(
      services.map((plan) => {
        const name = serviceName(realm, plan.component)
        return plan.replicas > 0 ? this.#services.ensure(name, serviceSpec(realm, plan)) : this.#services.remove(name)
      }),
    )
    if (changed.includes(true)) this.#store.notify('Realm', realm.metadata)
    return []
  }

  async realizeCell(cell: CommsCell, plan: CellPlan): Promise<void> {
    if (this.#stopped || !this.#store.has(cell)) return
    if (plan.connectors.replicas === 0) {
      this.#stopCell(cell)
      return
    }
    if (await this.#cells.ensure(keyText(cell.metadata), cellSpec(cell, plan))) this.#store.notify('CommsCell', cell.metadata)
  }

  async reportRealm(realm: Realm, status: RealmStatus): Promise<void> {
    this.#store.reportRealm(realm, status)
  }

  async reportCell(cell: CommsCell, status: CommsCellStatus): Promise<void> {
    this.#store.reportCell(cell, status)
  }

  /** Does nothing: what runs here ends with the process. */

  /** Drains and stops a cell in the background; its progress shows in what is observed. */
  #stopCell({ metadata }: CommsCell): void {
    this.#cells
      .remove(keyText(metadata))
      .then((stopped) => stopped && this.#store.notify('CommsCell', metadata))
      .catch((error: unknown) =>
        this.#options.log.warn({ cell: metadata.name, error: messageOf(error) }, 'a cell did not stop cleanly'),
      )
  }

  // Readiness is polled: the parts in this process do not know the cluster that could be notified.
  #checkReadiness(): void {
    const readiness = [this.#cells, this.#services].map((parts) => parts.names().map((name) => [name, parts.find(name)?.ready]))
    const text = JSON.stringify(readiness)
    if (text !== this.#lastReadiness) {
      this.#lastReadiness = text
      for (const { metadata } of this.cells()) this.#store.notify('CommsCell', metadata)
      for (const { metadata } of this.realms()) this.#store.notify('Realm', metadata)
    }
    this.#cancelCheck = this.#options.clock.after(READINESS_PERIOD_MS, () => this.#checkReadiness())
  }
}

const serviceName = ({ metadata }: Pick<Realm, 'metadata'>, component: string): string => `${keyText(metadata)}/${component}`

// Specs are compared to find out whether a part must change: they hold only what the part runs with.
const serviceSpec = ({ metadata: { namespace, name } }: Realm, plan: ServiceRunSpec['plan']): ServiceRunSpec => ({
  realm: { metadata: { namespace, name } },
  plan,
})

function cellSpec({ status: _, ...declared }: CommsCell, plan: CellPlan): CellRunSpec {
  const { namespace, name } = declared.metadata
  const { desiredState: __, ...spec } = declared.spec
  return { cell: { ...declared, metadata: { namespace, name }, spec }, plan }
}

/** One process runs a part, however many replicas it is asked to have. */
function workloadOf(
  component: Component,
  parts: Pick<Supervisor<unknown>, 'find' | 'names'>,
  name: string,
  pods = 1,
): Workload | undefined {
  const part = parts.find(name)
  const existing = parts.names().includes(name) ? pods : 0
  if (!part) return existing > 0 ? { component, desired: 0, current: 0, updated: 0, ready: 0, existing } : undefined
  const current = part.current ? pods : 0
  const ready = part.ready ? pods : 0
  return { component, desired: pods, current, updated: Math.min(current, ready), ready, existing }
}
