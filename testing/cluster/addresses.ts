/** Names and addresses of one cluster, derived from its index so that clusters on one machine never overlap. */
export interface Addresses {
  /** Names the bridge, the links and the control groups. */
  name: string
  bridge: string
  /** This machine's address on the bridge, with its prefix length. */
  host: string
  services: string
  /** The API server, as pods see it. */
  apiService: string
  pods: string
  node(index: number): NodeAddresses
}

/** Names and addresses of one node. */
export interface NodeAddresses {
  name: string
  address: string
  pods: string
  /** This machine's end of the node's cable; its other end is `eth0` in the node. */
  link: string
  cgroup: string
}

/** How many clusters one machine has addresses for. */
export const MAX_CLUSTERS = 32

/** How many nodes a cluster can have. */
export const MAX_NODES = 16

/** Cluster `index` has 10.(200 + index).0.0/16: nodes in the lowest /24, then pods, services in the upper half. */
export function addressesOf(index: number): Addresses {
  const network = `10.${200 + index}`
  const name = `realm-k8s-${index}`
  return {
    name,
    bridge: `realmk8s${index}`,
    host: `${network}.0.1/24`,
    services: `${network}.128.0/17`,
    apiService: `${network}.128.1`,
    pods: `${network}.64.0/18`,
    node: (node) => ({
      name: `node-${node}`,
      address: `${network}.0.${10 + node}`,
      pods: `${network}.${64 + node}.0/24`,
      link: `realmk8s${index}n${node}`,
      cgroup: `${name}-${node}`,
    }),
  }
}
