/** The annotation by which Kubernetes takes pods of a Deployment that gets smaller: the lowest first; a pod without it counts as 0. */
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
/** What we write there: this one goes. */
export const GOES = '-1'

/** A connector pod of which it is to be decided whether it stays. */
export interface ConnectorPod {
  name: string
  ready: boolean
  /** Players on it; nothing when it did not answer. */
  players: number | undefined
  /** Its deletion cost, if it has one. */
  cost: string | undefined
}

/** A deletion cost to write; nothing = to take away. */
export interface Mark {
  name: string
  cost: string | undefined
}

/**
 * Which pods to mark before a Deployment gets smaller, so that those with the fewest players go: one that is not ready or does not
 * answer first. Only those that go are written, and those that stay although an earlier wish had marked them.
 */
export function marksFor(pods: readonly ConnectorPod[], replicas: number): Mark[] {
  const isMarked = ({ cost }: ConnectorPod) => cost === GOES
  const worth = ({ ready, players }: ConnectorPod) => (ready ? (players ?? -1) : -2)
  const byWorth = [...pods].sort(
    (a, b) => worth(a) - worth(b) || Number(isMarked(b)) - Number(isMarked(a)) || (a.name < b.name ? -1 : 1),
  )
  const going = byWorth.slice(0, Math.max(0, pods.length - replicas))
  const staying = byWorth.slice(going.length)
  return [
    ...going.filter((pod) => !isMarked(pod)).map(({ name }) => ({ name, cost: GOES })),
    ...staying.filter(isMarked).map(({ name }) => ({ name, cost: undefined })),
  ]
}
