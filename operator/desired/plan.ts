import type { CommsCell, Endpoint, Realm } from '../../crds/realm.ts'
import { noObservations, type Observations } from '../observed/observations.ts'
import type { Component, ObservedCell, ObservedRealm, WorkloadImage } from '../observed/workload.ts'
import { type CellInputs, desiredCell, isHeldInPlace, newCell, updatedCell } from './cells/cell-manifest.ts'
import { type RetainedRoutes, retainedObjects, retainedRoutes } from './cells/retained.ts'
import { endpointOf, isServing, slotRoutes, takesPlayers } from './endpoints.ts'
import { heldRoutes, recordHeldSlots } from './held-slots.ts'
import { type Hosting, hostingOf } from './hosted-worlds.ts'
import { type LivekitMedia, livekitMedia } from './livekit-media.ts'
import { awaitsAddress, type PublicBalancer, publicBalancer } from './load-balancer.ts'
import { isServer, keptImage } from './platform.ts'
import { gatekeeperHostsOf } from './public-address.ts'
import { nextDrainStep } from './rollout/cell-drain.ts'
import { convergenceTarget } from './rollout/converge-first.ts'
import { isOfRevision } from './rollout/revision.ts'
import { planRollout, type Rollout, type SlotRollout } from './rollout/rollout.ts'
import { type ServicesHold, servicesHold } from './rollout/services-hold.ts'
import { desiredScale, type Scale } from './scale/scaling.ts'
import { cellsBySlot, chooseSlots, isScaled } from './scale/slots.ts'
import {
  archipelagoSettings,
  compactSettings,
  connectorSettings,
  gatekeeperSettings,
  type Settings,
  statsSettings,
} from './settings.ts'
import type { Site } from './site.ts'
import { planStatistics, type StatisticsPlan } from './statistics.ts'
import { isCompact } from './topology.ts'

/** The desired state of a realm, as one pass of the operator computes it. */
export interface RealmPlan {
  /** The complete CommsCells to apply, draining ones among them. Other cells that the operator made are to be removed. */
  cells: readonly CommsCell[]
  /** The services all cells of the realm share. */
  services: readonly ServicePlan[]
  /** Where the statistics run; undefined = the realm has none. */
  statistics: StatisticsPlan | undefined
  /** Which cell answers at each slot's stable URL: every slot below `cells.max`, none while no cell runs. */
  routes: readonly { slot: number; cell: string }[]
  /** Names of the Compact cells among those that slots may be routed to. */
  compactCells: ReadonlySet<string>
  /** What to publish, by slot; nothing while another realm has the public address. */
  endpoints: readonly Endpoint[]
  /** Whether the public address is this realm's, so that its Ingress may exist. */
  isExposed: boolean
  /** The further hosts of the gatekeeper that are this realm's; none where the place has no Ingress. */
  gatekeeperHosts: readonly string[]
  /** Cells the operator should run; fewer than `scale` asks for when cells that users created leave no slot for them. */
  desiredCells: number
  scale: Scale
  /** How players reach the media of a Managed LiveKit. */
  media: LivekitMedia
  /** Whether the load balancer of the realm has an address. */
  balancer: PublicBalancer
  /** Names of objects to neither change nor remove: those of a Managed server that only draining cells still use. */
  retained: ReadonlySet<string>
  retainedRoutes: RetainedRoutes
  rollout: Rollout
  /** Why services of the realm may not change for now; those that are as declared are not concerned. */
  servicesHold: ServicesHold | undefined
  /** What each service was made with, and the cells that are proven: where those are of the version of the realm, services keep it. */
  images: ReadonlyMap<Component, readonly (WorkloadImage | undefined)[]>
  /** Of a world whose gatekeeper cannot serve it: why. */
  hostProblem?: string | undefined
  /** When to run the next pass even if nothing changes, in milliseconds. */
  recheckMs: number | undefined
}

/** The desired state of one service of a realm. */
export interface ServicePlan {
  component: 'gatekeeper' | 'stats'
  /** 0 = it should not run. */
  replicas: number
  settings: Settings
  /** The worlds that a gatekeeper serves; undefined for one that may have none. */
  hosting?: Hosting | undefined
}

/** The desired state of one cell. */
export interface CellPlan {
  connectors: { replicas: number; settings: Settings; image?: WorkloadImage | undefined }
  /** In a cluster, the connectors of a Compact cell are it, and there is no other. */
  archipelago: { runs: boolean; settings: Settings; image?: WorkloadImage | undefined }
}

/**
 * Plans a realm: how many cells, at which slots, of which revision; what becomes of each cell that exists; the services; and which cell
 * answers at each slot.
 */
export function planRealm(
  declaredRealm: Realm,
  observed: ObservedRealm,
  site: Site,
  observations: Observations = noObservations,
): RealmPlan {
  const isWaiting = site.distributed && awaitsAddress(declaredRealm)
  const realm = isWaiting ? paused(declaredRealm) : declaredRealm
  const existing = cellsBySlot(realm, observed.cells)
  const scale = desiredScale(realm, existing, observed, observations)
  const chosen = chooseSlots(realm, scale.cells, existing, observations.players)
  const slots = isWaiting ? chosen.filter((slot) => existing.own.has(slot)) : chosen
  const declared: CellInputs = { realm, site, connectorsOf: scale.connectorsOf }
  const matches = (inputs: CellInputs) => (cell: CommsCell) =>
    !site.distributed || isOfRevision(cell.spec, desiredCell(inputs, cell.spec.slot).spec)
  const convergeOn = convergenceTarget(realm, existing.own, matches(declared), observations)
  const inputs: CellInputs = convergeOn ? { ...declared, convergeOn } : declared
  const isDesired = matches(inputs)
  const update = (cell: CommsCell, desiredState?: 'Draining' | 'Drained') =>
    updatedCell(inputs, cell, { isDesired: isDesired(cell), isScaled: isScaled(observed, cell), desiredState })

  const inUse = new Map(slots.map((slot) => [slot, existing.own.get(slot) ?? []]))
  const { slotRollouts, rollout } = planRollout(realm, inUse, isDesired, observations, {
    convergesFirst: convergeOn !== undefined,
    areServicesUp: observed.services.every(({ desired, updated }) => updated >= desired),
  })
  const adds: CellInputs = rollout.addsLike ? { ...inputs, convergeOn: rollout.addsLike } : inputs
  const abandoned = [...existing.own].filter(([slot]) => !inUse.has(slot)).flatMap(([, cells]) => cells)
  const drains = [...slotRollouts.flatMap(({ draining }) => draining), ...abandoned].map((cell) => ({
    cell,
    step: nextDrainStep(realm, cell, observations, site.propagationMs),
  }))
  const draining = drains.flatMap(({ cell, step }) => (step.state === 'remove' ? [] : [update(cell, step.state)]))
  const staying = slotRollouts.flatMap(({ slot, active, candidate, createsCell }) => [
    ...[active, candidate].flatMap((cell) => (cell ? [update(cell)] : [])),
    ...(createsCell
      ? [active ? newCell(inputs, slot, { active, isScaled: isScaled(observed, active) }) : newCell(adds, slot)]
      : []),
  ])
  const cells = [...staying, ...draining]
  const hold = servicesHold(realm, rollout)
  const heldInPlace = new Set(rollout.updated.filter((cell) => isHeldInPlace(inputs, cell)))
  const endpoints = endpointsOf(inputs, slotRollouts, existing.userCreated, draining, observed.cells)
  const isExposed = observed.addressTakenBy === undefined
  const held = heldRoutes(observed.cells, slotRollouts)
  const routes = slotRoutes(realm.spec.cells.max, endpoints, held)
  const leaving = observed.cells.filter(({ metadata }) => draining.some((cell) => cell.metadata.name === metadata.name))
  const media = plannedMedia(realm, observed, site)
  const statistics = planStatistics(realm, { planned: cells, observed, site })
  return {
    cells: recordHeldSlots(
      cells,
      observed.cells,
      [...leaving, ...existing.userCreated.filter((cell) => !takesPlayers(cell))],
      routes,
      observations.players,
    ),
    services: [
      gatekeeperPlan(realm, observed, site, realm.spec.gatekeeper.replicas),
      ...(statistics.ownDeployment ? [{ component: 'stats' as const, replicas: 1, settings: statsSettings(realm, site) }] : []),
    ],
    statistics,
    routes,
    compactCells: new Set(
      [...cells, ...observed.cells].filter(({ spec }) => isCompact(spec)).map(({ metadata }) => metadata.name),
    ),
    endpoints: isExposed ? endpoints : [],
    isExposed,
    gatekeeperHosts: ownGatekeeperHosts(realm, observed, site),
    desiredCells: slots.length,
    scale,
    media,
    balancer: plannedBalancer(realm, observed, site),
    retained: retainedObjects(realm, [...cells, ...existing.userCreated], hold !== undefined),
    retainedRoutes: retainedRoutes(realm, [...cells, ...existing.userCreated], routes),
    servicesHold: hold,
    images: imagesOf(observed, rollout),
    rollout: {
      ...rollout,
      updated: rollout.updated.filter((cell) => !heldInPlace.has(cell)),
      hold: heldInPlace.size > 0 ? 'RolloutPaused' : rollout.hold,
    },
    recheckMs: soonest([
      rollout.recheckMs,
      scale.recheckMs,
      ...drains.map(({ step }) => ('recheckMs' in step ? step.recheckMs : undefined)),
    ]),
  }
}

/** While its address is not known, what a realm has stays as it is: with the address it would change once more. */
const paused = (realm: Realm): Realm => ({ ...realm, spec: { ...realm.spec, rollout: { ...realm.spec.rollout, paused: true } } })

/** The gatekeeper of a realm, with the worlds it serves. */
export function gatekeeperPlan(realm: Realm, { guests }: ObservedRealm, site: Site, replicas: number): ServicePlan {
  const hosting = hostingOf(realm, guests)
  return { component: 'gatekeeper', replicas, settings: gatekeeperSettings(realm, site), ...(hosting && { hosting }) }
}

/** Where a realm is one process, it has the LiveKit that was chosen for it there. */
export const plannedMedia = (realm: Realm, { livekitBalancer }: ObservedRealm, { distributed }: Site): LivekitMedia =>
  distributed ? livekitMedia(realm, livekitBalancer) : { state: 'InsideCluster' }

/** One process on a laptop has no load balancer. */
export const plannedBalancer = (realm: Realm, observed: ObservedRealm, { distributed }: Site): PublicBalancer =>
  distributed ? publicBalancer(realm, observed.publicBalancer) : { state: 'None' }

/** The further hosts of the gatekeeper, without those of other realms. */
export function ownGatekeeperHosts(realm: Realm, { gatekeeperHostsTaken = [] }: ObservedRealm, { distributed }: Site): string[] {
  const taken = new Set(gatekeeperHostsTaken.map(({ host }) => host))
  return distributed ? gatekeeperHostsOf(realm).filter((host) => !taken.has(host)) : []
}

/** A proven cell is one of the declared revision that serves. */
export function imagesOf({ services, images }: ObservedRealm, { updated }: Pick<Rollout, 'updated'>): RealmPlan['images'] {
  const proven = updated.filter(isServing).flatMap(({ metadata }) => images?.get(metadata.name) ?? [])
  const parts: Component[] = ['nats', 'livekit', 'migration', 'gatekeeper', 'stats', 'proxy']
  return new Map(
    parts.map((part) => [
      part,
      [keptImage(services.find(({ component }) => component === part)), ...(isServer(part) ? [] : proven)],
    ]),
  )
}

const soonest = (delaysMs: readonly (number | undefined)[]): number | undefined => {
  const known = delaysMs.filter((ms) => ms !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}

/** The endpoints of a realm, one per slot: of the active cell of each slot, else of a cell that a user created, else of a draining cell. */
function endpointsOf(
  inputs: CellInputs,
  slotRollouts: readonly SlotRollout[],
  userCreated: readonly CommsCell[],
  draining: readonly CommsCell[],
  observed: readonly CommsCell[],
): Endpoint[] {
  const { realm } = inputs
  const candidates = [
    ...slotRollouts.map(({ slot, active }) => endpointOf(realm, active ?? desiredCell(inputs, slot), active)),
    ...userCreated.map((cell) => endpointOf(realm, cell, cell)),
    ...draining.map((cell) => {
      const seen = observed.find(({ metadata }) => metadata.name === cell.metadata.name)
      return endpointOf(realm, cell, seen, true)
    }),
  ]
  const bySlot = new Map<number, Endpoint>()
  for (const endpoint of candidates) if (!bySlot.has(endpoint.slot)) bySlot.set(endpoint.slot, endpoint)
  return [...bySlot.values()].sort((a, b) => a.slot - b.slot)
}

const NOTHING_EXISTS: ObservedCell = { connectors: undefined, archipelago: undefined }

/**
 * Plans the processes of one cell. Draining a cell scales its connectors to 0, which makes them disconnect their players; its archipelago
 * runs until the last connector is gone, so that players stay grouped; in a Compact cell it is in the last connector. The two cells that a slot has during a rollout share one bus, and
 * their archipelagos elect one leader: players keep their islands when they move from one cell to the other.
 */
export function planCell(cell: CommsCell, observed: ObservedCell = NOTHING_EXISTS): CellPlan {
  const isDrained = cell.spec.desiredState === 'Drained'
  return {
    connectors: {
      replicas: isDrained ? 0 : cell.spec.connectors.replicas,
      settings: cell.spec.nats && isCompact(cell.spec) ? compactSettings(cell) : connectorSettings(cell),
      image: keptImage(observed.connectors),
    },
    archipelago: {
      runs: !(isDrained && isEmpty(observed)),
      settings: archipelagoSettings(cell),
      image: keptImage(observed.archipelago),
    },
  }
}

/** Whether a cell has no connector left, and so no player. */
export const isEmpty = ({ connectors }: ObservedCell): boolean =>
  connectors === undefined || (connectors.desired === 0 && connectors.ready === 0 && connectors.existing === 0)
