import type { V1HTTPIngressPath, V1IngressSpec } from '@kubernetes/client-node'
import type { Realm } from '../../../crds/realm.ts'
import { isWorldRealm } from '../../../crds/world.ts'
import { partName, realmChildMeta, roomsServiceName, slotServiceName } from '../naming.ts'
import type { ManifestOf } from './kube-manifest.ts'

/** An Ingress with the fields the operator sets. */
export type Ingress = ManifestOf<V1IngressSpec>

/**
 * The one Ingress of a realm, if it asks for one. It has a path for every slot below `cells.max`, so that scaling and rollouts never
 * rewrite it: some ingress controllers close all sockets when they reload.
 */
export function realmIngress(realm: Realm): Ingress | undefined {
  const { type, host, className, tlsSecretName, annotations } = realm.spec.exposure
  if (type !== 'Ingress' || !host) return undefined
  const meta = realmChildMeta(realm, realm.metadata.name, 'route')
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: annotations ? { ...meta, annotations } : meta,
    spec: {
      ...(className && { ingressClassName: className }),
      ...(tlsSecretName && { tls: [{ hosts: [host], secretName: tlsSecretName }] }),
      rules: [{ host, http: { paths: pathsOf(realm) } }],
    },
  }
}

/** The description of the realm and its content, at the realm's own host: an Ingress reaches no Service of another namespace, but stats do. */
const OF_PROVIDER = ['/about', '/scenes', '/content', '/lambdas']

function pathsOf(realm: Realm): V1HTTPIngressPath[] {
  const { name } = realm.metadata
  if (isWorldRealm(realm)) return [pathTo('/gatekeeper', partName(realm, 'gatekeeper'))]
  const slots = Array.from({ length: realm.spec.cells.max }, (_, slot) => [
    ...(realm.spec.livekit.type === 'None' ? [pathTo(`/cells/${slot}/rooms`, roomsServiceName(name, slot))] : []),
    pathTo(`/cells/${slot}`, slotServiceName(name, slot)),
  ])
  const stats = partName(realm, 'stats')
  return [
    ...slots.flat(),
    pathTo('/gatekeeper', partName(realm, 'gatekeeper')),
    pathTo('/stats', stats),
    ...OF_PROVIDER.map((path) => pathTo(path, stats)),
  ]
}

/** With this annotation, cert-manager adds the paths of its challenges to the Ingress itself. */
const EDIT_IN_PLACE = 'acme.cert-manager.io/http01-edit-in-place'
const CHALLENGES = '/.well-known/acme-challenge/'

/** The paths of challenges that cert-manager added to a live Ingress, where the realm asks it to. */
export function challengePathsOf({ metadata, spec }: Pick<Ingress, 'metadata' | 'spec'>): V1HTTPIngressPath[] {
  if (metadata.annotations?.[EDIT_IN_PLACE] !== 'true') return []
  return (spec?.rules ?? []).flatMap(({ http }) => http?.paths.filter(({ path = '' }) => path.startsWith(CHALLENGES)) ?? [])
}

/** An Ingress with paths of challenges. The list of paths has one owner, so the operator keeps them by applying them too. */
export function withChallengePaths(ingress: Ingress, challenges: readonly V1HTTPIngressPath[]): Ingress {
  if (challenges.length === 0 || ingress.metadata.annotations?.[EDIT_IN_PLACE] !== 'true') return ingress
  const rules = ingress.spec.rules?.map((rule) => ({ ...rule, http: { paths: [...challenges, ...(rule.http?.paths ?? [])] } }))
  return { ...ingress, spec: { ...ingress.spec, ...(rules && { rules }) } }
}

const pathTo = (path: string, service: string): V1HTTPIngressPath => ({
  path,
  pathType: 'Prefix',
  backend: { service: { name: service, port: { name: 'http' } } },
})
