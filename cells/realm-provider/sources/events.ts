import type { Running } from '../../chassis/lifecycle.ts'
import { reflectNamespaces } from '../../kube/reflectors.ts'
import { resources } from '../../kube/resources.ts'
import { EVENTS_OF_THE_OPERATOR, type KubernetesEvent, latestEvents, type RealmEvent, realmEvent } from '../core/realm-events.ts'
import type { KubernetesSourceOptions } from './kubernetes.ts'

/** The Events of the operator, for the console. */
export interface EventSource extends Running {
  /** The latest first, about Realms and CommsCells. */
  latest(): readonly RealmEvent[]
}

/** Watches the Events of the operator. While it cannot, for example without the right to, the last known ones stay. */
export function createEventSource({ client, namespaces, log, metrics }: KubernetesSourceOptions): EventSource {
  let latest: readonly RealmEvent[] | undefined
  const reflector = reflectNamespaces<KubernetesEvent & { apiVersion: string; kind: string }, RealmEvent>(
    resources.EventV1,
    namespaces,
    {
      client,
      selector: { fields: EVENTS_OF_THE_OPERATOR },
      project: realmEvent,
      onChange: () => {
        latest = undefined
      },
      log,
      metrics,
    },
  )
  reflector.start()
  return {
    latest: () => {
      latest ??= latestEvents(reflector.list())
      return latest
    },
    stop: () => reflector.stop(),
  }
}
