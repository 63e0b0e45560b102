import type { ObjectKey } from '../../crds/object.ts'
import type { CommsCell, Realm } from '../../crds/realm.ts'
import type { LoadBalancerState } from './load-balancer.ts'
import type { ObservedRoutes } from './route.ts'

/** The values of the operator's installation that a workload was made with; it keeps them while its version stays. */
export interface WorkloadImage {
  /** Of the realm or cell then. */
  version: string
  /** The repository of the project's image, or the whole image of a Managed server. */
  image: string
  pullPolicy: 'Always' | 'IfNotPresent' | 'Never'
}

/** The Deployment, StatefulSet or Job of one component, as last seen. */
export interface Workload {
  component: Component
  /** Pods its spec asks for. */
  desired: number
  /** Pods with its current template, ready or not. */
  current: number
  /** Those of them that are ready. */
  updated: number
  /** Pods that are ready. */
  ready: number
  /** All pods, terminating ones among them. */
  existing: number
  /** What keeps its pods from becoming ready, when a pod or the API server says so; `code` becomes the reason of `Stalled`. */
  problem?: {
    code: 'PodsFailing' | 'PodsRefused' | 'SecretMissing'
    message: string
    /** Whether the image itself is what is missing. */
    isImageMissing?: boolean
    /** Since when, in milliseconds since the epoch, where it may pass by itself: a node is added, or a registry answers again. */
    since?: number
  }
  /** Of a service of a realm: a fingerprint of its pod template as the operator applied it. */
  template?: string | undefined
  image?: WorkloadImage | undefined
}

/** The end of the message about a process that the kernel ended because its container has too little memory. */
export const OUT_OF_MEMORY = 'out of memory'

/** A process or server of a realm or a cell; the value of the component label. */
export type Component = 'gatekeeper' | 'migration' | 'stats' | 'nats' | 'livekit' | 'proxy' | 'connector' | 'archipelago'

/** What exists for a realm. */
export interface ObservedRealm {
  cells: readonly CommsCell[]
  services: readonly Workload[]
  /** What the connectors of each cell were made with, by the name of the cell. */
  images?: ReadonlyMap<string, WorkloadImage>
  /** Names of cells whose connectors another client scales: kubectl, or an autoscaler. */
  scaled?: ReadonlySet<string>
  /** The realm that has the public address which this realm asks for; undefined while no other has it. */
  addressTakenBy?: ObjectKey | undefined
  /** The further hosts of its gatekeeper that other realms have. */
  gatekeeperHostsTaken?: readonly TakenHost[]
  /** Worlds of the namespace that use the gatekeeper of this realm. */
  guests?: readonly Realm[]
  /** Of a world that uses the gatekeeper of another realm: that realm, where it exists. */
  host?: ObservedHost | undefined
  /** That of the media of its LiveKit; absent where there is none. */
  livekitBalancer?: LoadBalancerState | undefined
  /** That of the proxy of a realm which is exposed by one; absent where there is none. */
  publicBalancer?: LoadBalancerState | undefined
  /** Its Ingress or its HTTPRoutes; absent where no route can be. */
  routes?: ObservedRoutes
}

/** A host of a gatekeeper, and the realm that has it. */
export interface TakenHost {
  host: string
  by: ObjectKey
}

/** The realm whose gatekeeper a world uses. */
export interface ObservedHost {
  realm: Realm
  gatekeeper: Workload | undefined
  /** Whether its public address belongs to another realm. */
  isAddressTaken: boolean
  /** Whether the world is in the file of the worlds that the gatekeeper serves. */
  serves: boolean
}

/** What exists for a cell. */
export interface ObservedCell {
  connectors: Workload | undefined
  archipelago: Workload | undefined
}
