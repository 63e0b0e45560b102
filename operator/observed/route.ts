/** What the controller of an Ingress or an HTTPRoute has answered. */
export type RouteState =
  | { state: 'accepted' }
  /** Nothing yet about the object as it is now; `since`: when the operator wrote it last, in milliseconds since the epoch. */
  | { state: 'waiting'; since: number }
  /** `refused`: it does not serve the route. `unresolved`: it cannot find what the route leads to. Reason and message are the controller's. */
  | { state: 'refused' | 'unresolved'; reason: string; message: string }

/** An Ingress or an HTTPRoute of a realm. */
export interface RouteName {
  kind: string
  name: string
}

/** One that exists. */
export interface ObservedRoute extends RouteName {
  answer: RouteState
}

/** The routes of a realm, and what they belong to. */
export interface ObservedRoutes {
  routes: readonly ObservedRoute[]
  /** Whether the cluster has HTTPRoutes at all. */
  hasGatewayApi: boolean
  /** Whether the IngressClass or the Gateway that the realm names exists; undefined where the operator may not know. */
  parentExists: boolean | undefined
}
