import { API_VERSION, type CommsCell, type CommsCellSpec, type Realm } from '../../../crds/realm.ts'
import { cellUser } from '../bus-users.ts'
import { cellLabels, cellName, ownedBy, SCALED_ANNOTATION } from '../naming.ts'
import { mergePods } from '../overrides.ts'
import { makingAt } from '../rollout/converge-first.ts'
import { type Making, makingOf, revisionOf } from '../rollout/revision.ts'
import type { Site } from '../site.ts'

/** What the cells of a realm are made by. */
export interface Blueprint {
  realm: Realm
  site: Site
  /** Connectors of the cell of a slot; nothing = as the template says. */
  connectorsOf(slot: number): number | undefined
  /** Whose making the cells get for now instead of the one declared. */
  detour?: CommsCell | undefined
}

/** The cell of a slot as the realm wants it. */
export function plannedCell({ realm, site, connectorsOf, detour }: Blueprint, slot: number): CommsCell {
  const { version, cells, rollout } = realm.spec
  const pods = mergePods(realm.spec.pods, cells.template.pods)
  const [nats, livekit] = [site.nats(realm, cellUser(slot)), site.livekit(realm)]
  const [{ playersPerMinute }, { connectors }] = [rollout, cells.template]
  const declared: CommsCellSpec = {
    realmRef: { name: realm.metadata.name },
    slot,
    url: site.urls(realm).slot(slot),
    version,
    ...cells.template,
    connectors: {
      ...connectors,
      replicas: connectorsOf(slot) ?? connectors.replicas,
      ...(playersPerMinute !== undefined && { playersPerMinute }),
    },
    ...(pods && { pods }),
    ...(nats && { nats }),
    ...(livekit && { livekit }),
  }
  const spec = detour ? remade(declared, makingAt(detour, slot)) : declared
  const cell: CommsCell = {
    apiVersion: API_VERSION,
    kind: 'CommsCell',
    metadata: { name: '', namespace: realm.metadata.namespace },
    spec: { ...spec, ...(site.distributed && { revision: revisionOf(spec) }) },
  }
  return named(realm, cell, cellName(realm, slot))
}

/** A new cell for a slot: its first one has the plain name, one that comes beside another is told apart by what it is made of. */
export function madeCell(blueprint: Blueprint, slot: number, beside?: { holder: CommsCell; isScaled: boolean }): CommsCell {
  const made = plannedCell(blueprint, slot)
  if (!beside) return made
  const renamed = named(blueprint.realm, made, `${made.metadata.name}-${revisionOf(made.spec)}`)
  if (!beside.isScaled) return renamed
  // Whoever takes over from a cell that somebody scaled starts with as many connectors, and keeps them.
  const { replicas } = beside.holder.spec.connectors
  return {
    ...renamed,
    metadata: { ...renamed.metadata, annotations: { [SCALED_ANNOTATION]: 'true' } },
    spec: { ...renamed.spec, connectors: { ...renamed.spec.connectors, replicas } },
  }
}

/** How a cell there is is to be kept. */
export interface Keeping {
  isWanted: boolean
  isScaled: boolean
  desiredState: 'Draining' | 'Drained' | undefined
}

/** A cell there is, as it should be: what can change in place is what the realm says, what cannot is what the cell was made of. */
export function keptCell(blueprint: Blueprint, cell: CommsCell, { isWanted, isScaled, desiredState }: Keeping): CommsCell {
  const { revision, connectors } = cell.spec
  const wanted = plannedCell(blueprint, cell.spec.slot)
  const { realmRef, slot, url } = wanted.spec
  const kept = named(blueprint.realm, wanted, cell.metadata.name)
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

/** The same cell of another making; what that one has not, it has not either. */
function remade({ realmRef, slot, url, connectors }: CommsCellSpec, making: Making): CommsCellSpec {
  return { realmRef, slot, url, ...making, connectors }
}

function named(realm: Realm, cell: CommsCell, name: string): CommsCell {
  const { namespace } = realm.metadata
  const bare = { ...cell, metadata: { name, namespace, ownerReferences: [ownedBy(realm)] } }
  return { ...bare, metadata: { ...bare.metadata, labels: cellLabels(bare, 'cell') } }
}
