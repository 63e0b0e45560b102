/** The annotation by which Kubernetes chooses the pods to delete when a Deployment is scaled down: lowest first; a pod without it counts as 0. */
export const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost'
/** The cost of a pod that is to be deleted before all others. */
export const REMOVE_FIRST = '-1'

/** A connector pod that may be deleted when its Deployment is scaled down. */
export interface ConnectorPod {
  name: string
  ready: boolean
  /** Players connected to it; undefined when it did not answer. */
  players: number | undefined
  /** Its deletion cost, if it has one. */
  cost: string | undefined
}

/** A deletion cost to write; undefined = to remove. */
export interface DeletionCostChange {
  name: string
  cost: string | undefined
}

/**
 * Which deletion costs to write before a Deployment is scaled down, so that the pods with the fewest players are deleted: first one that is
 * not ready or does not answer. Only pods that are to be deleted are annotated; pods that stay lose an annotation from an earlier decision.
 */
export function deletionCostChanges(pods: readonly ConnectorPod[], replicas: number): DeletionCostChange[] {
  const isMarked = ({ cost }: ConnectorPod) => cost === REMOVE_FIRST
  const worth = ({ ready, players }: ConnectorPod) => (ready ? (players ?? -1) : -2)
  const byWorth = [...pods].sort(
    (a, b) => worth(a) - worth(b) || Number(isMarked(b)) - Number(isMarked(a)) || (a.name < b.name ? -1 : 1),
  )
  const deleted = byWorth.slice(0, Math.max(0, pods.length - replicas))
  const kept = byWorth.slice(deleted.length)
  return [
    ...deleted.filter((pod) => !isMarked(pod)).map(({ name }) => ({ name, cost: REMOVE_FIRST })),
    ...kept.filter(isMarked).map(({ name }) => ({ name, cost: undefined })),
  ]
}
