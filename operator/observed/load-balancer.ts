/** What a load balancer has written into the status of a Service. */
export interface LoadBalancerState {
  /** IP addresses, in its order. */
  addresses: readonly string[]
  /** Its name, where it has one instead of addresses. */
  hostName?: string
}
