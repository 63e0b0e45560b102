import type { CollectionChange } from '../../../cells/kube/collection-copy.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Kind } from '../../../crds/resources.ts'
import { childKey } from './child.ts'
import { Index } from './index-by.ts'
import { type LiveEvent, mountProblemOf, type PodProblem, type PodState } from './pod-state.ts'

/** A pod, and why its volumes cannot be mounted, from an Event. */
export interface MountEvent {
  pod: ObjectKey
  problem: PodProblem | undefined
}

/** Reduces a live Event to what the index keeps. */
export const mountEventOf = ({ involvedObject: { namespace = '', name = '' }, ...event }: LiveEvent): MountEvent => ({
  pod: { namespace, name },
  problem: mountProblemOf({ ...event, involvedObject: {} }),
})

/**
 * Pods by the component of a realm or cell they belong to, with their problems. Its methods return the pod whose owner must be
 * reconciled.
 */
export class PodIndex {
  readonly #byComponent = new Index<PodState>(keyText)
  readonly #mountProblems = new Map<string, PodProblem>()

  updatePod({ type, object: pod, previous }: CollectionChange<PodState>): PodState | undefined {
    if (previous) this.#byComponent.remove(componentKey(previous), previous)
    if (type === 'removed') this.#mountProblems.delete(keyText(pod))
    else this.#byComponent.put(componentKey(pod), pod)
    const isRelevant = type !== 'changed' || pod.ready !== previous?.ready || pod.problem?.message !== previous.problem?.message
    return isRelevant ? pod : undefined
  }

  updateMountEvent({ type, object: { pod, problem } }: CollectionChange<MountEvent>): PodState | undefined {
    if (!problem) return undefined
    if (type === 'removed') this.#mountProblems.delete(keyText(pod))
    else this.#mountProblems.set(keyText(pod), problem)
    return this.#byComponent.find(keyText(pod))
  }

  podsOf(owner: { kind: Kind } & ObjectKey, component: string): PodState[] {
    return this.#byComponent.in(`${childKey(owner)}/${component}`)
  }

  /** The problem of the first pod of a component that has one. */
  problemOf(owner: { kind: Kind } & ObjectKey, component: string): PodProblem | undefined {
    for (const pod of this.podsOf(owner, component)) {
      const problem = pod.problem ?? (pod.ready ? undefined : this.#mountProblems.get(keyText(pod)))
      if (problem) return problem
    }
    return undefined
  }
}

const componentKey = ({ owner, namespace, component }: PodState): string =>
  owner ? `${childKey({ ...owner, namespace })}/${component}` : ''
