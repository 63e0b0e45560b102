import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import type { KindAbsence, Reflector, ReflectorOptions } from '../../../cells/kube/reflector.ts'
import { type Resource, resources } from '../../../cells/kube/resources.ts'
import type { Realm } from '../../../crds/realm.ts'

/** Begins to copy a collection that the cluster may lack. */
type Reflect = (
  resource: Resource,
  options: Required<Pick<ReflectorOptions<KubeObject, true>, 'project' | 'onChange' | 'optional'>>,
) => Reflector<true>

/**
 * The IngressClasses and Gateways of the cluster, of which only the names matter: a route to a missing one is answered by no controller.
 * An installation for some namespaces knows the Gateways in those only, and no IngressClasses.
 */
export class RouteParents {
  readonly #classes: Reflector<true>
  readonly #gateways: Reflector<true>
  readonly #namespaces: readonly string[]

  /** @param onChange some came or went */
  constructor(reflect: Reflect, namespaces: readonly string[], onChange: (type: 'Ingress' | 'Gateway') => void) {
    const of = (type: 'Ingress' | 'Gateway'): Parameters<Reflect>[1] => ({
      project: () => true,
      onChange: (change) => change.type !== 'changed' && onChange(type),
      optional: { onChange: (_: KindAbsence | undefined) => onChange(type) },
    })
    this.#classes = reflect(resources.IngressClass, of('Ingress'))
    this.#gateways = reflect(resources.Gateway, of('Gateway'))
    this.#namespaces = namespaces
  }

  /** Whether the IngressClass or the Gateway that a realm names exists; undefined where it names none, or the operator may not know. */
  existsFor({ metadata, spec: { exposure } }: Realm): boolean | undefined {
    const { type, className, gateway } = exposure ?? {}
    if (type === 'Ingress' && className) return has(this.#classes, { name: className })
    if (type !== 'Gateway' || !gateway) return undefined
    const { name, namespace = metadata.namespace } = gateway
    const isWatched = this.#namespaces.length === 0 || this.#namespaces.includes(namespace)
    return isWatched ? has(this.#gateways, { namespace, name }) : undefined
  }
}

const has = (copy: Reflector<true>, key: Parameters<Reflector<true>['get']>[0]): boolean | undefined =>
  copy.absence === undefined ? copy.get(key) !== undefined : undefined
