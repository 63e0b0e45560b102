import { PRODUCT_VERSION } from '../cluster/product.ts'

/** Name of the realm that is disrupted. */
export const REALM = 'main'
/** Another tag of the same image. */
export const NEXT_VERSION = `${PRODUCT_VERSION}-next`

export interface RealmSettings {
  /** Connectors of a cell. */
  connectors: number
  natsReplicas: 1 | 3
  drainSeconds: number
  playersPerMinute: number
  /** From one clustering of the archipelago to the next. */
  flushMs: number
}

/** Requested, so that pods which start do not take the processor from those that serve players. */
const resources = { requests: { cpu: '100m', memory: '64Mi' } }

const DATABASE = 'gatekeeper-database'

/** The Secret with the URL of the gatekeepers' database. */
export const databaseSecret = (url: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: DATABASE },
  stringData: { url },
})

/** The manifest of the realm. */
export const realmOf = ({ connectors, natsReplicas, drainSeconds, playersPerMinute, flushMs }: RealmSettings) => ({
  apiVersion: 'comms.decentraland.org/v1alpha1',
  kind: 'Realm',
  metadata: { name: REALM },
  spec: {
    version: PRODUCT_VERSION,
    cells: {
      replicas: 1,
      max: 3,
      template: {
        connectors: { replicas: connectors, drainSeconds, resources },
        archipelago: { resources, flushPeriodMilliseconds: flushMs },
      },
    },
    gatekeeper: { replicas: 2, database: { type: 'External', secret: { name: DATABASE } } },
    nats: { type: 'Managed', replicas: natsReplicas },
    livekit: { type: 'Managed' },
    rollout: { playersPerMinute },
  },
})
