import { API_VERSION, type CommsCell, type CommsCellSpec, type Realm, realmNameOf } from '../../../crds/realm.ts'
import { cellUser } from '../bus-users.ts'
import { cellLabels, cellName, ownedBy, realmTokenSecretName, SCALED_ANNOTATION } from '../naming.ts'
import { mergePods } from '../pod-overrides.ts'
import { revisionAt } from '../rollout/converge-first.ts'
import { canonicalJson, type RevisionSpec, revisionName, revisionSpecOf } from '../rollout/revision.ts'
import type { SessionReportsSite, Site } from '../site.ts'
import { connectorsWithin, isDeclaredCompact, statisticsOf } from '../topology.ts'

/** What the cells of a realm are computed from. */
export interface CellInputs {
  realm: Realm
  site: Site
  /** Connectors of the cell of a slot; undefined = as the template says. */
  connectorsOf(slot: number): number | undefined
  /** A cell whose revision the cells get for now instead of the declared one. */
  convergeOn?: CommsCell | undefined
}

/** By the inputs of one plan, which asks several times for the same cell: naming its revision is a third of the work of a plan. */
const known = new WeakMap<CellInputs, Map<number, CommsCell>>()

/** The cell of a slot as the realm declares it. */
export function desiredCell(inputs: CellInputs, slot: number): CommsCell {
  const bySlot = known.get(inputs) ?? new Map<number, CommsCell>()
  known.set(inputs, bySlot)
  const cell = bySlot.get(slot) ?? declaredCell(inputs, slot)
  bySlot.set(slot, cell)
  return cell
}

function declaredCell({ realm, site, connectorsOf, convergeOn }: CellInputs, slot: number): CommsCell {
  const { version, cells, rollout, gatekeeper, movement } = realm.spec
  const pods = mergePods(realm.spec.pods, cells.template.pods)
  const [nats, livekit, exposure] = [site.nats(realm, cellUser(slot)), site.livekit(realm), site.exposure(realm)]
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
    ...(exposure && { exposure }),
    ...(isDeclaredCompact(realm, site) && { statistics: statisticsOf(realm, site) }),
    ...(gatekeeper.replicas > 0 && { gatekeeperUrl: site.gatekeeperUrl(realm) }),
    ...(site.sessionReports && movement.type === 'Managed' && { movement: reportsTo(realm, site.sessionReports) }),
    ...(gatekeeper.denyList && { denyList: gatekeeper.denyList }),
    ...(gatekeeper.ethereum && { ethereum: gatekeeper.ethereum }),
  }
  const spec = convergeOn ? withRevision(declared, revisionAt(convergeOn, slot)) : declared
  const cell: CommsCell = {
    apiVersion: API_VERSION,
    kind: 'CommsCell',
    metadata: { name: '', namespace: realm.metadata.namespace },
    spec: { ...spec, ...(site.distributed && { revision: revisionName(spec) }) },
  }
  return withName(realm, cell, cellName(realm, slot))
}

/** A new cell for a slot. The first one has the plain name; one that replaces another has the name of its revision behind it. */
export function newCell(inputs: CellInputs, slot: number, replaced?: { active: CommsCell; isScaled: boolean }): CommsCell {
  const cell = desiredCell(inputs, slot)
  if (!replaced) return cell
  const renamed = withName(inputs.realm, cell, `${cell.metadata.name}-${revisionName(cell.spec)}`)
  if (!replaced.isScaled) return renamed
  // It replaces a cell whose connectors were scaled by another client: it starts with as many, and keeps its number.
  const replicas = connectorsWithin(renamed.spec, replaced.active.spec.connectors.replicas)
  return {
    ...renamed,
    metadata: { ...renamed.metadata, annotations: { [SCALED_ANNOTATION]: 'true' } },
    spec: { ...renamed.spec, connectors: { ...renamed.spec.connectors, replicas } },
  }
}

/** How a cell that exists is to be updated. */
export interface CellUpdate {
  /** Whether it has the desired revision. */
  isDesired: boolean
  isScaled: boolean
  desiredState: 'Draining' | 'Drained' | undefined
}

/**
 * The manifest of a cell that exists: fields that can change in place are those of the realm, the others stay what they are. While the
 * rollout is paused only the number of connectors changes: players come and go all the same.
 */
export function updatedCell(inputs: CellInputs, cell: CommsCell, { isDesired, isScaled, desiredState }: CellUpdate): CommsCell {
  const { revision, gatekeeperUrl, movement } = cell.spec
  const desired = desiredCell(inputs, cell.spec.slot)
  const { realmRef, slot } = desired.spec
  const { url, connectors } = inputs.realm.spec.rollout.paused ? cell.spec : desired.spec
  const { replicas } = isScaled ? cell.spec.connectors : desired.spec.connectors
  const updated = withName(inputs.realm, desired, cell.metadata.name)
  const annotation = cell.metadata.annotations?.[SCALED_ANNOTATION]
  return {
    ...updated,
    metadata: { ...updated.metadata, ...(annotation !== undefined && { annotations: { [SCALED_ANNOTATION]: annotation } }) },
    spec: {
      realmRef,
      slot,
      ...(desiredState && { desiredState }),
      ...(revision && { revision }),
      url,
      // Not that of the realm: cells from before there was one would restart their connectors.
      ...(gatekeeperUrl && { gatekeeperUrl }),
      ...(movement && { movement }),
      ...revisionSpecOf(isDesired ? desired.spec : cell.spec),
      connectors: { ...connectors, replicas },
    },
  }
}

/** Whether a change that is made in place waits for the rollout to go on. */
export function isHeldInPlace(inputs: CellInputs, cell: CommsCell): boolean {
  const { spec } = desiredCell(inputs, cell.spec.slot)
  const { replicas } = spec.connectors
  const [before, after] = [cell.spec, spec].map(({ url, connectors }) => canonicalJson({ url, ...connectors, replicas }))
  return inputs.realm.spec.rollout.paused && before !== after
}

/** The spec with another revision. Fields which that revision does not have are left out. */
function withRevision(
  { realmRef, slot, url, gatekeeperUrl, movement, connectors }: CommsCellSpec,
  revision: RevisionSpec,
): CommsCellSpec {
  const fixed = { ...(gatekeeperUrl && { gatekeeperUrl }), ...(movement && { movement }) }
  return { realmRef, slot, url, ...fixed, ...revision, connectors }
}

const reportsTo = (realm: Realm, { url, keyId }: SessionReportsSite): NonNullable<CommsCellSpec['movement']> => ({
  reportsUrl: `${url}/realms/${realmNameOf(realm)}`,
  secretName: realmTokenSecretName(realm, keyId),
})

function withName(realm: Realm, cell: CommsCell, name: string): CommsCell {
  const { namespace } = realm.metadata
  const bare = { ...cell, metadata: { name, namespace, ownerReferences: [ownedBy(realm)] } }
  return { ...bare, metadata: { ...bare.metadata, labels: cellLabels(bare, 'cell') } }
}
