import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import type { RouteState } from '../../observed/route.ts'
import { appliedAt } from '../managed-fields.ts'

interface LiveIngress extends KubeObject {
  status?: { loadBalancer?: { ingress?: unknown[] } }
}

interface ParentRef {
  name?: string
  namespace?: string
  sectionName?: string
}

interface RouteCondition {
  type: string
  status: string
  reason?: string
  message?: string
  observedGeneration?: number
}

interface LiveHttpRoute extends KubeObject {
  spec?: { parentRefs?: ParentRef[] }
  status?: { parents?: { parentRef?: ParentRef; conditions?: RouteCondition[] }[] }
}

/** An Ingress has no conditions: its controller answers by writing at which address it serves it. */
export const ingressState = (live: LiveIngress, manager: string): RouteState =>
  (live.status?.loadBalancer?.ingress?.length ?? 0) > 0 ? { state: 'accepted' } : waiting(live, manager)

/** What was answered about the parent that the operator wrote; answers about an earlier generation do not count. */
export function httpRouteState(live: LiveHttpRoute, manager: string): RouteState {
  const { namespace, generation = 0 } = live.metadata
  const [parent = {}] = live.spec?.parentRefs ?? []
  const answers = (live.status?.parents ?? [])
    .filter(({ parentRef }) => parentRef && isSame(parentRef, parent, namespace))
    .map(({ conditions = [] }) => conditions.filter((condition) => (condition.observedGeneration ?? generation) >= generation))
  const states = answers.flatMap((conditions) => answerOf(conditions) ?? [])
  // Two controllers may answer for one Gateway while one takes over from the other.
  return states.find(({ state }) => state === 'accepted') ?? states[0] ?? waiting(live, manager)
}

function answerOf(conditions: readonly RouteCondition[]): RouteState | undefined {
  const find = (type: string) => conditions.find((condition) => condition.type === type)
  const [accepted, resolved] = [find('Accepted'), find('ResolvedRefs')]
  const because = ({ reason = '', message = '' }: RouteCondition) => ({ reason, message })
  if (accepted?.status === 'False') return { state: 'refused', ...because(accepted) }
  if (resolved?.status === 'False') return { state: 'unresolved', ...because(resolved) }
  return accepted?.status === 'True' ? { state: 'accepted' } : undefined
}

const isSame = (a: ParentRef, b: ParentRef, namespace: string | undefined): boolean =>
  a.name === b.name &&
  (a.namespace ?? namespace) === (b.namespace ?? namespace) &&
  (a.sectionName ?? '') === (b.sectionName ?? '')

const waiting = (live: KubeObject, manager: string): RouteState => ({
  state: 'waiting',
  since: appliedAt(live, manager) ?? Date.parse(live.metadata.creationTimestamp ?? ''),
})
