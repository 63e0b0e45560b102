import type { CommsCell, Endpoint, Realm } from '../../crds/realm.ts'
import { noOutlook, type Outlook } from '../observed/observations.ts'
import type { RealmObserved } from '../observed/workload.ts'
import { type Blueprint, keptCell, madeCell, plannedCell } from './cells/cell-manifest.ts'
import { stillUsed } from './cells/retained.ts'
import { answeringCells, endpointOf } from './endpoints.ts'
import { detourOf } from './rollout/converge-first.ts'
import { leave } from './rollout/drain.ts'
import { isOf } from './rollout/revision.ts'
import { planRollout, type Rollout, type Turn } from './rollout/rollout.ts'
import { type Scale, scaleOf } from './scale/scaling.ts'
import { cellsOf, chooseSlots, isScaled } from './scale/slots.ts'
import { gatekeeperSettings, type Settings, statsSettings } from './settings.ts'
import type { Site } from './site.ts'

export { type CellPlan, planCell } from './cells/plan-cell.ts'

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
  /** How many cells there should be; fewer than `scale` asks for when people's own cells leave no slot for them. */
  wanted: number
  scale: Scale
  /** Names of what is neither changed nor removed: a Managed server that only cells on their way out still speak through. */
  spared: ReadonlySet<string>
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
  const scale = scaleOf(realm, existing, observed, outlook)
  const chosen = chooseSlots(realm, scale.cells, existing, outlook.players)
  const declared: Blueprint = { realm, site, connectorsOf: scale.connectorsOf }
  const isAsIn = (wish: Blueprint) => (cell: CommsCell) =>
    !site.distributed || isOf(cell.spec, plannedCell(wish, cell.spec.slot).spec)
  const blueprint = { ...declared, detour: detourOf(realm, existing.own, isAsIn(declared), outlook) }
  const isWanted = isAsIn(blueprint)
  const keep = (cell: CommsCell, desiredState?: 'Draining' | 'Drained') =>
    keptCell(blueprint, cell, { isWanted: isWanted(cell), isScaled: isScaled(observed, cell), desiredState })
  const kept = new Map(chosen.map((slot) => [slot, existing.own.get(slot) ?? []]))
  const { turns, rollout } = planRollout(realm, kept, isWanted, outlook, blueprint.detour !== undefined)
  const given = [...existing.own].filter(([slot]) => !kept.has(slot)).flatMap(([, cells]) => cells)
  const steps = [...turns.flatMap(({ leaving }) => leaving), ...given].map((cell) => ({
    cell,
    step: leave(realm, cell, outlook, site.toldMs),
  }))
  const leaving = steps.flatMap(({ cell, step }) => (step.state === 'gone' ? [] : [keep(cell, step.state)]))
  const staying = turns.flatMap(({ slot, holder, next, makes }) => [
    ...[holder, next].flatMap((cell) => (cell ? [keep(cell)] : [])),
    ...(makes ? [madeCell(blueprint, slot, holder && { holder, isScaled: isScaled(observed, holder) })] : []),
  ])
  const endpoints = endpointsOf(blueprint, turns, existing.byHand, leaving, observed.cells)
  const waits = [
    rollout.recheckMs,
    scale.recheckMs,
    ...steps.map(({ step }) => ('recheckMs' in step ? step.recheckMs : undefined)),
  ]
  const cells = [...staying, ...leaving]
  return {
    cells,
    services: [
      { component: 'gatekeeper', replicas: realm.spec.gatekeeper.replicas, settings: gatekeeperSettings(realm, site) },
      { component: 'stats', replicas: 1, settings: statsSettings(realm, site) },
    ],
    slots: answeringCells(realm.spec.cells.max, endpoints),
    endpoints,
    wanted: chosen.length,
    scale,
    spared: stillUsed(realm, [...cells, ...existing.byHand]),
    rollout,
    recheckMs: waits.reduce(
      (soonest, ms) => (ms !== undefined && (soonest === undefined || ms < soonest) ? ms : soonest),
      undefined,
    ),
  }
}

/** What is published of a realm: who has each slot, then people's own cells, then those who still have players and nobody's slot. */
function endpointsOf(
  blueprint: Blueprint,
  turns: readonly Turn[],
  byHand: readonly CommsCell[],
  leaving: readonly CommsCell[],
  seen: readonly CommsCell[],
): Endpoint[] {
  const { realm } = blueprint
  const held = turns.map(({ slot, holder }) => endpointOf(realm, holder ?? plannedCell(blueprint, slot), holder))
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
