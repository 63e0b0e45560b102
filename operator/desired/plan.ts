import { API_VERSION, type CommsCell, type Realm } from '../../crds/realm.ts'
import type { RealmObserved } from '../cluster/ports.ts'
import { cellUser } from './bus-users.ts'
import { endpointsOf } from './endpoints.ts'
import { cellLabels, cellName, ownedBy } from './naming.ts'
import { mergePods } from './overrides.ts'
import { archipelagoSettings, connectorSettings, gatekeeperSettings, type Settings, statsSettings } from './settings.ts'
import type { Site } from './site.ts'

/** What one pass wants for a realm. */
export interface RealmPlan {
  /** The cells the realm deserves, complete as they should be; others of this realm go. */
  cells: readonly CommsCell[]
  /** The services all cells of the realm share. */
  services: readonly ServicePlan[]
  /** Which cell answers at each slot's stable URL: every slot below `cells.max`, none while no cell runs. */
  slots: readonly { slot: number; cell: string }[]
}

/** One service of a realm. */
export interface ServicePlan {
  component: 'gatekeeper' | 'stats'
  /** 0 = it should not run. */
  replicas: number
  settings: Settings
}

/** What one pass wants for a cell. */
export interface CellPlan {
  connectors: { replicas: number; settings: Settings }
  archipelago: { settings: Settings }
}

/** One cell per slot, from slot 0 up to `cells.replicas`; the services; and who answers where. */
export function planRealm(realm: Realm, observed: RealmObserved, site: Site): RealmPlan {
  const cells = Array.from({ length: realm.spec.cells.replicas }, (_, slot) => plannedCell(realm, slot, site))
  return {
    cells,
    services: [
      { component: 'gatekeeper', replicas: realm.spec.gatekeeper.replicas, settings: gatekeeperSettings(realm, site) },
      { component: 'stats', replicas: 1, settings: statsSettings(realm, site) },
    ],
    slots: answeringCells(realm, cells, observed),
  }
}

/** The processes of one cell. */
export const planCell = (cell: CommsCell): CellPlan => ({
  connectors: { replicas: cell.spec.connectors.replicas, settings: connectorSettings(cell) },
  archipelago: { settings: archipelagoSettings(cell) },
})

function plannedCell(realm: Realm, slot: number, site: Site): CommsCell {
  const { version, cells } = realm.spec
  const pods = mergePods(realm.spec.pods, cells.template.pods)
  const [nats, livekit] = [site.nats(realm, cellUser(slot)), site.livekit(realm)]
  const cell: CommsCell = {
    apiVersion: API_VERSION,
    kind: 'CommsCell',
    metadata: { name: cellName(realm, slot), namespace: realm.metadata.namespace, ownerReferences: [ownedBy(realm)] },
    spec: {
      realmRef: { name: realm.metadata.name },
      slot,
      url: site.urls(realm).slot(slot),
      version,
      ...cells.template,
      ...(pods && { pods }),
      ...(nats && { nats }),
      ...(livekit && { livekit }),
    },
  }
  return { ...cell, metadata: { ...cell.metadata, labels: cellLabels(cell, 'cell') } }
}

// Explorers keep a slot's URL for ever, so each slot leads somewhere. A new cell takes its own slot over once it serves;
// one that only stumbles keeps it, because its players would lose their islands in another cell.
function answeringCells(realm: Realm, cells: readonly CommsCell[], observed: RealmObserved): RealmPlan['slots'] {
  const endpoints = endpointsOf(realm, cells, observed.cells)
  const grown = endpoints.filter(({ state }) => state !== 'Starting')
  const able = grown.length > 0 ? grown : endpoints
  if (able.length === 0) return []
  return Array.from({ length: realm.spec.cells.max }, (_, slot) => {
    const answering = able.find((endpoint) => endpoint.slot === slot) ?? able[slot % able.length]
    return { slot, cell: answering?.cell ?? cellName(realm, slot) }
  })
}
