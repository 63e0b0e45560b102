import type { V1Pod, V1Service } from '@kubernetes/client-node'
import { UserError } from '../../cells/chassis/errors.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import type { ClusterNamespace } from '../cluster/cluster.ts'
import type { PodPort } from './tunnel.ts'

/** A named port of a Service. */
export interface ServicePort {
  namespace: string
  service: string
  port: string
}

export interface ServicePodsOptions {
  client: Pick<ClusterNamespace['client'], 'get' | 'list'>
  /** Milliseconds since an arbitrary start. */
  now(): number
  /** From 0 to below 1. */
  random(): number
}

/** Pods come and go: what is known of a Service is used for so long. */
const KNOWN_MS = 2_000

/** Chooses one of the ready pods behind a Service. */
export type ChoosePod = (of: ServicePort) => Promise<PodPort>

/** @returns a function that throws UserError 4 where a Service is missing or has no ready pod, and KubeError */
export function createServicePods({ client, now, random }: ServicePodsOptions): ChoosePod {
  const known = new Map<string, { pods: Promise<PodPort[]>; until: number }>()
  const podsOf = (of: ServicePort): Promise<PodPort[]> => {
    const key = `${of.namespace}/${of.service}/${of.port}`
    const before = known.get(key)
    if (before && now() < before.until) return before.pods
    const pods = readyPods(client, of)
    // A failure is not kept: the next request may find what this one missed.
    pods.catch(() => known.delete(key))
    known.set(key, { pods, until: now() + KNOWN_MS })
    return pods
  }
  return async (of) => {
    const pods = await podsOf(of)
    const pod = pods[Math.floor(random() * pods.length)]
    if (!pod) throw new UserError(`The Service ${of.namespace}/${of.service} has no ready pod.`, 4)
    return pod
  }
}

async function readyPods(client: ServicePodsOptions['client'], of: ServicePort): Promise<PodPort[]> {
  const { namespace, service: name } = of
  const service = (await client.get<KubeObject>(resources.Service, { namespace, name })) as V1Service | undefined
  const port = service?.spec?.ports?.find((each) => each.name === of.port)
  const { selector = {} } = service?.spec ?? {}
  if (!port || Object.keys(selector).length === 0)
    throw new UserError(`There is no Service ${namespace}/${name} with pods and a port ${of.port}.`, 4)
  const labelSelector = Object.entries(selector).map(([key, value]) => `${key}=${value}`)
  const { items } = await client.list<V1Pod>(collectionPath(resources.Pod, namespace), { labelSelector: labelSelector.join(',') })
  return items.flatMap((pod) => {
    const number = portOf(pod, port.targetPort ?? port.port)
    return isReady(pod) && number !== undefined ? [{ namespace, pod: pod.metadata?.name ?? '', port: number }] : []
  })
}

const isReady = ({ metadata, status }: V1Pod): boolean =>
  !metadata?.deletionTimestamp && status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true

function portOf({ spec }: V1Pod, target: number | string): number | undefined {
  if (typeof target === 'number') return target
  return spec?.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target)?.containerPort
}
