import type { KubeKey, KubeObject } from '../../../cells/kube/kube-object.ts'
import type { Reflector, ReflectorOptions } from '../../../cells/kube/reflector.ts'
import { type Resource, resources } from '../../../cells/kube/resources.ts'
import type { Realm } from '../../../crds/realm.ts'

/** Begins to copy a collection that the cluster may lack. */
type Reflect = (
  resource: Resource,
  options: Required<Pick<ReflectorOptions<KubeObject, KubeKey>, 'project' | 'onChange' | 'optional'>>,
) => Reflector<KubeKey>

/**
 * The IngressClasses and Gateways of the cluster, of which only the names matter: a route to a missing one is answered by no controller.
 * An installation for some namespaces knows the Gateways in those only, and no IngressClasses.
 */
export class RouteParents {
  readonly #classes: Reflector<KubeKey>
  readonly #gateways: Reflector<KubeKey>
  readonly #namespaces: readonly string[]

  /** @param onChange some came or went, which concerns the realms that name them */
  constructor(reflect: Reflect, namespaces: readonly string[], onChange: (concerns: (realm: Realm) => boolean) => void) {
    const copyOf = (resource: Resource) =>
      reflect(resource, {
        project: ({ metadata: { namespace, name } }) => ({ ...(namespace && { namespace }), name }),
        onChange: ({ type, object: { namespace, name } }) => {
          const isParent = (parent: Parent | undefined) =>
            parent?.kind === resource.kind && parent.namespace === namespace && parent.name === name
          if (type !== 'changed') onChange((realm) => isParent(parentOf(realm)))
        },
        optional: { onChange: () => onChange((realm) => parentOf(realm)?.kind === resource.kind) },
      })
    this.#classes = copyOf(resources.IngressClass)
    this.#gateways = copyOf(resources.Gateway)
    this.#namespaces = namespaces
  }

  /** Whether the IngressClass or the Gateway that a realm names exists; undefined where it names none, or the operator may not know. */
  existsFor(realm: Realm): boolean | undefined {
    const parent = parentOf(realm)
    if (!parent) return undefined
    if (parent.kind === 'IngressClass') return has(this.#classes, parent)
    const isWatched = this.#namespaces.length === 0 || this.#namespaces.includes(parent.namespace)
    return isWatched ? has(this.#gateways, parent) : undefined
  }
}

type Parent = { kind: 'IngressClass'; namespace?: undefined; name: string } | { kind: 'Gateway'; namespace: string; name: string }

/** What the routes of a realm belong to, where it names it. */
function parentOf({ metadata, spec: { exposure } }: Realm): Parent | undefined {
  const { type, className, gateway } = exposure ?? {}
  if (type === 'Ingress' && className) return { kind: 'IngressClass', name: className }
  if (type !== 'Gateway' || !gateway) return undefined
  return { kind: 'Gateway', namespace: gateway.namespace ?? metadata.namespace, name: gateway.name }
}

const has = (copy: Reflector<KubeKey>, { namespace, name }: Parent): boolean | undefined =>
  copy.absence === undefined ? copy.get({ ...(namespace && { namespace }), name }) !== undefined : undefined
