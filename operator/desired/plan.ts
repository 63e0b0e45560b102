import { API_VERSION, type CommsCell, type CommsCellSpec, type Realm } from '../../crds/realm.ts'
import type { RealmObserved } from '../cluster/ports.ts'
import { cellUser } from './bus-users.ts'
import { answeringCells, type Endpoint, endpointOf } from './endpoints.ts'
import { leave } from './leaving.ts'
import { cellLabels, cellName, ownedBy, SCALED_ANNOTATION } from './naming.ts'
import { noOutlook, type Outlook } from './outlook.ts'
import { mergePods } from './overrides.ts'
import { isOf, makingOf, revisionOf } from './revision.ts'
import { planRollout, type Rollout, type Turn } from './rollout.ts'
import { gatekeeperSettings, type Settings, statsSettings } from './settings.ts'
import type { Site } from './site.ts'
import { cellsOf, chooseSlots, isScaled } from './slots.ts'

export { type CellPlan, planCell } from './plan-cell.ts'

/** What one pass wants for a realm. */
export interface RealmPlan {
  /** The cells the realm deserves, complete as they should be, those on their way out among them; others of its own go. */
  cells: readonly CommsCell[]
  /** The services all cells of the realm share. */
  services: readonly ServicePlan[]
  /** Which cell answers at each slot's stable URL: every slot below `cells.max`, none while no cell runs. */
  slots: readonly { slot: number; cell: string }[]
  /** What to publish, by slot. */
  endpoints: readonly Endpoint[]
  /** How many cells there should be; fewer than asked for when people's own cells leave no slot for them. */
  wanted: number
  rollout: Rollout
  /** When to look again even if nothing changes, in milliseconds. */
  recheckMs: number | undefined
}

/** One service of a realm. */
export interface ServicePlan {
  component: 'gatekeeper' | 'stats'
  /** 0 = it should not run. */
  replicas: number
  settings: Settings
}

/** One cell per slot, as many as asked for, replaced slot by slot when they should be others; the services; and who answers where. */
export function planRealm(realm: Realm, observed: RealmObserved, site: Site, outlook: Outlook = noOutlook): RealmPlan {
  const existing = cellsOf(realm, observed.cells)
  const chosen = chooseSlots(realm, existing, outlook.players)
  const keep = (cell: CommsCell, desiredState?: 'Draining' | 'Drained') =>
    keptCell(realm, cell, site, { isWanted: isWanted(cell), isScaled: isScaled(observed, cell), desiredState })
  const isWanted = (cell: CommsCell) => !site.distributed || isOf(cell.spec, plannedCell(realm, cell.spec.slot, site).spec)
  const kept = new Map(chosen.map((slot) => [slot, existing.own.get(slot) ?? []]))
  const { turns, rollout } = planRollout(realm, kept, isWanted, outlook)
  const given = [...existing.own].filter(([slot]) => !kept.has(slot)).flatMap(([, cells]) => cells)
  const steps = [...turns.flatMap(({ leaving }) => leaving), ...given].map((cell) => ({
    cell,
    step: leave(realm, cell, outlook, site.toldMs),
  }))
  const leaving = steps.flatMap(({ cell, step }) => (step.state === 'gone' ? [] : [keep(cell, step.state)]))
  const staying = turns.flatMap(({ slot, holder, next, makes }) => [
    ...[holder, next].flatMap((cell) => (cell ? [keep(cell)] : [])),
    ...(makes ? [madeCell(realm, slot, site, holder && { holder, isScaled: isScaled(observed, holder) })] : []),
  ])
  const endpoints = endpointsOf(realm, turns, existing.byHand, leaving, observed.cells, site)
  const waits = [rollout.recheckMs, ...steps.map(({ step }) => ('recheckMs' in step ? step.recheckMs : undefined))]
  return {
    cells: [...staying, ...leaving],
    services: [
      { component: 'gatekeeper', replicas: realm.spec.gatekeeper.replicas, settings: gatekeeperSettings(realm, site) },
      { component: 'stats', replicas: 1, settings: statsSettings(realm, site) },
    ],
    slots: answeringCells(realm.spec.cells.max, endpoints),
    endpoints,
    wanted: chosen.length,
    rollout,
    recheckMs: waits.reduce(
      (soonest, ms) => (ms !== undefined && (soonest === undefined || ms < soonest) ? ms : soonest),
      undefined,
    ),
  }
}

/** What is published of a realm: who has each slot, then people's own cells, then those who still have players and nobody's slot. */
function endpointsOf(
  realm: Realm,
  turns: readonly Turn[],
  byHand: readonly CommsCell[],
  leaving: readonly CommsCell[],
  seen: readonly CommsCell[],
  site: Site,
): Endpoint[] {
  const held = turns.map(({ slot, holder }) => endpointOf(realm, holder ?? plannedCell(realm, slot, site), holder))
  const theirs = byHand.map((cell) => endpointOf(realm, cell, cell))
  const going = leaving.map((cell) =>
    endpointOf(
      realm,
      cell,
      seen.find(({ metadata }) => metadata.name === cell.metadata.name),
      true,
    ),
  )
  const bySlot = new Map<number, Endpoint>()
  for (const endpoint of [...held, ...theirs, ...going]) if (!bySlot.has(endpoint.slot)) bySlot.set(endpoint.slot, endpoint)
  return [...bySlot.values()].sort((a, b) => a.slot - b.slot)
}

/** A new cell for a slot: its first one has the plain name, one that comes beside another is told apart by what it is made of. */
function madeCell(realm: Realm, slot: number, site: Site, beside?: { holder: CommsCell; isScaled: boolean }): CommsCell {
  const made = plannedCell(realm, slot, site)
  if (!beside) return made
  const renamed = named(realm, made, `${made.metadata.name}-${revisionOf(made.spec)}`)
  if (!beside.isScaled) return renamed
  // Whoever takes over from a cell that somebody scaled starts with as many connectors, and keeps them.
  const { replicas } = beside.holder.spec.connectors
  return {
    ...renamed,
    metadata: { ...renamed.metadata, annotations: { [SCALED_ANNOTATION]: 'true' } },
    spec: { ...renamed.spec, connectors: { ...renamed.spec.connectors, replicas } },
  }
}

interface Keeping {
  isWanted: boolean
  isScaled: boolean
  desiredState: 'Draining' | 'Drained' | undefined
}

/** A cell there is, as it should be: what can change in place is what the realm says, what cannot is what the cell was made of. */
function keptCell(realm: Realm, cell: CommsCell, site: Site, { isWanted, isScaled, desiredState }: Keeping): CommsCell {
  const { revision, connectors } = cell.spec
  const wanted = plannedCell(realm, cell.spec.slot, site)
  const { realmRef, slot, url } = wanted.spec
  const kept = named(realm, wanted, cell.metadata.name)
  const annotation = cell.metadata.annotations?.[SCALED_ANNOTATION]
  return {
    ...kept,
    metadata: { ...kept.metadata, ...(annotation !== undefined && { annotations: { [SCALED_ANNOTATION]: annotation } }) },
    spec: {
      realmRef,
      slot,
      ...(desiredState && { desiredState }),
      ...(revision && { revision }),
      url,
      ...makingOf(isWanted ? wanted.spec : cell.spec),
      connectors: isScaled ? { ...wanted.spec.connectors, replicas: connectors.replicas } : wanted.spec.connectors,
    },
  }
}

function plannedCell(realm: Realm, slot: number, site: Site): CommsCell {
  const { version, cells, rollout } = realm.spec
  const pods = mergePods(realm.spec.pods, cells.template.pods)
  const [nats, livekit] = [site.nats(realm, cellUser(slot)), site.livekit(realm)]
  const { playersPerMinute } = rollout
  const spec: CommsCellSpec = {
    realmRef: { name: realm.metadata.name },
    slot,
    url: site.urls(realm).slot(slot),
    version,
    ...cells.template,
    connectors: { ...cells.template.connectors, ...(playersPerMinute !== undefined && { playersPerMinute }) },
    ...(pods && { pods }),
    ...(nats && { nats }),
    ...(livekit && { livekit }),
  }
  const cell: CommsCell = {
    apiVersion: API_VERSION,
    kind: 'CommsCell',
    metadata: { name: '', namespace: realm.metadata.namespace },
    spec: { ...spec, ...(site.distributed && { revision: revisionOf(spec) }) },
  }
  return named(realm, cell, cellName(realm, slot))
}

function named(realm: Realm, cell: CommsCell, name: string): CommsCell {
  const { namespace } = realm.metadata
  const bare = { ...cell, metadata: { name, namespace, ownerReferences: [ownedBy(realm)] } }
  return { ...bare, metadata: { ...bare.metadata, labels: cellLabels(bare, 'cell') } }
}
