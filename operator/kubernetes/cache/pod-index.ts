import type { CollectionChange } from '../../../cells/kube/collection-copy.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Kind } from '../../../crds/resources.ts'
import { childKey } from './child.ts'
import { Index } from './index-by.ts'
import type { EventProblem } from './pod-event.ts'
import type { PodProblem, PodState } from './pod-state.ts'

/**
 * Pods by the component of a realm or cell they belong to, with their problems. Its methods return the pod whose owner must be
 * reconciled.
 */
export class PodIndex {
  readonly #byComponent = new Index<PodState>(keyText)
  /** From Events, by `Kind/namespace/name`; undefined until an Event that needs repetition is repeated. */
  readonly #eventProblems = new Map<string, PodProblem | undefined>()

  updatePod({ type, object: pod, previous }: CollectionChange<PodState>): PodState | undefined {
    if (previous) this.#byComponent.remove(componentKey(previous), previous)
    if (type === 'removed') this.#eventProblems.delete(childKey({ kind: 'Pod', ...pod }))
    else this.#byComponent.put(componentKey(pod), pod)
    return type !== 'changed' || !previous || podDiffers(pod, previous) ? pod : undefined
  }

  /** Returns whether the owner of the object that the Event is about must be reconciled. */
  updateEvent({ type, object: { about, problem, needsRepetition } }: CollectionChange<EventProblem>): boolean {
    if (!problem) return false
    const key = childKey(about)
    if (type === 'removed') return this.#eventProblems.delete(key)
    const isFirst = !this.#eventProblems.has(key)
    this.#eventProblems.set(key, needsRepetition && isFirst ? undefined : problem)
    return true
  }

  /** The pod of a realm or cell with a name. */
  pod(key: ObjectKey): PodState | undefined {
    return this.#byComponent.find(keyText(key))
  }

  /** Why no pod is created for a StatefulSet or a Job. */
  creationProblemOf(workload: { kind: string } & ObjectKey): PodProblem | undefined {
    return this.#eventProblems.get(childKey(workload))
  }

  /** Pods of a component of a realm or cell, terminating ones among them. */
  podsOf(owner: { kind: Kind } & ObjectKey, component: string): PodState[] {
    return this.#byComponent.in(`${childKey(owner)}/${component}`)
  }

  /** The problem of a pod of a component: the first one that does not pass by itself, else the one that has lasted longest. */
  problemOf(owner: { kind: Kind } & ObjectKey, component: string): PodProblem | undefined {
    const problems = this.podsOf(owner, component).flatMap(
      (pod) => pod.problem ?? (pod.ready || pod.started ? [] : (this.#eventProblemOf(pod) ?? [])),
    )
    return problems.sort((a, b) => (a.since ?? 0) - (b.since ?? 0))[0]
  }

  /**
   * Whether a pod of a component lacks a Secret. A pod that runs lacks it too when its kubelet can no longer refresh what is mounted; that is
   * no problem of the pod.
   */
  lacksSecret(owner: { kind: Kind } & ObjectKey, component: string, secret: string): boolean {
    return this.podsOf(owner, component).some(
      (pod) => pod.problem?.missingSecret === secret || this.#eventProblemOf(pod)?.missingSecret === secret,
    )
  }

  /** Forgets the Events which say that a Secret is missing; returns the pods they are about. */
  secretExists({ namespace, name }: ObjectKey): PodState[] {
    return [...this.#eventProblems].flatMap(([key, problem]) => {
      const pod = problem?.missingSecret === name ? this.#byComponent.find(key.slice('Pod/'.length)) : undefined
      if (pod?.namespace !== namespace) return []
      this.#eventProblems.delete(key)
      return [pod]
    })
  }

  /** A kubelet names a volume and a key where it lacks a Secret; the pod knows which Secret that is, and which keys it needs. */
  #eventProblemOf(pod: PodState): PodProblem | undefined {
    const problem = this.#eventProblems.get(childKey({ kind: 'Pod', ...pod }))
    const secret = pod.secrets?.[problem?.volume ?? '']
    if (problem?.code !== 'SecretMissing' || !secret) return problem
    const which = problem.missingSecret ? problem.message : `Secret "${secret.name}" ${problem.message}`
    return { ...problem, message: `${which}; these keys of it are needed: ${secret.keys.join(', ')}` }
  }
}

const podDiffers = (a: PodState, b: PodState): boolean =>
  a.ready !== b.ready ||
  a.started !== b.started ||
  a.migrated !== b.migrated ||
  a.problem?.message !== b.problem?.message ||
  a.problem?.since !== b.problem?.since

const componentKey = ({ owner, namespace, component }: PodState): string =>
  owner ? `${childKey({ ...owner, namespace })}/${component}` : ''
