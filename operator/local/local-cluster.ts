import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../cells/chassis/clock.ts'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import type { CommsCell, Realm } from '../../crds/realm.ts'
import type { Kind } from '../../crds/resources.ts'
import type { Component, Workload } from '../observed/workload.ts'
import type { Cluster } from '../reconcile/cluster.ts'
import type { CellRunSpec, LocalRuntime, ServiceRunSpec } from './runtime.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'

/** A cluster that is one process: objects in memory, cells and services in the process itself. */
export interface LocalCluster extends Cluster, Running {
  /** Takes a Realm as it should be: new, changed, or as it already is. Its `spec` must be complete and valid. */
  declare(realm: Pick<Realm, 'metadata' | 'spec'>): void
  /** Forgets a Realm and stops what it had; resolves once nothing of it runs. */
  delete(key: ObjectKey): Promise<void>
  realms(): readonly Realm[]
  cells(): readonly CommsCell[]
  /** Tells each change of a Realm, its status among it; the returned function ends it. */
  onUpdate(listener: () => void): () => void
}

/** What a local cluster is made of. */
export interface LocalClusterOptions {
  runtime: LocalRuntime
  clock: Clock
  log: Log
}

/** From one look at the readiness of all parts to the next. */
const READINESS_PERIOD_MS = 250

/** A Cluster that realizes cells and services through `runtime`, without pods, Services or scheduling. */
export function createLocalCluster({ runtime, clock, log }: LocalClusterOptions): LocalCluster {
  const realms = new Map<string, Realm>()
  const cells = new Map<string, CommsCell>()
  const listeners = new Set<(kind: Kind, key: ObjectKey) => void>()
  const updates = new Set<() => void>()
  const cellParts = createSupervisor<CellRunSpec>((order) => runtime.startCell(order))
  const serviceParts = createSupervisor<ServiceRunSpec>((order) => runtime.startService(order))
  let version = 0
  let seen = ''
  let cancelLook = () => {}
  let stopped = false

  function tell(kind: Kind, { namespace, name }: ObjectKey): void {
    for (const listener of listeners) listener(kind, { namespace, name })
    if (kind === 'Realm') for (const listener of updates) listener()
  }

  /** Keeps an object as the API server would: uid and status stay, a changed spec is a new generation. */
  function keep<Kept extends Realm | CommsCell>(
    store: Map<string, Kept>,
    { metadata, spec }: Pick<Kept, 'metadata' | 'spec'>,
    kind: Kept['kind'],
  ): void {
    const known = store.get(keyText(metadata))
    const { labels, annotations } = known?.metadata ?? {}
    const sameSpec = known !== undefined && isDeepStrictEqual(known.spec, spec)
    if (sameSpec && isDeepStrictEqual({ labels, annotations }, { labels: metadata.labels, annotations: metadata.annotations }))
      return
    const kept = {
      ...known,
      apiVersion: 'comms.decentraland.org/v1alpha1',
      kind,
      metadata: {
        ...metadata,
        uid: known?.metadata.uid ?? randomUUID(),
        creationTimestamp: known?.metadata.creationTimestamp ?? new Date(clock.now()).toISOString(),
        generation: (known?.metadata.generation ?? 0) + (sameSpec ? 0 : 1),
        resourceVersion: String(++version),
      },
      spec,
    } as Kept
    store.set(keyText(metadata), kept)
    tell(kind, metadata)
  }

  function report<Kept extends Realm | CommsCell>(store: Map<string, Kept>, { metadata }: Kept, status: Kept['status']): void {
    const known = store.get(keyText(metadata))
    if (!known || known.metadata.uid !== metadata.uid || isDeepStrictEqual(known.status, status)) return
    store.set(keyText(metadata), { ...known, status, metadata: { ...known.metadata, resourceVersion: String(++version) } })
    tell(known.kind, metadata)
  }

  const cellsOf = (realm: Pick<Realm, 'metadata'>) =>
    [...cells.values()].filter(
      ({ metadata, spec }) => metadata.namespace === realm.metadata.namespace && spec.realmRef.name === realm.metadata.name,
    )

  /** Sends everybody away and stops what ran; how that comes along shows in what is observed. */
  function empty({ metadata }: CommsCell): void {
    cellParts
      .remove(keyText(metadata))
      .then((stopped) => stopped && tell('CommsCell', metadata))
      .catch((error: unknown) => log.warn({ cell: metadata.name, error: messageOf(error) }, 'a cell did not stop cleanly'))
  }

  /** One process runs a part, however many it is asked to be. */
  function workloadOf(component: Component, roster: Supervisor<unknown>, name: string, pods = 1): Workload | undefined {
    const part = roster.find(name)
    const existing = roster.names().includes(name) ? pods : 0
    if (!part) return existing > 0 ? { component, desired: 0, updated: 0, ready: 0, existing } : undefined
    return { component, desired: pods, updated: part.current ? pods : 0, ready: part.ready ? pods : 0, existing }
  }

  // Readiness is asked for, because what runs in this process has no reason to know who wants to hear of it.
  function look(): void {
    const now = [cellParts, serviceParts].map((roster) => roster.names().map((name) => [name, roster.find(name)?.ready]))
    const text = JSON.stringify(now)
    if (text !== seen) {
      seen = text
      for (const { metadata } of cells.values()) tell('CommsCell', metadata)
      for (const { metadata } of realms.values()) tell('Realm', metadata)
    }
    cancelLook = clock.after(READINESS_PERIOD_MS, look)
  }
  cancelLook = clock.after(READINESS_PERIOD_MS, look)

  return {
    realm: (key) => realms.get(keyText(key)),
    cell: (key) => cells.get(keyText(key)),
    keys: (kind) =>
      [...(kind === 'Realm' ? realms : cells).values()].map(({ metadata: { namespace, name } }) => ({ namespace, name })),
    observeRealm: (realm) => ({
      cells: cellsOf(realm),
      services: (['gatekeeper', 'stats'] as const).flatMap(
        (component) => workloadOf(component, serviceParts, serviceName(realm, component)) ?? [],
      ),
    }),
    observeCell: ({ metadata, spec }) => ({
      connectors: workloadOf('connector', cellParts, keyText(metadata), spec.connectors.replicas),
      archipelago: workloadOf('archipelago', cellParts, keyText(metadata)),
    }),
    async realizeRealm(realm, { cells: wanted, services, routes }) {
      if (stopped || realms.get(keyText(realm.metadata))?.metadata.uid !== realm.metadata.uid) return
      for (const cell of wanted) keep(cells, cell, 'CommsCell')
      // First where players come in, then what is taken away: nobody is led to a cell that stops.
      runtime.route(realm, routes)
      const gone = cellsOf(realm).filter(({ metadata }) => !wanted.some((cell) => cell.metadata.name === metadata.name))
      for (const cell of gone) {
        empty(cell)
        cells.delete(keyText(cell.metadata))
        tell('CommsCell', cell.metadata)
      }
      const changed = await all(
        services.map((plan) => {
          const name = serviceName(realm, plan.component)
          return plan.replicas > 0 ? serviceParts.ensure(name, orderOf(realm, plan)) : serviceParts.remove(name)
        }),
      )
      if (changed.includes(true)) tell('Realm', realm.metadata)
    },
    async realizeCell(cell, plan) {
      if (stopped || cells.get(keyText(cell.metadata))?.metadata.uid !== cell.metadata.uid) return
      // What the order is compared by: status, versions and who is led there are not what a part runs on.
      const { namespace, name } = cell.metadata
      if (plan.connectors.replicas === 0) return empty(cell)
      const { status: _, ...declared } = cell
      const { desiredState: __, ...spec } = declared.spec
      const order = { cell: { ...declared, metadata: { namespace, name }, spec }, plan }
      if (await cellParts.ensure(keyText(cell.metadata), order)) tell('CommsCell', cell.metadata)
    },
    reportRealm: async (realm, status) => report(realms, realm, status),
    reportCell: async (cell, status) => report(cells, cell, status),
    setFinalizers: async () => {}, // what runs here ends with its process
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    declare: (realm) => keep(realms, realm, 'Realm'),
    async delete(key) {
      const realm = realms.get(keyText(key))
      if (!realm) return
      realms.delete(keyText(key))
      runtime.route(realm, [])
      const services = (['gatekeeper', 'stats'] as const).map((component) => serviceParts.remove(serviceName(realm, component)))
      const stopping = [...cellsOf(realm).map(({ metadata }) => cellParts.remove(keyText(metadata))), ...services]
      for (const { metadata } of cellsOf(realm)) {
        cells.delete(keyText(metadata))
        tell('CommsCell', metadata)
      }
      tell('Realm', key)
      await all(stopping)
    },
    realms: () => [...realms.values()],
    cells: () => [...cells.values()],
    onUpdate(listener) {
      updates.add(listener)
      return () => updates.delete(listener)
    },
    async stop() {
      stopped = true
      cancelLook()
      await all([...cellParts.names().map(cellParts.remove), ...serviceParts.names().map(serviceParts.remove)])
    },
  }
}

const serviceName = ({ metadata }: Pick<Realm, 'metadata'>, component: string): string => `${keyText(metadata)}/${component}`

const orderOf = ({ metadata: { namespace, name } }: Realm, plan: ServiceRunSpec['plan']): ServiceRunSpec => ({
  realm: { metadata: { namespace, name } },
  plan,
})

/** Waits for all of them, whatever becomes of each, and throws the first thing thrown. */
async function all<Outcome>(steps: readonly Promise<Outcome>[]): Promise<Outcome[]> {
  const outcomes = await Promise.allSettled(steps)
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}
